#include "server/incidents/incident_watch.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/mutex.h"
#include "proto/errors.h"
#include "proto/kept_incidents.h"
#include "server/fake_replica.h"
#include "server/incidents/incident_reporter.h"
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

  // The last record of the only incident.
  Incident Only() {
    const std::vector<Incident> unsent = keeper_->Unsent();
    EXPECT_EQ(unsent.size(), 1u);
    return unsent.empty() ? Incident() : unsent.front();
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
  EXPECT_TRUE(keeper_->Unsent().empty());
}

TEST_F(IncidentWatchTest, AReplayEndsWhenAPrimaryServes) {
  Start();
  Start();
  Note();
  EXPECT_EQ(Only().kind, IncidentKind::kCrashReplay);
  EXPECT_EQ(Only().outcome, IncidentOutcome::kInProgress);
  world_.clock.Advance(milliseconds(70));
  BecomePrimary();
  EXPECT_EQ(Only().outcome, IncidentOutcome::kSuccess);
  EXPECT_EQ(Only().phases,
            (std::vector<IncidentPhase>{{"open", 0}, {"replay", 70'000'000}}));
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
  EXPECT_EQ(Only().outcome, IncidentOutcome::kInProgress);
  status_.applied = Sequence(9);
  Note();
  EXPECT_EQ(Only().outcome, IncidentOutcome::kSuccess);
}

// What ledgerctl leaves in a data directory that it has made of a backup.
KeptIncidents RestoreBegun() {
  Incident restore;
  restore.id = {ReplicaId(2), Timestamp(5), 1};
  restore.kind = IncidentKind::kRestore;
  restore.started_at = Timestamp(5);
  return {.series = Timestamp(5),
          .last_number = 1,
          .unsent = {restore},
          .open = {restore}};
}

TEST_F(IncidentWatchTest, ARestoreEndsWithTheFirstPrimary) {
  world_.Store(RestoreBegun());
  Start();
  Note();
  EXPECT_EQ(Only().kind, IncidentKind::kRestore);
  EXPECT_EQ(Only().outcome, IncidentOutcome::kInProgress);
  BecomePrimary();
  EXPECT_EQ(Only().outcome, IncidentOutcome::kSuccess);
  EXPECT_EQ(Only().attempts, 1u);
  keeper_->NoteSent(keeper_->Unsent());
  keeper_->EndCleanly();
  Start();
  BecomePrimary();
  EXPECT_TRUE(keeper_->Unsent().empty()) << "it is counted once";
}

TEST_F(IncidentWatchTest, ARestoreGoesOnAfterACrash) {
  world_.Store(RestoreBegun());
  Start();
  Start();
  BecomePrimary();
  const std::vector<Incident> unsent = keeper_->Unsent();
  ASSERT_EQ(unsent.size(), 2u);
  for (const Incident& incident : unsent) {
    EXPECT_EQ(incident.outcome, IncidentOutcome::kSuccess);
    EXPECT_EQ(incident.attempts,
              incident.kind == IncidentKind::kRestore ? 2u : 1u);
  }
}

