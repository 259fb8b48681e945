#include "server/incidents/incident_keeper.h"

#include <chrono>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/little_endian.h"
#include "server/incidents/incident_testing.h"

namespace ledgerd::server {
namespace {

using std::chrono::seconds;

const IncidentSeen kFull = {.kind = IncidentKind::kDiskFull, .cause = "full"};

class IncidentKeeperTest : public testing::Test {
 protected:
  // The process dies, and another one begins.
  void Crash() {
    keeper_ = nullptr;
    world_.files.PowerCut();
    keeper_ = world_.Start();
  }

  std::vector<Incident> Unsent() { return keeper_->Unsent(); }

  IncidentWorld world_;
  std::unique_ptr<IncidentKeeper> keeper_ = world_.Start();
};

TEST_F(IncidentKeeperTest, TheFirstProcessHasNotCrashed) {
  EXPECT_FALSE(keeper_->crashed());
  EXPECT_TRUE(Unsent().empty());
  Crash();
  EXPECT_TRUE(keeper_->crashed());
  keeper_->EndCleanly();
  Crash();
  EXPECT_FALSE(keeper_->crashed());
}

TEST_F(IncidentKeeperTest, ANoteIsKeptUntilItIsToldAndNeverEnds) {
  keeper_->AddNote({.kind = IncidentKind::kConsistencyCheck,
                    .what = "replicas were compared",
                    .successful = false});
  keeper_->AddNote({.kind = IncidentKind::kVerifiedBackup,
                    .what = "a backup was verified",
                    .at = Timestamp(77)});
  const std::vector<Incident> before = Unsent();
  ASSERT_EQ(before.size(), 2u);
  EXPECT_EQ(before[0].outcome, IncidentOutcome::kFailed);
  EXPECT_EQ(before[0].started_at, world_.clock.WallNow());
  EXPECT_EQ(before[1].outcome, IncidentOutcome::kSuccess);
  EXPECT_EQ(before[1].started_at, Timestamp(77));
  EXPECT_EQ(before[1].ended_at, Timestamp(77));
  EXPECT_EQ(before[1].id.number, before[0].id.number + 1);
  for (const Incident& note : before) {
    // As builds leave it out that know no notes.
    EXPECT_TRUE(note.injected);
    EXPECT_EQ(note.detections, 0u);
  }
  Crash();
  EXPECT_EQ(Unsent(), before);
  keeper_->NoteSent(before);
  Crash();
  EXPECT_TRUE(Unsent().empty());
}

TEST_F(IncidentKeeperTest, AllOfAKindAreClosedTogether) {
  keeper_->Raise({.kind = IncidentKind::kStateMismatch, .cause = "2 differs"});
  keeper_->Raise({.kind = IncidentKind::kStateMismatch, .cause = "3 differs"});
  keeper_->Raise(kFull);
  keeper_->CloseAll(IncidentKind::kStateMismatch, {.resolution = "equal"});
  const std::vector<Incident> told = Unsent();
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[0].outcome, IncidentOutcome::kInProgress);
  EXPECT_EQ(told[1].outcome, IncidentOutcome::kSuccess);
  EXPECT_EQ(told[2].outcome, IncidentOutcome::kSuccess);
}

// One that was refused, by its configuration for example.
TEST_F(IncidentKeeperTest, AStartThatNeverRanIsNoCrash) {
  keeper_->EndCleanly();
  keeper_ = nullptr;
  for (int i = 0; i < 2; ++i) {
    const auto refused = world_.Open();
    ASSERT_TRUE(refused.ok()) << refused.status();
    EXPECT_FALSE((*refused)->crashed());
  }
}

TEST_F(IncidentKeeperTest, WhatIsRaisedIsOnTheDiskBeforeItReturns) {
  keeper_->Raise(kFull);
  const std::vector<Incident> before = Unsent();
  ASSERT_EQ(before.size(), 1u);
  EXPECT_EQ(before[0].kind, IncidentKind::kDiskFull);
  EXPECT_EQ(before[0].outcome, IncidentOutcome::kInProgress);
  EXPECT_EQ(before[0].id.replica, ReplicaId(2));
  EXPECT_EQ(before[0].id.number, 1u);
  EXPECT_EQ(before[0].started_at, world_.clock.WallNow());
  Crash();
  // The next process closes it, under the same id.
  ASSERT_EQ(Unsent().size(), 1u);
  EXPECT_EQ(Unsent()[0].id, before[0].id);
  EXPECT_EQ(Unsent()[0].outcome, IncidentOutcome::kFailed);
  EXPECT_EQ(Unsent()[0].started_at, before[0].started_at);
  EXPECT_EQ(keeper_->Raise(kFull), 2u);
}

TEST_F(IncidentKeeperTest, AClosedOneSaysHowItEnded) {
  const uint64_t number = keeper_->Raise(kFull);
  world_.clock.Advance(seconds(2));
  keeper_->Close(number, {.outcome = IncidentOutcome::kSuccess,
                          .resolution = "space",
                          .write_unavailable_ns = 5});
  keeper_->Close(number, {.outcome = IncidentOutcome::kFailed});
  Crash();
  ASSERT_EQ(Unsent().size(), 1u);
  const Incident incident = Unsent()[0];
  EXPECT_EQ(incident.outcome, IncidentOutcome::kSuccess);
  EXPECT_EQ(incident.resolution, "space");
  EXPECT_EQ(incident.write_unavailable_ns, 5u);
  EXPECT_EQ(incident.ended_at.value() - incident.started_at.value(),
            2 * kNanosPerSecond);
}

TEST_F(IncidentKeeperTest, TheSameCauseWithinTenSecondsIsOne) {
  const uint64_t number = keeper_->Raise(kFull);
  EXPECT_EQ(keeper_->Raise(kFull), number);
  keeper_->Close(number, {});
  world_.clock.Advance(seconds(10));
  EXPECT_EQ(keeper_->Raise(kFull), number);
  EXPECT_EQ(Unsent().back().outcome, IncidentOutcome::kInProgress);
  EXPECT_EQ(Unsent().back().detections, 3u);
  keeper_->Close(number, {});
  // Another cause, or later.
  EXPECT_EQ(
      keeper_->Raise({.kind = IncidentKind::kDiskFull, .cause = "another"}),
      number + 1);
  world_.clock.Advance(seconds(11));
  EXPECT_EQ(keeper_->Raise(kFull), number + 2);
}

// The scrubber and the replica meet the same damage: whoever is first.
TEST_F(IncidentKeeperTest, OneThatHaltsGoesOnWhoeverHasSeenItFirst) {
  const IncidentSeen seen = {.kind = IncidentKind::kCorruption,
                             .cause = "7.sst"};
  IncidentSeen halts = seen;
  halts.epoch = Epoch(3);
  halts.of_primary = true;
  halts.halts = true;
  for (const bool halts_first : {false, true}) {
    const uint64_t number = keeper_->Raise(halts_first ? halts : seen);
    EXPECT_EQ(keeper_->Raise(halts_first ? seen : halts), number);
    Crash();
    ASSERT_EQ(keeper_->Halted().size(), 1u) << halts_first;
    const Incident halted = keeper_->Halted()[0];
    EXPECT_EQ(halted.id.number, number);
    EXPECT_EQ(halted.detections, 2u);
    EXPECT_TRUE(halted.of_primary);
    EXPECT_EQ(halted.epoch, Epoch(3));
    keeper_->Close(number, {});
    world_.clock.Advance(seconds(11));
  }
}

TEST_F(IncidentKeeperTest, ACrashReplayGoesOnWithAnotherAttempt) {
  const IncidentSeen replay = {.kind = IncidentKind::kCrashReplay,
                               .cause = "crash"};
  const uint64_t number = keeper_->Raise(replay);
  Crash();
  Crash();
  EXPECT_EQ(keeper_->Raise(replay), number);
  keeper_->Close(number, {});
  ASSERT_EQ(Unsent().size(), 1u);
  EXPECT_EQ(Unsent()[0].attempts, 2u);
  EXPECT_EQ(Unsent()[0].outcome, IncidentOutcome::kSuccess);
  Crash();
  EXPECT_NE(keeper_->Raise(replay), number) << "that one had ended";
}

TEST_F(IncidentKeeperTest, ACleanEndAbortsWhatIsOpen) {
  keeper_->Raise(kFull);
  keeper_->EndCleanly();
  Crash();
  ASSERT_EQ(Unsent().size(), 1u);
  EXPECT_EQ(Unsent()[0].outcome, IncidentOutcome::kAborted);
}

TEST_F(IncidentKeeperTest, WhatWasSentIsNotSentAgainUnlessItChanges) {
  const uint64_t number = keeper_->Raise(kFull);
  const std::vector<Incident> opened = Unsent();
  keeper_->NoteSent(opened);
  EXPECT_TRUE(Unsent().empty());
  Crash();
  // Closed as failed by this process, whose word is another one.
  ASSERT_EQ(Unsent().size(), 1u);
  EXPECT_EQ(Unsent()[0].id.number, number);
  keeper_->NoteSent(opened);
  EXPECT_EQ(Unsent().size(), 1u);
  keeper_->NoteSent(Unsent());
  Crash();
  EXPECT_TRUE(Unsent().empty());
}

TEST_F(IncidentKeeperTest, ARecordIsFollowedByItsLastOne) {
  const uint64_t first = keeper_->Raise(kFull);
  const uint64_t second =
      keeper_->Raise({.kind = IncidentKind::kStall, .cause = "slow"});
  keeper_->Close(first, {});
  ASSERT_EQ(Unsent().size(), 2u);
  EXPECT_EQ(Unsent()[0].id.number, second);
  EXPECT_EQ(Unsent()[1].id.number, first);
}

TEST_F(IncidentKeeperTest, WhatCannotBeKeptLeavesItsNumber) {
  for (size_t i = 0; i < IncidentKeeper::kUnsentMax + 5; ++i) {
    const uint64_t number = keeper_->Raise(
        {.kind = IncidentKind::kStall, .cause = std::string(600, 'x')});
    keeper_->Close(number, {.resolution = std::string(600, 'y')});
    world_.clock.Advance(seconds(11));
  }
  Crash();
  uint64_t number = 6;
  for (auto some = Unsent(); !some.empty(); some = Unsent()) {
    EXPECT_LE(some.size(), kIncidentsAtOnceMax);
    for (const Incident& incident : some) {
      ASSERT_EQ(incident.id.number, number++);
    }
    keeper_->NoteSent(some);
  }
  EXPECT_EQ(number, IncidentKeeper::kUnsentMax + 6);
}

// It kept all that had ended among those that were open.
TEST_F(IncidentKeeperTest, WhatABuildKeptThatToldNobodyIsTold) {
  keeper_ = nullptr;
  Incident ended;
  ended.id = {ReplicaId(2), Timestamp(77), 1};
  ended.outcome = IncidentOutcome::kSuccess;
  Incident open;
  open.id = {ReplicaId(2), Timestamp(77), 2};
  open.kind = IncidentKind::kDiskFull;
  std::string contents(24, '\0');
  PutLittle(contents.data(), uint64_t{77});
  PutLittle(contents.data() + 8, uint64_t{2});
  contents[16] = 1;
  contents += EncodeIncidents({ended, open});
  IncidentWorld old;
  {
    auto file = storage::IncidentFile::Open(old.files, "/d", "incidents");
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE((*file)->Store(contents).ok());
  }
  keeper_ = old.Start();
  EXPECT_TRUE(keeper_->crashed());
  const std::vector<Incident> told = Unsent();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0], ended);
  EXPECT_EQ(told[1].id, open.id);
  EXPECT_EQ(told[1].outcome, IncidentOutcome::kFailed);
  EXPECT_EQ(keeper_->Raise(kFull), 3u);
  keeper_ = nullptr;
}

