// The real ledger against the naive one: random worlds, compared after every
// entry, with the invariants of ledger.md.
//
//   bazel run //tests/model:ledger_property_test -- --seed=7 --batches=40
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/flags/flag.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "proto/system_limits.h"
#include "tests/model/checker.h"
#include "tests/model/coverage.h"
#include "tests/model/stores.h"
#include "tests/model/worlds.h"

namespace ledgerd::model {
namespace {

// From here on, a run has to reach everything.
constexpr size_t kBatchesToReachAll = 10'000;

TEST(LedgerProperty, AgreesWithTheNaiveModel) {
  const Coverage coverage =
      RunWorlds("ledger_property_test", [](uint64_t seed) {
        return std::make_unique<LedgerInMemory>(/*cold=*/seed % 2 == 0);
      });
  if (absl::GetFlag(FLAGS_batches) >= kBatchesToReachAll) {
    EXPECT_THAT(coverage.Missing(), testing::IsEmpty());
  }
}

Account PlainAccount(uint64_t id) {
  Account account;
  account.id = AccountId(id);
  account.ledger = 1;
  account.code = 1;
  return account;
}

// `count` holds of one second, with ids from `first` on.
Step Holds(uint64_t first, size_t count, Timestamp timestamp) {
  Step step{.kind = EntryKind::kCreateTransfers, .timestamp = timestamp};
  for (size_t i = 0; i < count; ++i) {
    Transfer transfer;
    transfer.id = TransferId(first + i);
    transfer.debit_account_id = AccountId(1);
    transfer.credit_account_id = AccountId(2);
    transfer.amount = Amount(1);
    transfer.ledger = 1;
    transfer.code = 1;
    transfer.flags = transfer_flags::kPending;
    transfer.timeout_seconds = 1;
    step.transfers.push_back(transfer);
  }
  return step;
}

// In order of expiry, then of creation: what is left are the newest of those
// that expire last.
TEST(LedgerProperty, OneEntryExpiresAFullBatchInOrderAndNoMore) {
  constexpr size_t kLeft = 5;
  constexpr size_t kHalf = kMaxBatchSize / 2;
  LedgerInMemory ledger(/*cold=*/true);
  Checker checker(ledger, Compare::kEverything);
  Step accounts{.kind = EntryKind::kCreateAccounts,
                .timestamp = Timestamp(100)};
  accounts.accounts = {PlainAccount(1), PlainAccount(2)};
  Step holds = Holds(1, kMaxBatchSize, Timestamp(10'000));
  for (size_t i = 0; i < kHalf; ++i) holds.transfers[i].timeout_seconds = 2;
  const Step expire{.kind = EntryKind::kExpireTransfers,
                    .timestamp = Timestamp(3 * kNanosPerSecond)};
  Step again = expire;
  again.timestamp = Timestamp(4 * kNanosPerSecond);
  for (const Step& step :
       {accounts, holds, Holds(10'000, kLeft, Timestamp(20'000)), expire}) {
    ASSERT_EQ(checker.Check(step), std::nullopt);
  }
  std::vector<TransferId> left;
  for (size_t i = 0; i < kLeft; ++i) {
    left.emplace_back(kHalf - kLeft + i + 1);
  }
  EXPECT_EQ(checker.state().Due(kTimestampMax), left);
  ASSERT_EQ(checker.Check(again), std::nullopt);
  EXPECT_EQ(checker.state().Due(kTimestampMax).size(), 0u);
}

}  // namespace
}  // namespace ledgerd::model
