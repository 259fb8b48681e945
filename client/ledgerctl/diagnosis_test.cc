#include "client/ledgerctl/diagnosis.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace ledgerd::client {
namespace {

namespace v1 = ::admin::v1;

constexpr int64_t kNow = 1'800'000'000;

// As replica `self` of three says, of which the first is the primary, when all
// is well.
v1::GetStatusResponse StatusOf(uint64_t self) {
  v1::GetStatusResponse status;
  status.set_replica_id(self);
  status.set_cluster_id("c1");
  status.set_version("1.0");
  status.set_role(self == 1 ? v1::ROLE_PRIMARY : v1::ROLE_STANDBY);
  status.set_epoch(4);
  status.set_primary_id(1);
  status.set_fault_margin(self == 1 ? 1 : 0);
  status.set_disk_free_bytes(uint64_t{1} << 40);
  status.mutable_started_at()->set_seconds(kNow - 60);
  for (uint64_t id = 1; id <= 3; ++id) {
    auto& replica = *status.add_replicas();
    replica.set_replica_id(id);
    replica.set_role(id == 1 ? v1::ROLE_PRIMARY : v1::ROLE_STANDBY);
    replica.set_connected(true);
    replica.set_admin_address(absl::StrCat("r", id, ":7301"));
  }
  return status;
}

class DiagnosisTest : public testing::Test {
 protected:
  DiagnosisTest() {
    examination_.now = Timestamp(static_cast<uint64_t>(kNow) * kNanosPerSecond);
    for (uint64_t id = 1; id <= 3; ++id) {
      examination_.replicas.push_back(
          {absl::StrCat("r", id, ":7301"), StatusOf(id)});
    }
  }

  v1::GetStatusResponse& Status(size_t replica) {
    return *examination_.replicas[replica - 1].status;
  }

  // Each as "level where: what".
  std::vector<std::string> Found() const {
    std::vector<std::string> found;
    for (const Finding& finding : Diagnose(examination_)) {
      EXPECT_NE(finding.todo, "") << finding.what;
      found.push_back(absl::StrCat(Name(finding.severity), " ", finding.where,
                                   ": ", finding.what));
    }
    return found;
  }

  // That there is exactly one, and it says so.
  void ExpectOnly(const std::string& words) const {
    const std::vector<std::string> found = Found();
    ASSERT_EQ(found.size(), 1u) << testing::PrintToString(found);
    EXPECT_TRUE(absl::StrContains(found[0], words)) << found[0];
  }

  v1::Incident& AddIncident(v1::IncidentKind kind, v1::IncidentOutcome outcome,
                            int64_t seconds_ago) {
    v1::Incident& incident = examination_.incidents.emplace_back();
    incident.set_kind(kind);
    incident.set_replica_id(2);
    incident.set_outcome(outcome);
    incident.set_cause("no space");
    incident.mutable_started_at()->set_seconds(kNow - seconds_ago);
    return incident;
  }