TEST_F(IncidentKeeperTest, WithoutAFileItKeepsThemInMemory) {
  keeper_ = nullptr;
  IncidentWorld full;
  full.files.SetCapacity(0);
  const auto keeper = full.Start();
  EXPECT_FALSE(keeper->crashed());
  keeper->Close(keeper->Raise(kFull), {});
  EXPECT_EQ(keeper->Unsent().size(), 1u);
  EXPECT_NE(full.log.find("memory alone"), std::string::npos) << full.log;
}

TEST_F(IncidentKeeperTest, AWriteThatFailsIsToldOnce) {
  for (int i = 0; i < 2; ++i) {
    world_.files.FailNext(storage::FaultyFiles::Operation::kSync, 0,
                          absl::InternalError("EIO"));
    keeper_->Raise(kFull);
  }
  EXPECT_EQ(world_.faults, 1);
  EXPECT_TRUE(absl::IsInternal(keeper_->fault())) << keeper_->fault();
}

TEST_F(IncidentKeeperTest, AFileThatCannotBeOpenedIsAnError) {
  keeper_ = nullptr;
  world_.files.FailNext(storage::FaultyFiles::Operation::kRead, 0,
                        absl::InternalError("EIO"));
  EXPECT_FALSE(world_.Open().ok());
}

TEST_F(IncidentKeeperTest, ADamagedFileBeginsANewSeries) {
  keeper_->Raise(kFull);
  const Timestamp series = Unsent()[0].id.series;
  for (const uint64_t copy : {uint64_t{0}, storage::IncidentFile::kCopyBytes}) {
    (*world_.files.Device("/d/incidents"))[copy + 40] ^= 1;
  }
  keeper_ = world_.Start();
  EXPECT_NE(world_.log.find("damaged"), std::string::npos) << world_.log;
  keeper_->Raise(kFull);
  EXPECT_EQ(Unsent()[0].id.number, 1u);
  EXPECT_NE(Unsent()[0].id.series, series);
}

}  // namespace
}  // namespace ledgerd::server
