// A standby comes back far behind, while load goes on: it is brought up to date
// from the journal, or by a checkpoint where the journal does not reach back.
// It was down, or stood still while its connections stood.
//
// LEDGERD_TRANSFERS_BEHIND sets how far (200,000 by default; 1,000,000 in
// tests/long.sh).
#include <signal.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/integration/bulk_payments.h"
#include "tests/integration/counted_incidents.h"
#include "tests/integration/group_under_load.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::minutes kResyncLimit(5);

class GroupResyncTest : public GroupUnderLoad {
 protected:
  explicit GroupResyncTest(std::vector<std::string> more_flags = {})
      : GroupUnderLoad(3, /*last_is_witness=*/false, std::move(more_flags)) {}

  void SetUp() override {
    Start();
    ASSERT_FALSE(HasFatalFailure());
    load_.Start();
    ASSERT_NO_FATAL_FAILURE(Progress(200));
    const auto primary = group_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << group_.Logs();
    standby_ = (*primary + 1) % group_.size();
  }

  // Of whoever is primary now: a machine that is busy with more than this test
  // may have seen a promotion.
  admin::v1::GetStatusResponse PrimaryStatus() {
    const auto primary = group_.WaitForPrimary();
    EXPECT_TRUE(primary.has_value()) << group_.Logs();
    return group_.WaitForStatus(primary.value_or(standby_));
  }

  // The standby is down while so much is paid.
  void LeaveBehind() {
    ASSERT_TRUE(group_.Kill(standby_).ok());
    ASSERT_NO_FATAL_FAILURE(PayMuch());
  }

  void PayMuch() {
    const absl::Status prepared = bulk_.Prepare();
    ASSERT_TRUE(prepared.ok()) << prepared << group_.Logs();
    const absl::Status paid = bulk_.Pay(static_cast<uint64_t>(
        NumberFromEnvironment("LEDGERD_TRANSFERS_BEHIND", 200'000)));
    ASSERT_TRUE(paid.ok()) << paid << group_.Logs();
  }

  // It is back, and has applied all that was committed when it came.
  void BringUpToDate() {
    ASSERT_NO_FATAL_FAILURE(WaitUntilUpToDate(
        [this] { ASSERT_TRUE(group_.Launch(standby_).ok()); }));
  }

  void WaitUntilUpToDate(const std::function<void()>& begin) {
    const uint64_t goal = PrimaryStatus().commit_sequence();
    const auto since = Clock::now();
    NoteFault();
    ASSERT_NO_FATAL_FAILURE(begin());
    ASSERT_TRUE(WaitUntil(kResyncLimit, [&] {
      const auto status = group_.Status(standby_);
      return status.has_value() && status->applied_sequence() >= goal;
    })) << group_.Logs();
    const auto taken = Clock::now() - since;
    figures_.Add("transfers behind", static_cast<int64_t>(bulk_.paid()));
    TellTime("ms until it was up to date",
             std::chrono::duration_cast<milliseconds>(taken), std::nullopt);
    ASSERT_NO_FATAL_FAILURE(Progress(200));
  }

  // How it came to be up to date.
  void ExpectCounted(const std::string& kind) {
    const absl::Status ready = group_.daemon(standby_).WaitUntilReady();
    ASSERT_TRUE(ready.ok()) << ready << group_.Logs();
    EXPECT_TRUE(WaitUntil(
        kProgressLimit,
        [&] { return HasIncident(group_.daemon(standby_), kind, "success"); }))
        << IncidentsOf(group_.daemon(standby_), kind) << group_.Logs();
  }

  void Check() {
    ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
    TellFigures({.every_fault_promotes = false});
    ASSERT_NO_FATAL_FAILURE(CompareStates(3, [this](OfflineLedger& ledger) {
      const auto balance = bulk_.BalanceIn(ledger);
      ASSERT_TRUE(balance.ok()) << balance.status();
      EXPECT_EQ(*balance, bulk_.paid());
    }));
  }

  size_t standby_ = 0;
  BulkPayments bulk_{group_.addresses(), /*number=*/0};
};

TEST_F(GroupResyncTest, FromTheJournal) {
  ASSERT_NO_FATAL_FAILURE(LeaveBehind());
  ASSERT_EQ(PrimaryStatus().journal_first_sequence(), 1u);
  ASSERT_NO_FATAL_FAILURE(BringUpToDate());
  EXPECT_EQ(group_.WaitForStatus(standby_).journal_first_sequence(), 1u)
      << "it was given a checkpoint";
  ExpectCounted("catch_up");
  ASSERT_NO_FATAL_FAILURE(Check());
}

// What is for it fills the kernel's buffers and the primary's queue, and is
// then dropped: 25 MB in batches, where 16 MiB may wait.
TEST_F(GroupResyncTest, OfOneThatStoodStillWhileTheOthersWentOn) {
  const auto before = PrimaryStatus();
  const auto pause = Clock::now();
  NoteFault();
  group_.daemon(standby_).process().Signal(SIGSTOP);
  ASSERT_NO_FATAL_FAILURE(PayMuch());
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  figures_.Add("payments in batches meanwhile",
               static_cast<int64_t>(bulk_.paid()));
  TellTime("ms that it stood still",
           std::chrono::duration_cast<milliseconds>(Clock::now() - pause),
           std::nullopt);
  const auto after = PrimaryStatus();
  EXPECT_EQ(after.epoch(), before.epoch()) << "somebody took over";
  EXPECT_EQ(after.primary_id(), before.primary_id());
  ASSERT_NO_FATAL_FAILURE(WaitUntilUpToDate(
      [this] { group_.daemon(standby_).process().Signal(SIGCONT); }));
  EXPECT_EQ(group_.WaitForStatus(standby_).journal_first_sequence(), 1u)
      << "it was given a checkpoint";
  ASSERT_NO_FATAL_FAILURE(Check());
}

class GroupCheckpointResyncTest : public GroupResyncTest {
 protected:
  // With limits so small that the journal is let go of soon.
  GroupCheckpointResyncTest() : GroupResyncTest(SmallLimits()) {}
};

TEST_F(GroupCheckpointResyncTest, ByACheckpoint) {
  const uint64_t last = group_.WaitForStatus(standby_).journal_last_sequence();
  ASSERT_NO_FATAL_FAILURE(LeaveBehind());
  ASSERT_TRUE(WaitUntil(kProgressLimit, [&] {
    return PrimaryStatus().journal_first_sequence() > last + 1;
  })) << "the journal still reaches back";
  ASSERT_NO_FATAL_FAILURE(BringUpToDate());
  EXPECT_GT(group_.WaitForStatus(standby_).journal_first_sequence(), last)
      << "it was given the journal";
  ExpectCounted("resync");
  ASSERT_NO_FATAL_FAILURE(Check());
}

}  // namespace
}  // namespace ledgerd::integration
