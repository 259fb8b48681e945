// What a query of accounts or transfers asks for.
//
//   QueryFilter filter;
//   filter.code = 10;
//   filter.reversed = true;
//   filter.limit = 100;
//
// Shape   A field that is 0 does not restrict; no account or transfer that is
//         looked for by it has 0 there. All that are set must match.
// Source  ledger.proto, AccountFilter and QueryFilter; ledger.md, "Queries".
#ifndef LEDGERD_STORAGE_STATE_QUERY_H_
#define LEDGERD_STORAGE_STATE_QUERY_H_

#include <cstdint>

#include "proto/types.h"

namespace ledgerd::storage {

struct QueryFilter {
  Uint128 user_data_128 = 0;
  uint64_t user_data_64 = 0;
  uint32_t user_data_32 = 0;
  uint32_t ledger = 0;
  uint16_t code = 0;
  // Both inclusive.
  Timestamp timestamp_min{1};
  Timestamp timestamp_max = kTimestampMax;
  // Newest first.
  bool reversed = false;
  uint32_t limit = 0;
};

// The transfers of one account. Requires: at least one of the two sides.
struct AccountFilter {
  AccountId account_id;
  bool debits = true;
  bool credits = true;
  QueryFilter rest;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_QUERY_H_
