// What a query asks for: the filters of LedgerClient's queries.
//
//   client.QueryTransfers({.code = 10, .reversed = true, .limit = 100});
//   client.GetAccountTransfers({.account = AccountId(7), .credits = false});
//
// Shape   A field that is not set does not restrict; all that are set must
//         match. User data of 0 is "not set".
// Source  ledger.proto, AccountFilter and QueryFilter.
#ifndef LEDGERD_CLIENT_FILTERS_H_
#define LEDGERD_CLIENT_FILTERS_H_

#include <cstdint>
#include <optional>

#include "proto/system_limits.h"
#include "proto/types.h"

namespace ledgerd::client {

struct QueryFilter {
  Uint128 user_data_128 = 0;
  uint64_t user_data_64 = 0;
  uint32_t user_data_32 = 0;
  std::optional<uint32_t> ledger;
  std::optional<uint16_t> code;
  // Both inclusive.
  std::optional<Timestamp> timestamp_min;
  std::optional<Timestamp> timestamp_max;
  // Newest first.
  bool reversed = false;
  uint32_t limit = kMaxBatchSize;
};

// The transfers of one account, or its balances after each of them.
struct AccountFilter {
  AccountId account;
  // Those that debit it, those that credit it: at least one of the two.
  bool debits = true;
  bool credits = true;
  Uint128 user_data_128 = 0;
  uint64_t user_data_64 = 0;
  uint32_t user_data_32 = 0;
  std::optional<uint16_t> code;
  std::optional<Timestamp> timestamp_min;
  std::optional<Timestamp> timestamp_max;
  bool reversed = false;
  uint32_t limit = kMaxBatchSize;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_FILTERS_H_
