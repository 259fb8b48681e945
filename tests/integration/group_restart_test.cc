// A rolling restart under load: each replica in turn is asked to end (SIGTERM)
// and started again, as for a new version. Nothing acknowledged is lost, and
// payments pause only while the primary's part goes to another.
//
// LEDGERD_ROUNDS sets how often all are restarted (once by default).
#include <cstddef>

#include "gtest/gtest.h"

#include "tests/integration/group_under_load.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

class GroupRestartTest : public GroupUnderLoad {
 protected:
  GroupRestartTest() : GroupUnderLoad(3) {}

  void SetUp() override { Start(); }

  // Whether any one more may fail: what an operator waits for in between.
  bool MaySpareOne() {
    const auto primary = group_.Primary();
    if (!primary.has_value()) return false;
    const auto status = group_.Status(*primary);
    return status.has_value() && status->fault_margin() >= 1;
  }

  void Restart(size_t replica) {
    ASSERT_TRUE(WaitUntil(kProgressLimit, [this] { return MaySpareOne(); }))
        << group_.Logs();
    ASSERT_NO_FATAL_FAILURE(Progress(100 + Draw(200)));
    if (group_.Primary() == replica) NoteFault();
    EXPECT_EQ(group_.Terminate(replica), 0);
    ASSERT_NO_FATAL_FAILURE(Progress(100));
    ASSERT_TRUE(group_.Launch(replica).ok());
    const absl::Status ready = group_.daemon(replica).WaitUntilReady();
    ASSERT_TRUE(ready.ok()) << ready << group_.Logs();
  }
};

TEST_F(GroupRestartTest, ARollingRestartUnderLoadLosesNothing) {
  load_.Start();
  const int rounds = NumberFromEnvironment("LEDGERD_ROUNDS", 1);
  for (int round = 0; round < rounds; ++round) {
    const auto primary = group_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << group_.Logs();
    // The primary first: its part goes on to one that is restarted next.
    for (size_t i = 0; i < group_.size(); ++i) {
      ASSERT_NO_FATAL_FAILURE(Restart((*primary + i) % group_.size()));
    }
  }
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  TellFigures({});
  ASSERT_NO_FATAL_FAILURE(CompareStates(3));
}

}  // namespace
}  // namespace ledgerd::integration
