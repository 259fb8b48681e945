// The real ledger against the naive one: random worlds, compared after every
// entry, with the invariants of ledger.md.
//
//   bazel run //tests/model:ledger_property_test -- --seed=7 --batches=40
//
// World k of a run has the seed --seed + k and kWorldBatches batches, so that a
// failing world is replayed by its own seed.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "proto/system_limits.h"
#include "storage/memory_state_store.h"
#include "tests/model/checker.h"
#include "tests/model/coverage.h"
#include "tests/model/subject.h"
#include "tests/model/world.h"

ABSL_FLAG(uint64_t, seed, 1, "The seed of the first world.");
ABSL_FLAG(uint64_t, batches, 10000, "How many batches to run in all.");

namespace ledgerd::model {
namespace {

constexpr size_t kWorldBatches = 40;
// From here on, a run has to reach everything.
constexpr size_t kBatchesToReachAll = 10000;

class LedgerInMemory final : public RealLedger {
 public:
  explicit LedgerInMemory(bool cold)
      : LedgerInMemory(std::make_unique<storage::MemoryStateStore>(
            storage::MemoryStateStore::Options{.cold = cold})) {}

 private:
  explicit LedgerInMemory(std::unique_ptr<storage::MemoryStateStore> store)
      : RealLedger(*store), store_(std::move(store)) {}

  std::unique_ptr<storage::MemoryStateStore> store_;
};

// A cold store proves that NeedsOf names all that Apply looks at.
MakeSubject Make(bool cold) {
  return [cold] { return std::make_unique<LedgerInMemory>(cold); };
}

// False after the first world that fails.
bool RunOne(uint64_t seed, size_t batches, Coverage& coverage) {
  std::cout << "replay: bazel run //tests/model:ledger_property_test -- --seed="
            << seed << " --batches=" << batches << std::endl;
  const std::optional<Failure> failure = RunWorld(
      {.seed = seed, .batches = batches}, Make(seed % 2 == 0), coverage);
  if (failure) {
    ADD_FAILURE() << "seed " << seed << ", batch " << failure->batches
                  << "; replay: bazel run //tests/model:ledger_property_test "
                     "-- --seed="
                  << seed << " --batches=" << failure->batches << "\n"
                  << failure->text;
  }
  return !failure;
}

TEST(LedgerProperty, AgreesWithTheNaiveModel) {
  const uint64_t seed = absl::GetFlag(FLAGS_seed);
  const size_t batches = absl::GetFlag(FLAGS_batches);
  Coverage coverage;
  for (size_t done = 0; done < batches; done += kWorldBatches) {
    if (!RunOne(seed + done / kWorldBatches,
                std::min(kWorldBatches, batches - done), coverage)) {
      return;
    }
  }
  if (batches >= kBatchesToReachAll) {
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

TEST(LedgerProperty, OneEntryExpiresAFullBatchAndNoMore) {
  LedgerInMemory ledger(/*cold=*/true);
  Checker checker(ledger, Compare::kEverything);
  Step accounts{.kind = EntryKind::kCreateAccounts,
                .timestamp = Timestamp(100)};
  accounts.accounts = {PlainAccount(1), PlainAccount(2)};
  const Step expire{.kind = EntryKind::kExpireTransfers,
                    .timestamp = Timestamp(2 * kNanosPerSecond)};
  Step again = expire;
  again.timestamp = Timestamp(3 * kNanosPerSecond);
  for (const Step& step : {accounts, Holds(1, kMaxBatchSize, Timestamp(10'000)),
                           Holds(10'000, 5, Timestamp(20'000)), expire}) {
    ASSERT_EQ(checker.Check(step), std::nullopt);
  }
  EXPECT_EQ(checker.state().Due(kTimestampMax).size(), 5u);
  ASSERT_EQ(checker.Check(again), std::nullopt);
  EXPECT_EQ(checker.state().Due(kTimestampMax).size(), 0u);
}

}  // namespace
}  // namespace ledgerd::model

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  absl::ParseCommandLine(argc, argv);
  return RUN_ALL_TESTS();
}
