// The smallest ledger that can pay: a daemon with accounts 1 and 2, for tests
// of its edges.
//
//   ASSERT_NO_FATAL_FAILURE(StartWithTwoAccounts(ledger, raw));
//   raw.CreateTransfers({PayOne(7)}, 1min);
//
// Units  PayOne(id) moves 1 from account 1 to account 2.
#ifndef LEDGERD_TESTS_INTEGRATION_TWO_ACCOUNTS_H_
#define LEDGERD_TESTS_INTEGRATION_TWO_ACCOUNTS_H_

#include <chrono>
#include <cstdint>

#include "gtest/gtest.h"

#include "proto/types.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/raw_client.h"

namespace ledgerd::integration {

inline Transfer PayOne(uint64_t id) {
  return {.id = TransferId(id),
          .debit_account_id = AccountId(1),
          .credit_account_id = AccountId(2),
          .amount = Amount(1),
          .ledger = 1,
          .code = 1};
}

inline void StartWithTwoAccounts(LiveLedger& ledger, RawClient& raw) {
  const absl::Status started = ledger.Start();
  ASSERT_TRUE(started.ok()) << started;
  const Ending ending =
      raw.CreateAccounts({{.id = AccountId(1), .ledger = 1, .code = 1},
                          {.id = AccountId(2), .ledger = 1, .code = 1}},
                         std::chrono::minutes(1));
  ASSERT_EQ(ending.outcome, Outcome::kAnswered) << ending.error;
}

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_TWO_ACCOUNTS_H_
