#include "server/incidents/incident_keeper.h"

#include <chrono>
#include <string>
#include <vector>

#include "gtest/gtest.h"

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

  std::vector<Incident> Records() { return keeper_->Records(); }

  IncidentWorld world_;
  std::unique_ptr<IncidentKeeper> keeper_ = world_.Start();
};

TEST_F(IncidentKeeperTest, TheFirstProcessHasNotCrashed) {
  EXPECT_FALSE(keeper_->crashed());
  EXPECT_TRUE(Records().empty());
  Crash();
  EXPECT_TRUE(keeper_->crashed());
  keeper_->EndCleanly();
  Crash();
  EXPECT_FALSE(keeper_->crashed());
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
  const std::vector<Incident> before = Records();
  ASSERT_EQ(before.size(), 1u);
  EXPECT_EQ(before[0].kind, IncidentKind::kDiskFull);
  EXPECT_EQ(before[0].outcome, IncidentOutcome::kInProgress);
  EXPECT_EQ(before[0].id.replica, ReplicaId(2));
  EXPECT_EQ(before[0].id.number, 1u);
  EXPECT_EQ(before[0].started_at, world_.clock.WallNow());
  Crash();
  // The next process closes it, under the same id.
  ASSERT_EQ(Records().size(), 1u);
  EXPECT_EQ(Records()[0].id, before[0].id);
  EXPECT_EQ(Records()[0].outcome, IncidentOutcome::kFailed);
  EXPECT_EQ(Records()[0].started_at, before[0].started_at);
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
  ASSERT_EQ(Records().size(), 1u);
  const Incident incident = Records()[0];
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
  EXPECT_EQ(Records().back().outcome, IncidentOutcome::kInProgress);
  EXPECT_EQ(Records().back().detections, 3u);
  keeper_->Close(number, {});
  // Another cause, or later.
  EXPECT_EQ(
      keeper_->Raise({.kind = IncidentKind::kDiskFull, .cause = "another"}),
      number + 1);
  world_.clock.Advance(seconds(11));
  EXPECT_EQ(keeper_->Raise(kFull), number + 2);
}

TEST_F(IncidentKeeperTest, ACrashReplayGoesOnWithAnotherAttempt) {
  const IncidentSeen replay = {.kind = IncidentKind::kCrashReplay,
                               .cause = "crash"};
  const uint64_t number = keeper_->Raise(replay);
  Crash();
  Crash();
  EXPECT_EQ(keeper_->Raise(replay), number);
  keeper_->Close(number, {});
  ASSERT_EQ(Records().size(), 1u);
  EXPECT_EQ(Records()[0].attempts, 2u);
  EXPECT_EQ(Records()[0].outcome, IncidentOutcome::kSuccess);
  Crash();
  EXPECT_NE(keeper_->Raise(replay), number) << "that one had ended";
}

TEST_F(IncidentKeeperTest, ACleanEndAbortsWhatIsOpen) {
  keeper_->Raise(kFull);
  keeper_->EndCleanly();
  Crash();
  ASSERT_EQ(Records().size(), 1u);
  EXPECT_EQ(Records()[0].outcome, IncidentOutcome::kAborted);
}

TEST_F(IncidentKeeperTest, TheyAreInTheOrderInWhichTheyCameUp) {
  const uint64_t first = keeper_->Raise(kFull);
  const uint64_t second =
      keeper_->Raise({.kind = IncidentKind::kStall, .cause = "slow"});
  const uint64_t before = keeper_->changes();
  keeper_->Close(first, {});
  EXPECT_NE(keeper_->changes(), before);
  ASSERT_EQ(Records().size(), 2u);
  EXPECT_EQ(Records()[0].id.number, first);
  EXPECT_EQ(Records()[1].id.number, second);
}

TEST_F(IncidentKeeperTest, TheOldestThatEndedGoWhenThereIsNoRoomForMore) {
  keeper_ = nullptr;
  world_.bytes_max = 20 * kIncidentBytesMax;
  keeper_ = world_.Start();
  const uint64_t open = keeper_->Raise(kFull);
  for (int i = 0; i < 40; ++i) {
    const uint64_t number = keeper_->Raise(
        {.kind = IncidentKind::kStall, .cause = std::string(600, 'x')});
    keeper_->Close(number, {.resolution = std::string(600, 'y')});
    world_.clock.Advance(seconds(11));
  }
  const std::vector<Incident> kept = Records();
  EXPECT_GE(kept.size(), 19u);
  EXPECT_LE(kept.size(), 21u);
  EXPECT_EQ(kept.front().id.number, open);
  EXPECT_EQ(kept.back().id.number, open + 40);
  Crash();
  EXPECT_EQ(Records().size(), kept.size());
}

TEST_F(IncidentKeeperTest, TooManyOpenOnesLeaveTheirNumbersOut) {
  for (size_t i = 0; i <= IncidentKeeper::kOpenMax; ++i) {
    keeper_->Raise({.kind = IncidentKind::kStall, .cause = std::to_string(i)});
  }
  EXPECT_EQ(Records().size(), IncidentKeeper::kOpenMax);
  keeper_->Close(1, {});
  EXPECT_EQ(keeper_->Raise(kFull), IncidentKeeper::kOpenMax + 2);
}

TEST_F(IncidentKeeperTest, WithoutAFileItKeepsThemInMemory) {
  keeper_ = nullptr;
  IncidentWorld full;
  full.files.SetCapacity(0);
  const auto keeper = full.Start();
  EXPECT_FALSE(keeper->crashed());
  keeper->Close(keeper->Raise(kFull), {});
  EXPECT_EQ(keeper->Records().size(), 1u);
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
  const Timestamp series = Records()[0].id.series;
  for (const uint64_t copy : {uint64_t{0}, storage::IncidentFile::kCopyBytes}) {
    (*world_.files.Device("/d/incidents"))[copy + 40] ^= 1;
  }
  keeper_ = world_.Start();
  EXPECT_NE(world_.log.find("damaged"), std::string::npos) << world_.log;
  keeper_->Raise(kFull);
  EXPECT_EQ(Records()[0].id.number, 1u);
  EXPECT_NE(Records()[0].id.series, series);
}

}  // namespace
}  // namespace ledgerd::server
