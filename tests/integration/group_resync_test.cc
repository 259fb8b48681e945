// A standby comes back far behind, while load goes on: it is brought up to date
// from the journal, or by a checkpoint where the journal does not reach back.
//
// LEDGERD_TRANSFERS_BEHIND sets how far (200,000 by default; 1,000,000 in
// tests/long.sh).
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/integration/bulk_payments.h"
#include "tests/integration/group_under_load.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

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
    const absl::Status prepared = bulk_.Prepare();
    ASSERT_TRUE(prepared.ok()) << prepared << group_.Logs();
    const absl::Status paid = bulk_.Pay(static_cast<uint64_t>(
        NumberFromEnvironment("LEDGERD_TRANSFERS_BEHIND", 200'000)));
    ASSERT_TRUE(paid.ok()) << paid << group_.Logs();
  }

  // It is back, and has applied all that was committed when it came.
  void BringUpToDate() {
    const uint64_t goal = PrimaryStatus().commit_sequence();
    const auto since = Clock::now();
    NoteFault();
    ASSERT_TRUE(group_.Launch(standby_).ok());
    ASSERT_TRUE(WaitUntil(kResyncLimit, [&] {
      const auto status = group_.Status(standby_);
      return status.has_value() && status->applied_sequence() >= goal;
    })) << group_.Logs();
    const std::chrono::duration<double> taken = Clock::now() - since;
    std::cout << bulk_.paid() << " transfers behind, up to date after "
              << taken.count() << " s\n";
    ASSERT_NO_FATAL_FAILURE(Progress(200));
  }

  void Check() {
    ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
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
  ASSERT_NO_FATAL_FAILURE(Check());
}

}  // namespace
}  // namespace ledgerd::integration
