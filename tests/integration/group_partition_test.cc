// Groups of real daemons on networks that are cut, silently: nobody is told, in
// both directions or in one. Whoever has a majority goes on, whoever has none
// acknowledges nothing, and after it all are one group again.
#include <chrono>
#include <iostream>

#include "gtest/gtest.h"

#include "tests/integration/group_under_load.h"

namespace ledgerd::integration {
namespace {

class GroupPartitionTest : public GroupUnderLoad {
 protected:
  GroupPartitionTest() : GroupUnderLoad(3) {}

  void SetUp() override {
    group_.PutProxiesBetween();
    Start();
    ASSERT_FALSE(HasFatalFailure());
    load_.Start();
    ASSERT_NO_FATAL_FAILURE(Progress(200));
    const auto primary = group_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << group_.Logs();
    primary_ = *primary;
  }

  // What the primary says does not reach the others.
  void CutItsWords(bool cut) {
    for (size_t i = 0; i < group_.size(); ++i) {
      if (i != primary_) group_.Cut(primary_, i, cut);
    }
  }

  // What the others say does not reach the primary.
  void CutItsHearing(bool cut) {
    for (size_t i = 0; i < group_.size(); ++i) {
      if (i != primary_) group_.Cut(i, primary_, cut);
    }
  }

  // Another takes over meanwhile, and payments go on.
  void ExpectAnother(Clock::time_point since) {
    const auto next = group_.WaitForPrimary({primary_});
    ASSERT_TRUE(next.has_value()) << group_.Logs();
    std::cout << "ms from the cut to another primary: "
              << std::chrono::duration_cast<std::chrono::milliseconds>(
                     Clock::now() - since)
                     .count()
              << "\n";
    ASSERT_NO_FATAL_FAILURE(Progress(100));
  }

  void HealAndCheck() {
    CutItsWords(false);
    CutItsHearing(false);
    ASSERT_NO_FATAL_FAILURE(Progress(100));
    ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
    ASSERT_NO_FATAL_FAILURE(CompareStates(3));
  }

  size_t primary_ = 0;
};

TEST_F(GroupPartitionTest, APrimaryThatIsCutOffIsReplaced) {
  CutItsWords(true);
  CutItsHearing(true);
  ASSERT_NO_FATAL_FAILURE(ExpectAnother(Clock::now()));
  ASSERT_NO_FATAL_FAILURE(HealAndCheck());
}

TEST_F(GroupPartitionTest, APrimaryThatNobodyHearsIsReplaced) {
  CutItsWords(true);
  ASSERT_NO_FATAL_FAILURE(ExpectAnother(Clock::now()));
  ASSERT_NO_FATAL_FAILURE(HealAndCheck());
}

// Its heartbeats go on, and are not enough to be followed.
TEST_F(GroupPartitionTest, APrimaryThatHearsNobodyIsReplaced) {
  CutItsHearing(true);
  ASSERT_NO_FATAL_FAILURE(ExpectAnother(Clock::now()));
  ASSERT_NO_FATAL_FAILURE(HealAndCheck());
}

TEST_F(GroupPartitionTest, AStandbyThatIsCutOffHoldsNobodyUp) {
  const size_t standby = (primary_ + 1) % group_.size();
  for (size_t i = 0; i < group_.size(); ++i) {
    if (i == standby) continue;
    group_.Cut(standby, i);
    group_.Cut(i, standby);
  }
  const auto before = group_.Status(primary_);
  ASSERT_NO_FATAL_FAILURE(Progress(500));
  EXPECT_EQ(group_.Primary({standby}), primary_);
  EXPECT_EQ(group_.Status(primary_)->epoch(), before->epoch());
  for (size_t i = 0; i < group_.size(); ++i) {
    if (i == standby) continue;
    group_.Cut(standby, i, false);
    group_.Cut(i, standby, false);
  }
  ASSERT_NO_FATAL_FAILURE(HealAndCheck());
}

}  // namespace
}  // namespace ledgerd::integration