TEST_F(IncidentWatchTest, AFullDiskIsToleratedForAsLongAsWritesMayWait) {
  for (const milliseconds held : {milliseconds(3'000), milliseconds(3'001)}) {
    Start();
    BecomePrimary();
    keeper_->NoteSent(keeper_->Unsent());
    status_.state_full = true;
    status_.full_since = world_.clock.WallNow();
    Note();
    Note();
    EXPECT_EQ(Only().kind, IncidentKind::kDiskFull);
    EXPECT_EQ(Only().outcome, IncidentOutcome::kInProgress);
    world_.clock.Advance(held);
    status_.state_full = false;
    Note();
    EXPECT_EQ(Only().outcome, held == milliseconds(3'000)
                                  ? IncidentOutcome::kSuccess
                                  : IncidentOutcome::kFailed);
    EXPECT_EQ(Only().write_unavailable_ns,
              static_cast<uint64_t>(held.count()) * 1'000'000);
    keeper_->EndCleanly();
    keeper_->NoteSent(keeper_->Unsent());
  }
}

TEST_F(IncidentWatchTest, SlowWritesAreOneStallUntilOneIsNot) {
  Start();
  BecomePrimary();
  status_.slow_writes = 1;
  Note();
  world_.clock.Advance(milliseconds(2'000));
  status_.slow_writes = 2;
  Note();
  EXPECT_EQ(Only().kind, IncidentKind::kStall);
  EXPECT_EQ(Only().outcome, IncidentOutcome::kInProgress);
  world_.clock.Advance(milliseconds(500));
  status_.slow_writes = 0;
  Note();
  EXPECT_EQ(Only().outcome, IncidentOutcome::kSuccess);
  EXPECT_EQ(Only().write_unavailable_ns, 2'500'000'000u);
}

TEST_F(IncidentWatchTest, WaitingForSpaceIsNoStall) {
  Start();
  status_.journal_full = true;
  status_.slow_writes = 1;
  Note();
  EXPECT_EQ(Only().kind, IncidentKind::kDiskFull);
}

TEST_F(IncidentWatchTest, AStandbysFullDiskHoldsNoWritesUp) {
  Start();
  status_.role = Role::kStandby;
  status_.journal_full = true;
  Note();
  world_.clock.Advance(std::chrono::hours(1));
  status_.journal_full = false;
  Note();
  EXPECT_EQ(Only().outcome, IncidentOutcome::kSuccess);
  EXPECT_EQ(Only().write_unavailable_ns, 0u);
}

// Its disk may stay full for long: clients pay at another one.
TEST_F(IncidentWatchTest, AFullDiskHoldsWritesUpUntilAnotherHasTakenOver) {
  Start();
  BecomePrimary();
  status_.journal_full = true;
  Note();
  world_.clock.Advance(milliseconds(700));
  status_.role = Role::kStandby;
  status_.primary = ReplicaId(0);
  Note();
  world_.clock.Advance(milliseconds(300));
  status_.primary = ReplicaId(3);
  Note();
  world_.clock.Advance(std::chrono::hours(1));
  status_.journal_full = false;
  Note();
  EXPECT_EQ(Only().outcome, IncidentOutcome::kSuccess);
  EXPECT_EQ(Only().write_unavailable_ns, 1'000'000'000u);
}

TEST_F(IncidentWatchTest, AClockThatDiffersIsOneForAsLongAsItDoes) {
  Start();
  status_.primary = ReplicaId(3);
  watch_->NoteClock(std::nullopt, status_);
  EXPECT_TRUE(keeper_->Unsent().empty());
  watch_->NoteClock(milliseconds(-700), status_);
  watch_->NoteClock(milliseconds(-900), status_);
  EXPECT_EQ(Only().kind, IncidentKind::kClockSkew);
  EXPECT_EQ(Only().cause,
            "this clock is behind that of the primary, replica 3");
  EXPECT_EQ(Only().outcome, IncidentOutcome::kInProgress);
  watch_->NoteClock(std::nullopt, status_);
  EXPECT_EQ(Only().outcome, IncidentOutcome::kSuccess);
}

TEST_F(IncidentWatchTest, RequestsThatAreRefusedForWantOfRoomAreOneOverload) {
  Start();
  Note();
  EXPECT_TRUE(keeper_->Unsent().empty());
  status_.overload_refusals = 7;
  Note();
  EXPECT_EQ(Only().kind, IncidentKind::kOverload);
  world_.clock.Advance(milliseconds(999));
  Note();
  EXPECT_EQ(Only().outcome, IncidentOutcome::kInProgress);
  status_.overload_refusals = 8;
  Note();
  world_.clock.Advance(milliseconds(999));
  Note();
  EXPECT_EQ(Only().outcome, IncidentOutcome::kInProgress)
      << "one was refused since";
  world_.clock.Advance(milliseconds(1));
  Note();
  EXPECT_EQ(Only().outcome, IncidentOutcome::kSuccess);
}

TEST_F(IncidentWatchTest, AStandbysFaultIsToleratedOnceItIsBack) {
  Start();
  status_.role = Role::kStandby;
  status_.primary = ReplicaId(1);
  Note();
  watch_->NoteFault(absl::InternalError("fdatasync: EIO"), status_);
  EXPECT_EQ(Only().kind, IncidentKind::kDiskError);
  keeper_->NoteSent(keeper_->Unsent());
  watch_->NoteFault(absl::DataLossError("a block is damaged"), status_);
  EXPECT_EQ(Only().kind, IncidentKind::kCorruption);
  // Killed before it is with the group.
  Start();
  Note();
  world_.clock.Advance(std::chrono::minutes(5));
  Start();
  Note();
  for (const Incident& incident : keeper_->Unsent()) {
    EXPECT_EQ(incident.outcome, IncidentOutcome::kInProgress);
  }
  status_.role = Role::kStandby;
  status_.primary = ReplicaId(1);
  Note();
  const std::vector<Incident> told = keeper_->Unsent();
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[0].kind, IncidentKind::kCrashReplay);
  EXPECT_EQ(told[1].kind, IncidentKind::kDiskError);
  EXPECT_EQ(told[2].kind, IncidentKind::kCorruption);
  for (const Incident& incident : told) {
    EXPECT_EQ(incident.outcome, IncidentOutcome::kSuccess);
    EXPECT_EQ(incident.write_unavailable_ns, 0u) << "the primary went on";
  }
}

TEST_F(IncidentWatchTest, APrimarysFaultIsToleratedWhenTheNextOneBeganSoon) {
  for (const milliseconds away : {milliseconds(3'000), milliseconds(3'001)}) {
    Start();
    status_.epoch = Epoch(7);
    BecomePrimary();
    keeper_->NoteSent(keeper_->Unsent());
    const Timestamp fault = world_.clock.WallNow();
    status_.role = Role::kHalted;
    Note();
    watch_->NoteFault(absl::InternalError("fdatasync: EIO"), status_);
    EXPECT_TRUE(Only().of_primary);
    keeper_->NoteSent(keeper_->Unsent());
    world_.clock.Advance(std::chrono::minutes(5));
    Start();
    watch_->Learn([&](Epoch after) -> std::optional<Timestamp> {
      EXPECT_EQ(after, Epoch(7));
      return Timestamp(fault.value() +
                       static_cast<uint64_t>(away.count()) * 1'000'000);
    });
    status_.role = Role::kStandby;
    status_.primary = ReplicaId(1);
    Note();
    const Incident ended = keeper_->Unsent().back();
    EXPECT_EQ(ended.kind, IncidentKind::kDiskError);
    EXPECT_EQ(ended.outcome, away == milliseconds(3'000)
                                 ? IncidentOutcome::kSuccess
                                 : IncidentOutcome::kFailed);
    EXPECT_EQ(ended.write_unavailable_ns,
              static_cast<uint64_t>(away.count()) * 1'000'000);
  }
}

// One that is alone begins an epoch with each start.
TEST_F(IncidentWatchTest, APrimarysFaultLastsUntilItBeganTheNextEpochItself) {
  Start();
  BecomePrimary();
  watch_->NoteFault(absl::InternalError("fdatasync: EIO"), status_);
  world_.clock.Advance(std::chrono::seconds(1));
  Start();
  const Timestamp began = world_.clock.WallNow();
  watch_->Learn([&](Epoch) { return began; });
  world_.clock.Advance(std::chrono::seconds(5));
  BecomePrimary();
  const Incident ended = keeper_->Unsent().back();
  EXPECT_EQ(ended.kind, IncidentKind::kDiskError);
  EXPECT_EQ(ended.outcome, IncidentOutcome::kSuccess);
  EXPECT_EQ(ended.write_unavailable_ns, 2'000'000'000u);
}

// Nobody took over: until now, as far as this replica can know.
TEST_F(IncidentWatchTest, APrimarysFaultWithoutAnotherOneLastsUntilItIsBack) {
  Start();
  BecomePrimary();
  watch_->NoteFault(absl::InternalError("fdatasync: EIO"), status_);
  world_.clock.Advance(std::chrono::seconds(5));
  Start();
  BecomePrimary();
  const Incident ended = keeper_->Unsent().back();
  EXPECT_EQ(ended.kind, IncidentKind::kDiskError);
  EXPECT_EQ(ended.outcome, IncidentOutcome::kFailed);
  EXPECT_EQ(ended.write_unavailable_ns, 6'000'000'000u);
}

TEST_F(IncidentWatchTest, AJournalThatContradictsTheGroupsIsAMismatch) {
  Start();
  status_.alarms = {replication::Alarm::kForkedOff};
  watch_->NoteFault(absl::DataLossError("forked"), status_);
  EXPECT_TRUE(keeper_->Unsent().empty()) << "an operator wanted that";
  status_.alarms = {replication::Alarm::kDiffersBelowCommit};
  watch_->NoteFault(absl::DataLossError("differs"), status_);
  EXPECT_EQ(Only().kind, IncidentKind::kStateMismatch);
}

// ---- telling the group

void WaitUntilSent(const IncidentKeeper& keeper) {
  while (!keeper.Unsent().empty()) {
    std::this_thread::yield();
  }
}

TEST_F(IncidentWatchTest, APrimaryProposesThemUntilTheyAreTaken) {
  Start();
  FakeReplica replica;
  replica.RefuseNext(MakeError(Reason::kOverloaded, "full"));
  keeper_->Raise({.kind = IncidentKind::kStall, .cause = "slow"});
  IncidentReporter reporter(*keeper_, replica, nullptr);
  WaitUntilSent(*keeper_);
  EXPECT_EQ(replica.taken(), 1u);
}

TEST_F(IncidentWatchTest, AStandbyBringsThemToThePrimaryItKnows) {
  Start();
  FakeReplica replica;
  status_.role = Role::kStandby;
  status_.primary = ReplicaId(0);
  replica.SetStatus(status_);
  Mutex mutex;
  std::vector<Incident> brought;
  keeper_->Raise({.kind = IncidentKind::kStall, .cause = "slow"});
  IncidentReporter reporter(
      *keeper_, replica,
      [&](ReplicaId primary, const std::vector<Incident>& incidents) {
        const MutexLock lock(mutex);
        EXPECT_EQ(primary, ReplicaId(3));
        brought = incidents;
        return absl::OkStatus();
      });
  status_.primary = ReplicaId(3);
  replica.SetStatus(status_);
  WaitUntilSent(*keeper_);
  const MutexLock lock(mutex);
  ASSERT_EQ(brought.size(), 1u);
  EXPECT_EQ(brought[0].cause, "slow");
  EXPECT_EQ(replica.taken(), 0u);
}

TEST_F(IncidentWatchTest, WhatIsNotAnsweredIsToldAgain) {
  Start();
  FakeReplica replica;
  replica.HoldAnswers();
  keeper_->Raise({.kind = IncidentKind::kStall, .cause = "slow"});
  IncidentReporter reporter(*keeper_, replica, nullptr);
  replica.AnswerNext(MakeError(Reason::kOutcomeUnknown, "deposed"));
  replica.AnswerNext();
  WaitUntilSent(*keeper_);
}

}  // namespace
}  // namespace ledgerd::server
