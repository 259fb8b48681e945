// Kinds of incidents that no other test of real daemons makes: each is raised
// by what it is named after, and ends as that ends.
#include <chrono>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "proto/statuses.h"
#include "proto/types.h"
#include "tests/integration/counted_incidents.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/live_group.h"
#include "tests/integration/offline_ledger.h"
#include "tests/integration/subprocess.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::integration {
namespace {

constexpr std::chrono::seconds kLimit{120};
constexpr int kCorruption = 6;

void Copy(const std::string& from, const std::string& to) {
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

class IncidentKindsTest : public testing::Test {
 protected:
  void SetUp() override {
    const absl::Status started = group_.Start();
    ASSERT_TRUE(started.ok()) << started;
    const auto primary = group_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << group_.Logs();
    primary_ = *primary;
    standby_ = (primary_ + 1) % group_.size();
  }

  void Launch(size_t replica) {
    ASSERT_TRUE(group_.Launch(replica).ok());
    const absl::Status ready = group_.daemon(replica).WaitUntilReady();
    ASSERT_TRUE(ready.ok()) << ready;
  }

  // As the primary tells it, sooner or later.
  testing::AssertionResult Tells(const std::string& kind,
                                 const std::string& outcome) {
    if (WaitUntil(kLimit, [&] {
          return HasIncident(group_.daemon(primary_), kind, outcome);
        })) {
      return testing::AssertionSuccess();
    }
    return testing::AssertionFailure()
           << "no " << kind << " with " << outcome << ": "
           << IncidentsOf(group_.daemon(primary_), kind) << group_.Logs();
  }

  Finished Ask(const std::string& command) {
    return Ledgerctl(
        {command, "-o", "json",
         "--admin-address=" + group_.daemon(primary_).admin_address()});
  }

  // Slow enough that nobody is replaced for being slow; and what this test does
  // to a state is found by nobody else.
  LiveGroup group_{
      3,
      /*last_is_witness=*/false,
      {"--replication-heartbeat-ms=50", "--replication-timeout-ms=6000",
       "--scrub-interval-seconds=0"}};
  size_t primary_ = 0;
  size_t standby_ = 0;
};

TEST_F(IncidentKindsTest, AStandbyWhoseClockIsWrongIsAClockSkew) {
  ASSERT_EQ(group_.Terminate(standby_), 0);
  group_.RunUnder(
      standby_, {"/usr/bin/env",
                 "LD_PRELOAD=" + Runfile("tests/integration/libfar_clock.so")});
  ASSERT_NO_FATAL_FAILURE(Launch(standby_));
  EXPECT_TRUE(Tells("clock_skew", "in_progress"));
  EXPECT_TRUE(absl::StrContains(
      IncidentsOf(group_.daemon(primary_), "clock_skew"), "is ahead of that"));
  // A process with the right clock closes what that one has left.
  ASSERT_TRUE(group_.Kill(standby_).ok());
  group_.RunUnder(standby_, {});
  ASSERT_NO_FATAL_FAILURE(Launch(standby_));
  EXPECT_TRUE(Tells("clock_skew", "failed"));
}

TEST_F(IncidentKindsTest, AStandbyWhoseStateDiffersIsAStateMismatch) {
  // Not in its checkpoint, so that there is one to write.
  ASSERT_TRUE(group_.Kill(standby_).ok());
  const std::string data = group_.data_directory(standby_);
  const std::string kept = group_.directory().Path("kept");
  Copy(data, kept);
  {
    const auto ledger = OfflineLedger::Open(data);
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    (*ledger)->store().view().KeepFailedId(TransferId(77),
                                           TransferStatus::kExceedsCredits);
    const absl::Status whole = (*ledger)->VerifyAll();
    ASSERT_TRUE(whole.ok()) << "it is to be whole, and another: " << whole;
  }
  ASSERT_NO_FATAL_FAILURE(Launch(standby_));
  ASSERT_TRUE(group_.WaitUntilEqual()) << group_.Logs();
  EXPECT_EQ(Ask("verify").exit_code, kCorruption);
  EXPECT_TRUE(Tells("state_mismatch", "in_progress"));
  const std::string alarms = Ask("alarms").output;
  EXPECT_TRUE(absl::StrContains(alarms, "STATE_MISMATCH")) << alarms;
  EXPECT_TRUE(absl::StrContains(
      alarms, absl::StrCat("the state of replica ", standby_ + 1, " is not")))
      << alarms;
  EXPECT_TRUE(WaitUntil(kLimit, [&] {
    return absl::StrContains(Ask("counters").output,
                             R"("consistency_checks_failed":1)");
  })) << Ask("counters").output;
  // As its disk was before, it catches up, and is what the others are.
  ASSERT_TRUE(group_.Kill(standby_).ok());
  std::filesystem::remove_all(data);
  Copy(kept, data);
  ASSERT_NO_FATAL_FAILURE(Launch(standby_));
  ASSERT_TRUE(group_.WaitUntilEqual()) << group_.Logs();
  EXPECT_TRUE(WaitUntil(kLimit, [&] { return Ask("verify").exit_code == 0; }))
      << group_.Logs();
  EXPECT_TRUE(Tells("state_mismatch", "success"));
  EXPECT_FALSE(absl::StrContains(Ask("alarms").output, "STATE_MISMATCH"));
}

}  // namespace
}  // namespace ledgerd::integration