  Examination examination_;
};

TEST_F(DiagnosisTest, NothingWhenAllIsWell) {
  EXPECT_EQ(Found(), std::vector<std::string>());
}

TEST_F(DiagnosisTest, AReplicaThatIsMissingIsWarnedOfWhilePaymentsGoOn) {
  Status(1).mutable_replicas(2)->set_connected(false);
  Status(1).set_fault_margin(0);
  examination_.replicas[2].status = absl::UnavailableError("refused");
  const std::vector<std::string> found = Found();
  ASSERT_EQ(found.size(), 3u) << testing::PrintToString(found);
  EXPECT_TRUE(absl::StrContains(
      found[0], "warning group: replica 3 (standby) does not answer"))
      << found[0];
  EXPECT_TRUE(absl::StrContains(found[1], "payments stop when one more"))
      << found[1];
  EXPECT_EQ(found[2], "warning r3:7301: no answer to operators: refused");
}

TEST_F(DiagnosisTest, WithoutAPrimaryItIsCritical) {
  for (const size_t replica : {1, 2, 3}) {
    Status(replica).set_role(v1::ROLE_STANDBY);
    Status(replica).set_primary_id(0);
    Status(replica).set_fault_margin(-1);
  }
  ExpectOnly("critical group: no primary is known");
}

TEST_F(DiagnosisTest, WhatBlocksComesFirst) {
  v1::Alarm& damaged = *Status(1).add_alarms();
  damaged.set_name("STATE_DAMAGED");
  damaged.set_message("7.sst");
  v1::Alarm& full = *Status(3).add_alarms();
  full.set_name("DISK_FULL");
  full.set_message("no space");
  full.set_blocks("writes");
  EXPECT_EQ(Found(),
            std::vector<std::string>({"critical replica 3: DISK_FULL: no space",
                                      "warning replica 1: STATE_DAMAGED: "
                                      "7.sst"}));
  EXPECT_EQ(Diagnose(examination_)[0].todo, "RUNBOOK.md, DISK_FULL");
}

TEST_F(DiagnosisTest, TwoPrimariesAreToldApartByTheirEpochs) {
  Status(2).set_role(v1::ROLE_PRIMARY);
  Status(2).set_epoch(3);
  ExpectOnly(
      "warning replica 2: it says that it is the primary, of epoch 3; so does "
      "replica 1, of 4");
}

TEST_F(DiagnosisTest, ReplicasOfTwoGroups) {
  Status(3).set_cluster_id("c2");
  ExpectOnly("these are replicas of 2 groups: c1, c2");
}

TEST_F(DiagnosisTest, OneThatIsBehindOrHasNoVoteYet) {
  Status(1).mutable_replicas(1)->set_lag_entries(20'000);
  ExpectOnly("warning replica 2: it is 20000 entries behind");
  Status(1).mutable_replicas(1)->set_lag_entries(9'000);
  Status(2).set_role(v1::ROLE_LEARNER);
  ExpectOnly("note replica 2: it is learner");
}

TEST_F(DiagnosisTest, LittleSpaceAndOtherBuilds) {
  Status(2).set_disk_free_bytes(uint64_t{4} << 30);
  Status(2).set_version("1.1");
  EXPECT_EQ(Found(), std::vector<std::string>(
                         {"warning replica 2: less than 5 GiB are free on its "
                          "disk: 4096 MiB",
                          "note group: its replicas are of different builds: "
                          "1.0, 1.1"}));
}

TEST_F(DiagnosisTest, ADiskThatNobodyHasReadForAWeek) {
  Status(2).mutable_started_at()->set_seconds(kNow - 9 * 86'400);
  ExpectOnly("warning replica 2: its disk was not read as a whole");
  Status(2).mutable_last_scrub_at()->set_seconds(kNow - 86'400);
  EXPECT_EQ(Found(), std::vector<std::string>());
}

TEST_F(DiagnosisTest, TheClientsPort) {
  examination_.clients = absl::UnavailableError("refused");
  ExpectOnly("warning clients: no answer to clients: refused");
}

TEST_F(DiagnosisTest, WhatDidNotEndWellLately) {
  AddIncident(v1::INCIDENT_KIND_DISK_FULL, v1::INCIDENT_OUTCOME_SUCCESS, 60);
  AddIncident(v1::INCIDENT_KIND_RESYNC, v1::INCIDENT_OUTCOME_IN_PROGRESS, 60);
  EXPECT_EQ(Found(), std::vector<std::string>());
  AddIncident(v1::INCIDENT_KIND_RESYNC, v1::INCIDENT_OUTCOME_IN_PROGRESS,
              2'000);
  ExpectOnly("note replica 2: in the last day: no space; it has not ended");
  AddIncident(v1::INCIDENT_KIND_FORCED_PROMOTION,
              v1::INCIDENT_OUTCOME_SUCCESS_WITH_LOSS, 60)
      .set_lost_entries(7);
  const std::vector<std::string> found = Found();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0], "warning replica 2: in the last day: no space");
}

}  // namespace
}  // namespace ledgerd::client
