// A full disk is not the end: payments are refused as DISK_FULL and nothing of
// them is done, reads go on, and once there is space again so do payments.
//
// The disk is a small one of this test alone (small_disk.h).
#include <signal.h>

#include <iostream>
#include <set>

#include "gtest/gtest.h"

#include "tests/integration/counted_incidents.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/raw_client.h"
#include "tests/integration/small_disk.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::integration {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTimeout(20'000);
constexpr std::chrono::seconds kStopLimit(30);  // Half of its own patience.
constexpr size_t kBatch = 4'000;
constexpr int kBatchesMax = 1'000;
// Twice what the daemon wants to have left before it begins a checkpoint.
constexpr char kDiskSize[] = "size=640m";

std::vector<std::string> Flags() {
  std::vector<std::string> flags = SmallLimits();
  flags.push_back("--stop-timeout-ms=60000");
  return flags;
}

class DiskFullTest : public testing::Test {
 protected:
  void SetUp() override {
    const absl::Status started = ledger_.StartOn(disk_.Path("data"));
    ASSERT_TRUE(started.ok()) << started;
    const Ending ending =
        raw_.CreateAccounts({{.id = AccountId(1), .ledger = 1, .code = 1},
                             {.id = AccountId(2), .ledger = 1, .code = 1}},
                            kTimeout);
    ASSERT_EQ(ending.outcome, Outcome::kAnswered) << ending.error;
  }

  void TearDown() override {
    if (HasFailure()) std::cout << ledger_.daemon().Log();
  }

  std::vector<Transfer> NextBatch() {
    std::vector<Transfer> batch;
    for (size_t i = 0; i < kBatch; ++i) {
      batch.push_back({.id = TransferId(++ids_),
                       .debit_account_id = AccountId(1),
                       .credit_account_id = AccountId(2),
                       .amount = Amount(1),
                       .ledger = 1,
                       .code = 1});
    }
    return batch;
  }

  Ending Pay(const std::vector<Transfer>& batch) {
    Ending ending = raw_.CreateTransfers(batch, kTimeout);
    if (ending.outcome == Outcome::kAnswered) paid_.insert(batch[0].id);
    return ending;
  }

  // Pays until something else than an answer comes.
  Ending PayUntilRefused() {
    for (int i = 0; i < kBatchesMax; ++i) {
      Ending ending = Pay(NextBatch());
      if (ending.outcome != Outcome::kAnswered) return ending;
    }
    return {};
  }

  // A payment that is refused because the disk is full.
  std::vector<Transfer> FillUpAndBeRefused() {
    disk_.FillUp();
    const Ending refused = PayUntilRefused();
    EXPECT_TRUE(refused.error == "RESOURCE_EXHAUSTED DISK_FULL" ||
                refused.outcome == Outcome::kUnknown)
        << refused.error;
    std::vector<Transfer> another = NextBatch();
    EXPECT_EQ(Pay(another).error, "RESOURCE_EXHAUSTED DISK_FULL");
    return another;
  }

  void ExpectAllPaidAreThere() {
    const std::vector<TransferId> ids(paid_.begin(), paid_.end());
    Ending found;
    // The first call after a restart may meet the connection that broke.
    EXPECT_TRUE(WaitUntil(kTimeout, [&] {
      found = raw_.LookupTransfers(ids, kTimeout);
      return found.outcome == Outcome::kAnswered;
    })) << found.error;
    EXPECT_EQ(found.found.size(), ids.size());
  }

  // The disk is mounted before the daemon runs, and gone only after it.
  const TestDirectory directory_{"disk"};
  const SmallDisk disk_{directory_.path(), kDiskSize};
  LiveLedger ledger_{Flags()};
  RawClient raw_{ledger_.address()};
  std::set<TransferId> paid_;
  uint64_t ids_ = 0;
};

TEST_F(DiskFullTest, RefusesPaymentsReadsGoOnAndSpaceCures) {
  ASSERT_EQ(Pay(NextBatch()).outcome, Outcome::kAnswered);
  const std::vector<Transfer> another = FillUpAndBeRefused();
  ExpectAllPaidAreThere();
  disk_.MakeSpace();
  EXPECT_TRUE(WaitUntil(kTimeout, [&] {
    return Pay(another).outcome == Outcome::kAnswered;
  })) << ledger_.daemon().Log();
  ExpectAllPaidAreThere();
  // Whether that is tolerated depends on how long this test took.
  EXPECT_TRUE(WaitUntil(kTimeout, [&] {
    return HasIncident(ledger_.daemon(), "disk_full", "success") ||
           HasIncident(ledger_.daemon(), "disk_full", "failed");
  })) << IncidentsOf(ledger_.daemon(), "disk_full");
}

TEST_F(DiskFullTest, StopsCleanlyWhileTheDiskIsFull) {
  ASSERT_EQ(Pay(NextBatch()).outcome, Outcome::kAnswered);
  FillUpAndBeRefused();
  // Nobody makes space while it ends, so it does not wait for any.
  ledger_.daemon().process().Signal(SIGTERM);
  EXPECT_EQ(ledger_.daemon().process().WaitFor(kStopLimit), 0)
      << ledger_.daemon().Log();
  disk_.MakeSpace();
  const absl::Status started = ledger_.StartOn(disk_.Path("data"));
  ASSERT_TRUE(started.ok()) << started;
  ExpectAllPaidAreThere();
}

TEST_F(DiskFullTest, AKillWhileTheDiskIsFullLosesNothing) {
  ASSERT_EQ(Pay(NextBatch()).outcome, Outcome::kAnswered);
  FillUpAndBeRefused();
  ASSERT_TRUE(ledger_.daemon().Kill9().ok());
  ASSERT_TRUE(ledger_.LaunchOn(disk_.Path("data")).ok());
  // It waits for space, or serves without: it does not give up.
  EXPECT_FALSE(
      ledger_.daemon().process().WaitFor(std::chrono::seconds(1)).has_value())
      << ledger_.daemon().Log();
  disk_.MakeSpace();
  const absl::Status ready = ledger_.daemon().WaitUntilReady();
  ASSERT_TRUE(ready.ok()) << ready;
  ExpectAllPaidAreThere();
  EXPECT_TRUE(WaitUntil(kTimeout, [&] {
    return Pay(NextBatch()).outcome == Outcome::kAnswered;
  }));
}

}  // namespace
}  // namespace ledgerd::integration
