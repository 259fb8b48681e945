// Switchovers under load, one after the other: the standby that is asked for
// becomes the primary, nothing is lost or done twice, and clients wait for a
// moment only.
//
// LEDGERD_SWITCHOVERS sets how many (4 by default).
#include <chrono>
#include <cstddef>
#include <iostream>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "tests/integration/group_under_load.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPauseWanted(100);

class GroupSwitchoverTest : public GroupUnderLoad {
 protected:
  GroupSwitchoverTest() : GroupUnderLoad(3) {}

  void SetUp() override { Start(); }

  // Until it is done: a target that is not there in time leaves things as they
  // are, and is asked for again.
  void SwitchOver() {
    ASSERT_NO_FATAL_FAILURE(Progress(100 + Draw(200)));
    NoteFault();
    absl::Status failed;
    ASSERT_TRUE(WaitUntil(kProgressLimit,
                          [&] {
                            failed = TrySwitchOver();
                            return failed.ok();
                          }))
        << failed << group_.Logs();
  }

  absl::Status TrySwitchOver() {
    const auto before = group_.Primary();
    if (!before.has_value()) return absl::UnavailableError("no primary");
    const size_t target = (*before + 1 + Draw(2)) % group_.size();
    const auto done = group_.Switchover(*before, target);
    if (!done.ok()) {
      std::cout << "not done: " << done.status() << "\n";
      return done.status();
    }
    EXPECT_EQ(done->primary_id(), target + 1);
    held_.push_back(milliseconds(done->write_pause().seconds() * 1'000 +
                                 done->write_pause().nanos() / 1'000'000));
    return absl::OkStatus();
  }

  std::vector<milliseconds> held_;
};

TEST_F(GroupSwitchoverTest, ManyUnderLoadLoseNothing) {
  load_.Start();
  const int switchovers = NumberFromEnvironment("LEDGERD_SWITCHOVERS", 4);
  for (int i = 0; i < switchovers; ++i) ASSERT_NO_FATAL_FAILURE(SwitchOver());
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  TellFigures({.p99 = kPauseWanted});
  TellTime("ms that the primary held writes back, p99", Percentile(held_, 99),
           std::nullopt);
  ASSERT_NO_FATAL_FAILURE(CompareStates(3));
}

}  // namespace
}  // namespace ledgerd::integration
