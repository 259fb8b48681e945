// SIGTERM for the primary of a group of real daemons: it hands its role over
// and ends, and clients lose nothing; or it keeps the role, and says why.
#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/integration/daemon_process.h"
#include "tests/integration/group_under_load.h"
#include "tests/integration/live_group.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

constexpr std::chrono::seconds kLimit(60);

int Ctl(LiveGroup& group, size_t replica, const std::string& command) {
  return Ledgerctl({command,
                    "--admin-address=" + group.daemon(replica).admin_address()})
      .exit_code;
}

// The last line of a log that has these words; empty: there is none.
std::string LineWith(const std::string& log, const std::string& words) {
  const size_t at = log.rfind(words);
  if (at == std::string::npos) return "";
  return log.substr(at, log.find('\n', at) - at);
}

// Until the primary hears as many more than it needs.
bool WaitForMargin(LiveGroup& group, size_t primary, int margin) {
  return WaitUntil(kLimit, [&group, primary, margin] {
    const auto status = group.Status(primary);
    return status.has_value() && status->fault_margin() == margin;
  });
}

class GroupStopTest : public GroupUnderLoad {
 protected:
  GroupStopTest() : GroupUnderLoad(3) {}

  void SetUp() override { Start(); }
};

// On a machine that is too slow for it, a primary may keep its role.
TEST_F(GroupStopTest, APrimaryHandsOverBeforeItEnds) {
  constexpr int kHandOvers = 3;
  constexpr int kStopsMax = 12;
  load_.Start();
  int handed_over = 0;
  for (int stop = 0; stop < kStopsMax && handed_over < kHandOvers; ++stop) {
    ASSERT_NO_FATAL_FAILURE(Progress(100 + Draw(200)));
    const auto primary = group_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << group_.Logs();
    ASSERT_TRUE(WaitForMargin(group_, *primary, 1)) << group_.Logs();
    DaemonProcess& daemon = group_.daemon(*primary);
    ASSERT_EQ(daemon.Terminate(), 0) << daemon.Log();
    const std::string line = LineWith(daemon.Log(), "role handed over");
    std::cout << LineWith(daemon.Log(), "role kept")
              << LineWith(daemon.Log(), "hand-over failed") << line << "\n";
    const auto next = group_.WaitForPrimary({*primary});
    ASSERT_TRUE(next.has_value()) << group_.Logs();
    if (!line.empty()) ++handed_over;
    ASSERT_TRUE(group_.Launch(*primary).ok());
    const absl::Status ready = group_.daemon(*primary).WaitUntilReady();
    ASSERT_TRUE(ready.ok()) << ready << group_.Logs();
  }
  EXPECT_EQ(handed_over, kHandOvers) << group_.Logs();
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  ASSERT_NO_FATAL_FAILURE(CompareStates(3));
}

TEST_F(GroupStopTest, WhileFailoverIsPausedTheRoleIsKept) {
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value()) << group_.Logs();
  ASSERT_TRUE(WaitForMargin(group_, *primary, 1)) << group_.Logs();
  ASSERT_EQ(Ctl(group_, *primary, "pause"), 0) << group_.Logs();
  ASSERT_TRUE(group_.WaitUntilEqual()) << group_.Logs();
  DaemonProcess& daemon = group_.daemon(*primary);
  ASSERT_EQ(daemon.Terminate(), 0) << daemon.Log();
  EXPECT_NE(LineWith(daemon.Log(), "role kept").find("failover is paused"),
            std::string::npos)
      << daemon.Log();
  // Refused while it may have a primary: so nobody took over by itself.
  const size_t standby = (*primary + 1) % group_.size();
  ASSERT_TRUE(WaitUntil(kLimit, [this, standby] {
    return Ctl(group_, standby, "switchover") == 0;
  })) << group_.Logs();
  EXPECT_EQ(group_.WaitForPrimary({*primary}), standby);
}

TEST_F(GroupStopTest, WhoIsNeededKeepsItsRole) {
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value()) << group_.Logs();
  ASSERT_TRUE(group_.Kill((*primary + 1) % group_.size()).ok());
  ASSERT_TRUE(WaitForMargin(group_, *primary, 0)) << group_.Logs();
  DaemonProcess& daemon = group_.daemon(*primary);
  ASSERT_EQ(daemon.Terminate(), 0) << daemon.Log();
  EXPECT_NE(LineWith(daemon.Log(), "role kept").find("cannot go on"),
            std::string::npos)
      << daemon.Log();
}

}  // namespace
}  // namespace ledgerd::integration
