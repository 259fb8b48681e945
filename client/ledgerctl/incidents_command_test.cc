// counters and incidents, from the command line to what is printed.
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "client/ledgerctl/command_test_base.h"
#include "client/ledgerctl/exit_code.h"
#include "client/ledgerctl/fake_admin.h"

namespace ledgerd::client {
namespace {

class IncidentsCommandTest : public CommandTest {
 protected:
  ExitCode Run(std::vector<std::string> arguments) {
    arguments.push_back("--admin-address=" + admin_.address());
    return RunCommand(std::move(arguments));
  }

  FakeAdmin admin_;
};

TEST_F(IncidentsCommandTest, CountersHaveNoRatioWhileNothingHappened) {
  EXPECT_EQ(Run({"counters"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(
      Printed("rate=R recovery  successful=3 total=4 ratio=0.750 "
              "in_progress=0 aborted=0 p50_ms=0 p99_ms=0 max_ms=2000"))
      << out_;
  EXPECT_TRUE(Printed("rate=E tolerance successful=0 total=0 ratio=- "))
      << out_;
  EXPECT_TRUE(Printed("rate=R recovery kind=crash_replay successful=3 total=4"))
      << out_;
  EXPECT_EQ(Run({"counters", "-o", "json"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Printed(R"("sequence":12)")) << out_;
  EXPECT_TRUE(Printed(R"("unsafe_acknowledgements":0,"unneeded_promotions":1,)"
                      R"("consistency_checks_passed":5,)"
                      R"("consistency_checks_failed":0,)"
                      R"("last_verified_backup":"2027-01-15T08:00:00)"))
      << out_;
}

TEST_F(IncidentsCommandTest, CountersAskForWhatTheirFlagsSay) {
  EXPECT_EQ(
      Run({"counters", "--replica", "--window=90m", "--injected", "--planned"}),
      ExitCode::kOk)
      << err_;
  EXPECT_EQ(Run({"counters"}), ExitCode::kOk) << err_;
  EXPECT_EQ(admin_.asked(),
            std::vector<std::string>(
                {"GetRecoveryCountersRequest: scope: SCOPE_REPLICA window { "
                 "seconds: 5400 } include_injected: true include_planned: true",
                 "GetRecoveryCountersRequest: scope: SCOPE_GROUP"}));
  EXPECT_EQ(Run({"counters", "--window=soon"}), ExitCode::kUsage);
}

TEST_F(IncidentsCommandTest, IncidentsAreReadPageByPage) {
  EXPECT_EQ(Run({"incidents", "--kind=disk_full,crash_replay",
                 "--since=2027-01-15T08:00:00Z"}),
            ExitCode::kOk)
      << err_;
  EXPECT_TRUE(Printed("disk_full")) << out_;
  EXPECT_TRUE(Printed("in_progress")) << out_;
  EXPECT_TRUE(Printed("detect 512 ms")) << out_;
  EXPECT_EQ(admin_.asked(),
            std::vector<std::string>(
                {"ListIncidentsRequest: kinds: INCIDENT_KIND_DISK_FULL kinds: "
                 "INCIDENT_KIND_CRASH_REPLAY since { seconds: 1800000000 } "
                 "page_size: 100",
                 "ListIncidentsRequest: kinds: INCIDENT_KIND_DISK_FULL kinds: "
                 "INCIDENT_KIND_CRASH_REPLAY since { seconds: 1800000000 } "
                 "page_size: 99 page_token: \"more\""}));
}

TEST_F(IncidentsCommandTest, AnUnknownKindNamesThoseThatThereAre) {
  EXPECT_EQ(Run({"incidents", "--kind=fire"}), ExitCode::kUsage);
  EXPECT_NE(err_.find("no kind of incident: fire"), std::string::npos) << err_;
  EXPECT_NE(err_.find("primary_lost"), std::string::npos) << err_;
}

TEST_F(IncidentsCommandTest, AWatchPrintsWhatComes) {
  EXPECT_EQ(Run({"incidents", "--watch", "-o", "json"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Printed(R"("id":"1-7-1","kind":"disk_full")")) << out_;
}

TEST_F(IncidentsCommandTest, AWatchPrintsTheKindsThatAreWanted) {
  EXPECT_EQ(Run({"incidents", "-w", "--kind=disk_full,overload"}),
            ExitCode::kOk)
      << err_;
  EXPECT_TRUE(Printed("1-7-1")) << out_;
  EXPECT_EQ(Run({"incidents", "-w", "--kind=overload"}), ExitCode::kOk) << err_;
  EXPECT_FALSE(Printed("1-7-1")) << out_;
  EXPECT_EQ(Run({"incidents", "-w", "--limit=3"}), ExitCode::kUsage);
  EXPECT_EQ(Run({"incidents", "-w", "--since=2027-01-15T08:00:00Z"}),
            ExitCode::kUsage);
}

}  // namespace
}  // namespace ledgerd::client
