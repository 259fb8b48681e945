#include "server/incidents/incident_watch.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "server/incidents/incident_testing.h"

namespace ledgerd::server {
namespace {

using replication::ReplicaStatus;
using replication::Role;
using std::chrono::milliseconds;

class IncidentWatchTest : public testing::Test {
 protected:
  // A process begins; the one before may not have ended cleanly.
  void Start() {
    watch_ = nullptr;
    keeper_ = world_.Start();
    watch_ = std::make_unique<IncidentWatch>(*keeper_, world_.clock);
    watch_->BeginReplay();
    status_ = ReplicaStatus();
    status_.replica = ReplicaId(2);
    standing_ = Standing();
  }

  void Note() {
    standing_ = StandingOf(status_, standing_);
    watch_->Note(status_, standing_);
  }

  void BecomePrimary() {
    status_.role = Role::kPrimary;
    status_.primary = ReplicaId(2);
    Note();
  }

  // The one that came up last.
  Incident Last() {
    const std::vector<Incident> records = keeper_->Records();
    EXPECT_FALSE(records.empty());
    return records.empty() ? Incident() : records.back();
  }

  IncidentWorld world_;
  std::unique_ptr<IncidentKeeper> keeper_;
  std::unique_ptr<IncidentWatch> watch_;
  ReplicaStatus status_;
  Standing standing_;
};

TEST_F(IncidentWatchTest, AFirstStartIsNoIncident) {
  Start();
  BecomePrimary();
  EXPECT_TRUE(keeper_->Records().empty());
}

TEST_F(IncidentWatchTest, AReplayEndsWhenAPrimaryServes) {
  Start();
  Start();
  Note();
  EXPECT_EQ(Last().kind, IncidentKind::kCrashReplay);
  EXPECT_EQ(Last().outcome, IncidentOutcome::kInProgress);
  BecomePrimary();
  EXPECT_EQ(Last().outcome, IncidentOutcome::kSuccess);
}

TEST_F(IncidentWatchTest, AReplayEndsWhenAStandbyHasCaughtUp) {
  Start();
  Start();
  status_.role = Role::kStandby;
  status_.commit.sequence = Sequence(9);
  status_.applied = Sequence(5);
  Note();
  status_.primary = ReplicaId(1);
  Note();
  EXPECT_EQ(Last().outcome, IncidentOutcome::kInProgress);
  status_.applied = Sequence(9);
  Note();
  EXPECT_EQ(Last().outcome, IncidentOutcome::kSuccess);
}

TEST_F(IncidentWatchTest, AFullDiskIsToleratedForAsLongAsWritesMayWait) {
  for (const milliseconds held : {milliseconds(3'000), milliseconds(3'001)}) {
    Start();
    BecomePrimary();
    status_.state_full = true;
    status_.full_since = world_.clock.WallNow();
    Note();
    Note();
    EXPECT_EQ(Last().kind, IncidentKind::kDiskFull);
    EXPECT_EQ(Last().outcome, IncidentOutcome::kInProgress);
    world_.clock.Advance(held);
    status_.state_full = false;
    Note();
    EXPECT_EQ(Last().outcome, held == milliseconds(3'000)
                                  ? IncidentOutcome::kSuccess
                                  : IncidentOutcome::kFailed);
    EXPECT_EQ(Last().write_unavailable_ns,
              static_cast<uint64_t>(held.count()) * 1'000'000);
    keeper_->EndCleanly();
  }
}

TEST_F(IncidentWatchTest, AStandbysFullDiskHoldsNoWritesUp) {
  Start();
  status_.role = Role::kStandby;
  status_.journal_full = true;
  Note();
  world_.clock.Advance(std::chrono::hours(1));
  status_.journal_full = false;
  Note();
  EXPECT_EQ(Last().outcome, IncidentOutcome::kSuccess);
  EXPECT_EQ(Last().write_unavailable_ns, 0u);
}

TEST_F(IncidentWatchTest, AFaultIsClosedByTheNextProcess) {
  Start();
  watch_->NoteFault(absl::InternalError("fdatasync: EIO"), status_);
  EXPECT_EQ(Last().kind, IncidentKind::kDiskError);
  watch_->NoteFault(absl::DataLossError("a block is damaged"), status_);
  EXPECT_EQ(Last().kind, IncidentKind::kCorruption);
  Start();
  const std::vector<Incident> told = keeper_->Records();
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[0].outcome, IncidentOutcome::kFailed);
  EXPECT_EQ(told[1].outcome, IncidentOutcome::kFailed);
  EXPECT_EQ(told[2].kind, IncidentKind::kCrashReplay);
}

TEST_F(IncidentWatchTest, AJournalThatContradictsTheGroupsIsAMismatch) {
  Start();
  status_.alarms = {replication::Alarm::kForkedOff};
  watch_->NoteFault(absl::DataLossError("forked"), status_);
  EXPECT_TRUE(keeper_->Records().empty()) << "an operator wanted that";
  status_.alarms = {replication::Alarm::kDiffersBelowCommit};
  watch_->NoteFault(absl::DataLossError("differs"), status_);
  EXPECT_EQ(Last().kind, IncidentKind::kStateMismatch);
}

}  // namespace
}  // namespace ledgerd::server
