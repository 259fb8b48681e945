// The other layouts than three replicas, and two with a witness: five voters,
// of which any two may be gone; and a pair, which goes on alone only when an
// operator says so.
#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "tests/integration/daemon_process.h"
#include "tests/integration/group_under_load.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

class FiveVotersTest : public GroupUnderLoad {
 protected:
  FiveVotersTest() : GroupUnderLoad(5) {}

  void SetUp() override { Start(); }
};

TEST_F(FiveVotersTest, AnyTwoMayBeGone) {
  load_.Start();
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value()) << group_.Logs();
  const size_t standby = (*primary + 1 + Draw(4)) % group_.size();
  NoteFault();
  ASSERT_TRUE(group_.Kill(standby).ok());
  ASSERT_TRUE(group_.Kill(*primary).ok());
  ASSERT_TRUE(group_.WaitForPrimary({*primary, standby}).has_value())
      << group_.Logs();
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  for (const size_t gone : {standby, *primary}) {
    ASSERT_TRUE(group_.Launch(gone).ok());
    ASSERT_NO_FATAL_FAILURE(WaitForRole(gone, admin::v1::ROLE_STANDBY));
  }
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  TellFigures({});
  ASSERT_NO_FATAL_FAILURE(CompareStates(5));
}

class PairTest : public GroupUnderLoad {
 protected:
  static constexpr size_t kFirst = 0;
  static constexpr size_t kOther = 1;

  PairTest() : GroupUnderLoad(2) {}

  // Neither is primary before it is told to be.
  void SetUp() override {
    ASSERT_TRUE(group_.LaunchAll().ok());
    ASSERT_TRUE(WaitUntil(kProgressLimit, [this] {
      return group_.Switchover(kFirst, kFirst).ok();
    })) << group_.Logs();
    for (size_t i = 0; i < group_.size(); ++i) {
      const absl::Status ready = group_.daemon(i).WaitUntilReady();
      ASSERT_TRUE(ready.ok()) << ready << group_.Logs();
    }
    ASSERT_NO_FATAL_FAILURE(Prepare());
  }

  bool SaysWhyThereIsNone() {
    const auto status = group_.Status(kOther);
    if (!status.has_value()) return false;
    for (const admin::v1::Alarm& alarm : status->alarms()) {
      if (alarm.name() == "PAIR_WITHOUT_PRIMARY") return true;
    }
    return false;
  }

  bool Promote() {
    finished_ =
        Ledgerctl({"promote", "--accept-loss", "--others-are-off",
                   "--admin-address=" + group_.daemon(kOther).admin_address()});
    return finished_.exit_code == 0;
  }

  Finished finished_;
};

// What was answered both disks had, so nothing is lost by force either.
TEST_F(PairTest, OneOfThemGoesOnAloneOnlyWhenItIsTold) {
  load_.Start();
  ASSERT_NO_FATAL_FAILURE(Progress(300));
  ASSERT_EQ(group_.WaitForPrimary(), kFirst);
  ASSERT_NO_FATAL_FAILURE(KillPrimary(kFirst));
  ASSERT_TRUE(WaitUntil(kProgressLimit, [this] {
    return SaysWhyThereIsNone();
  })) << group_.Logs();
  EXPECT_EQ(group_.Primary(), std::nullopt) << "it promoted itself";
  ASSERT_TRUE(WaitUntil(kProgressLimit, [this] { return Promote(); }))
      << finished_.errors << group_.Logs();
  ASSERT_EQ(group_.WaitForPrimary(), kOther);
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  ASSERT_NO_FATAL_FAILURE(CompareStates(2));
}

// Where one is missing nothing is answered, and nothing is lost.
TEST_F(PairTest, BothAreNeededForAnAnswer) {
  load_.Start();
  ASSERT_NO_FATAL_FAILURE(Progress(300));
  ASSERT_EQ(group_.WaitForPrimary(), kFirst);
  NoteFault();
  ASSERT_TRUE(group_.Kill(kOther).ok());
  ASSERT_TRUE(WaitUntil(kProgressLimit, [this] {
    return group_.Primary() == std::nullopt;
  })) << group_.Logs();
  ASSERT_TRUE(group_.Launch(kOther).ok());
  ASSERT_TRUE(WaitUntil(kProgressLimit, [this] {
    return group_.Switchover(kFirst, kFirst).ok();
  })) << group_.Logs();
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  ASSERT_NO_FATAL_FAILURE(CompareStates(2));
}

}  // namespace
}  // namespace ledgerd::integration
