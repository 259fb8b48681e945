// The primary is gone, and its disk with it. What it had acknowledged was on
// one more disk than its own, and that is enough: on a standby's, or on a
// witness's, from which the standby that missed it fetches it.
#include <cstddef>
#include <filesystem>

#include "gtest/gtest.h"

#include "tests/integration/group_under_load.h"

namespace ledgerd::integration {
namespace {

class GroupLostPrimaryTest : public GroupUnderLoad {
 protected:
  explicit GroupLostPrimaryTest(bool last_is_witness = false)
      : GroupUnderLoad(3, last_is_witness) {}

  void SetUp() override { Start(); }

  // Payments are acknowledged by the primary and another one alone, while
  // `missing` is down; then the primary is lost, and `missing` is back.
  void LosePrimary(size_t primary, size_t missing) {
    ASSERT_TRUE(group_.Kill(missing).ok());
    ASSERT_NO_FATAL_FAILURE(Progress(500));
    ASSERT_NO_FATAL_FAILURE(KillPrimary(primary));
    std::filesystem::remove_all(group_.data_directory(primary));
    ASSERT_TRUE(group_.Launch(missing).ok());
    ASSERT_NO_FATAL_FAILURE(Progress(200));
  }
};

TEST_F(GroupLostPrimaryTest, WhatOneStandbyHasIsStillThere) {
  load_.Start();
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value()) << group_.Logs();
  ASSERT_NO_FATAL_FAILURE(
      LosePrimary(*primary, (*primary + 1) % group_.size()));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  ASSERT_NO_FATAL_FAILURE(CompareStates(3));
}

class WitnessLostPrimaryTest : public GroupLostPrimaryTest {
 protected:
  WitnessLostPrimaryTest() : GroupLostPrimaryTest(/*last_is_witness=*/true) {}
};

TEST_F(WitnessLostPrimaryTest, WhatTheWitnessHasIsStillThere) {
  load_.Start();
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value()) << group_.Logs();
  ASSERT_LT(*primary, 2u) << "a witness is never primary";
  const size_t standby = 1 - *primary;
  ASSERT_NO_FATAL_FAILURE(LosePrimary(*primary, standby));
  EXPECT_EQ(group_.WaitForPrimary(), standby);
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  ASSERT_NO_FATAL_FAILURE(CompareStates(2));
}

}  // namespace
}  // namespace ledgerd::integration
