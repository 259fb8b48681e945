#include "server/incidents/group_watch.h"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "server/incidents/incident_testing.h"

namespace ledgerd::server {
namespace {

using replication::PromotionBegun;
using replication::ReplicaStatus;
using replication::Role;
using std::chrono::milliseconds;

class GroupWatchTest : public testing::Test {
 protected:
  GroupWatchTest() {
    status_.replica = ReplicaId(2);
    status_.role = Role::kStandby;
    status_.epoch = Epoch(4);
    status_.primary = ReplicaId(1);
    status_.peers.resize(2);
    status_.peers[0].id = ReplicaId(1);
    status_.peers[1].id = ReplicaId(3);
  }

  void Note() {
    standing_ = StandingOf(status_, standing_);
    watch_.Note(status_, standing_);
  }

  // Hears nothing of replica 1, for half a second, and wants to replace it.
  void BeginPromotion(
      uint64_t epoch,
      PromotionBegun::Why why = PromotionBegun::Why::kPrimaryLost,
      bool connected = false) {
    watch_.BeforePromotion({.epoch = Epoch(epoch),
                            .why = why,
                            .old_primary = ReplicaId(1),
                            .silence = milliseconds(500),
                            .connected = connected});
  }

  static std::string PhasesOf(const Incident& incident) {
    std::string text;
    for (const IncidentPhase& phase : incident.phases) {
      absl::StrAppend(&text, phase.name, " ", phase.duration_ns / 1'000'000,
                      " ");
    }
    return text;
  }

  // Takes over from replica 1, whose connection has not broken.
  void ReplaceOneThatIsConnected() {
    BeginPromotion(5, PromotionBegun::Why::kPrimaryLost, /*connected=*/true);
    world_.clock.Advance(milliseconds(100));
    Hear(0, true);
    Become(Role::kPrimary, 5, 2);
  }

  bool IsUnneeded() const {
    return Told().contains(IncidentKind::kUnneededPromotion);
  }

  void Become(Role role, uint64_t epoch, uint64_t primary) {
    status_.role = role;
    status_.epoch = Epoch(epoch);
    status_.primary = ReplicaId(primary);
    Note();
  }

  void Hear(size_t peer, bool heard) {
    status_.peers[peer].connected = heard;
    if (heard) status_.peers[peer].since_heard = milliseconds(20);
  }

  // The last record of each kind, of which there is one.
  std::map<IncidentKind, Incident> Told() const {
    std::map<IncidentKind, Incident> told;
    for (const Incident& incident : keeper_->Unsent()) {
      EXPECT_TRUE(told.emplace(incident.kind, incident).second)
          << Name(incident.kind) << " twice";
    }
    return told;
  }

  IncidentOutcome OutcomeOf(IncidentKind kind) const {
    const auto told = Told();
    const auto found = told.find(kind);
    EXPECT_NE(found, told.end()) << Name(kind);
    return found == told.end() ? IncidentOutcome::kAborted
                               : found->second.outcome;
  }

  IncidentWorld world_;
  std::unique_ptr<IncidentKeeper> keeper_ = world_.Start();
  GroupWatch watch_{*keeper_, world_.clock, milliseconds(1'000)};
  ReplicaStatus status_;
  Standing standing_;
};

// ---- promotions

TEST_F(GroupWatchTest, APromotionIsRecordedBeforeItHappensAndEndsWithIt) {
  Note();
  BeginPromotion(5);
  EXPECT_EQ(OutcomeOf(IncidentKind::kPromotion), IncidentOutcome::kInProgress);
  EXPECT_EQ(OutcomeOf(IncidentKind::kPrimaryLost),
            IncidentOutcome::kInProgress);
  // A status from before it says nothing.
  Note();
  Become(Role::kPromoting, 5, 0);
  world_.clock.Advance(milliseconds(30));
  Become(Role::kRecovering, 5, 0);
  EXPECT_EQ(OutcomeOf(IncidentKind::kPromotion), IncidentOutcome::kInProgress);
  world_.clock.Advance(milliseconds(70));
  Become(Role::kPrimary, 5, 2);
  EXPECT_EQ(OutcomeOf(IncidentKind::kPromotion), IncidentOutcome::kSuccess);
  const Incident lost = Told().at(IncidentKind::kPrimaryLost);
  EXPECT_EQ(lost.outcome, IncidentOutcome::kSuccess);
  EXPECT_EQ(lost.write_unavailable_ns, 600'000'000u);
  EXPECT_EQ(lost.ended_at.value() - lost.started_at.value(), 600'000'000u);
  EXPECT_EQ(lost.epoch, Epoch(5));
  EXPECT_EQ(PhasesOf(lost), "detect 500 promote 100 ");
  EXPECT_EQ(PhasesOf(Told().at(IncidentKind::kPromotion)),
            "detect 500 elect 30 serve 70 ");
}

TEST_F(GroupWatchTest, APromotionIsUnneededWhenTheOldPrimaryWasThere) {
  ReplaceOneThatIsConnected();
  EXPECT_FALSE(IsUnneeded()) << "it has not said anything";
  status_.peers[0].acknowledged = Sequence(7);
  Note();
  EXPECT_TRUE(IsUnneeded());
  EXPECT_EQ(Told().at(IncidentKind::kUnneededPromotion).cause,
            "the old primary, replica 1, was alive and connected when replica "
            "2 was promoted");
  // It is noted once.
  Note();
  EXPECT_TRUE(IsUnneeded());
}

TEST_F(GroupWatchTest, APromotionIsNeededWhenTheOldPrimaryIsBackTooLate) {
  ReplaceOneThatIsConnected();
  world_.clock.Advance(milliseconds(901));
  status_.peers[0].acknowledged = Sequence(7);
  Note();
  EXPECT_FALSE(IsUnneeded());
}

TEST_F(GroupWatchTest, APromotionIsNeededWhenTheConnectionHasBroken) {
  // Before it.
  BeginPromotion(5);
  Hear(0, true);
  status_.peers[0].acknowledged = Sequence(7);
  Become(Role::kPrimary, 5, 2);
  EXPECT_FALSE(IsUnneeded());
  // Meanwhile.
  keeper_->NoteSent(keeper_->Unsent());
  status_.peers[0].acknowledged = Sequence(0);
  ReplaceOneThatIsConnected();
  Hear(0, false);
  Note();
  Hear(0, true);
  status_.peers[0].acknowledged = Sequence(7);
  Note();
  EXPECT_FALSE(IsUnneeded());
}

TEST_F(GroupWatchTest, AWantedPromotionIsNotUnneeded) {
  BeginPromotion(5, PromotionBegun::Why::kWanted, /*connected=*/true);
  Hear(0, true);
  status_.peers[0].acknowledged = Sequence(7);
  Become(Role::kPrimary, 5, 2);
  Note();
  EXPECT_FALSE(IsUnneeded());
}

TEST_F(GroupWatchTest, ALongOutageIsNotTolerated) {
  BeginPromotion(5);
  world_.clock.Advance(milliseconds(2'501));
  Become(Role::kPrimary, 5, 2);
  EXPECT_EQ(OutcomeOf(IncidentKind::kPromotion), IncidentOutcome::kSuccess);
  EXPECT_EQ(OutcomeOf(IncidentKind::kPrimaryLost), IncidentOutcome::kFailed);
}

TEST_F(GroupWatchTest, AnotherOneTakesOver) {
  BeginPromotion(5);
  Become(Role::kStandby, 6, 0);
  EXPECT_EQ(OutcomeOf(IncidentKind::kPromotion), IncidentOutcome::kFailed);
  EXPECT_EQ(OutcomeOf(IncidentKind::kPrimaryLost), IncidentOutcome::kInProgress)
      << "nobody has, yet";
  Become(Role::kStandby, 6, 3);
  EXPECT_EQ(OutcomeOf(IncidentKind::kPrimaryLost), IncidentOutcome::kAborted)
      << "that one counts it";
}

TEST_F(GroupWatchTest, APrimaryWhoseDiskFailsIsLostAndReplacedUnplanned) {
  BeginPromotion(5, PromotionBegun::Why::kPrimaryFailed);
  Become(Role::kPrimary, 5, 2);
  const auto told = Told();
  ASSERT_EQ(told.size(), 2u);
  const Incident& promotion = told.at(IncidentKind::kPromotion);
  EXPECT_EQ(promotion.outcome, IncidentOutcome::kSuccess);
  EXPECT_FALSE(promotion.planned);
  const Incident& lost = told.at(IncidentKind::kPrimaryLost);
  EXPECT_EQ(lost.outcome, IncidentOutcome::kSuccess);
  EXPECT_EQ(lost.cause, "the primary, replica 1, leaves, since its disk fails");
}

TEST_F(GroupWatchTest, WhatIsWantedIsPlannedAndLosesNoPrimary) {
  BeginPromotion(5, PromotionBegun::Why::kWanted);
  Become(Role::kPrimary, 5, 2);
  const auto told = Told();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told.at(IncidentKind::kSwitchover).outcome,
            IncidentOutcome::kSuccess);
  EXPECT_TRUE(told.at(IncidentKind::kSwitchover).planned);
}

TEST_F(GroupWatchTest, AForcedOneMayHaveLostSomething) {
  BeginPromotion(5, PromotionBegun::Why::kForced);
  Become(Role::kPrimary, 5, 2);
  const auto told = Told();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told.at(IncidentKind::kForcedPromotion).outcome,
            IncidentOutcome::kSuccessWithLoss);
  EXPECT_FALSE(told.at(IncidentKind::kForcedPromotion).planned);
}

TEST_F(GroupWatchTest, AForcedOneLosesWhatIsKnownToBeAnsweredAndIsNotThere) {
  Sequence answered(107);
  std::optional<Sequence> end = Sequence(100);
  watch_.Learn({.answered_through = [&] { return answered; },
                .end_before = [&](Epoch) { return end; }});
  BeginPromotion(5, PromotionBegun::Why::kForced);
  // By this one, as the new primary.
  answered = Sequence(120);
  Become(Role::kPrimary, 5, 2);
  const Incident forced = Told().at(IncidentKind::kForcedPromotion);
  EXPECT_EQ(forced.outcome, IncidentOutcome::kSuccessWithLoss);
  EXPECT_EQ(forced.lost_entries, 7u);
  EXPECT_EQ(forced.resolution,
            "the primary of epoch 5; at least 7 entries that were answered are "
            "lost");
}

TEST_F(GroupWatchTest, AForcedOneIsNotKnownToHaveLostWhatIsInTheJournal) {
  std::optional<Sequence> end = Sequence(107);
  watch_.Learn({.answered_through = [] { return Sequence(107); },
                .end_before = [&](Epoch) { return end; }});
  for (const uint64_t epoch : {5, 6}) {
    BeginPromotion(epoch, PromotionBegun::Why::kForced);
    Become(Role::kPrimary, epoch, 2);
    const Incident forced = Told().at(IncidentKind::kForcedPromotion);
    EXPECT_EQ(forced.outcome, IncidentOutcome::kSuccessWithLoss);
    EXPECT_EQ(forced.lost_entries, 0u);
    keeper_->NoteSent(keeper_->Unsent());
    // The journal does not say.
    end.reset();
  }
}

TEST_F(GroupWatchTest, OneWithAMajorityHasLostNothing) {
  watch_.Learn({.answered_through = [] { return Sequence(107); },
                .end_before = [](Epoch) { return Sequence(100); }});
  BeginPromotion(5);
  Become(Role::kPrimary, 5, 2);
  EXPECT_EQ(OutcomeOf(IncidentKind::kPromotion), IncidentOutcome::kSuccess);
  EXPECT_EQ(Told().at(IncidentKind::kPromotion).lost_entries, 0u);
}

// ---- the other members

TEST_F(GroupWatchTest, APrimaryLosesAPeerThatItHasHeard) {
  Become(Role::kPrimary, 5, 2);
  EXPECT_TRUE(Told().empty()) << "who was never heard is not lost";
  Hear(0, true);
  Hear(1, true);
  Note();
  EXPECT_TRUE(Told().empty());
  status_.peers[1].since_heard = milliseconds(1'001);
  Note();
  EXPECT_EQ(OutcomeOf(IncidentKind::kPeerLost), IncidentOutcome::kInProgress);
  EXPECT_EQ(Told().at(IncidentKind::kPeerLost).cause,
            "nothing is heard of replica 3");
  world_.clock.Advance(std::chrono::hours(1));
  Hear(1, true);
  Note();
  EXPECT_EQ(OutcomeOf(IncidentKind::kPeerLost), IncidentOutcome::kSuccess);
  EXPECT_EQ(Told().at(IncidentKind::kPeerLost).write_unavailable_ns, 0u);
}

// Once lost is enough.
TEST_F(GroupWatchTest, AnOldPrimaryThatStaysSilentIsNoLostPeer) {
  Hear(0, true);
  status_.peers[0].since_heard = milliseconds(500);
  Become(Role::kPrimary, 5, 2);
  world_.clock.Advance(milliseconds(501));
  status_.peers[0].since_heard = milliseconds(1'001);
  Note();
  EXPECT_TRUE(Told().empty());
  Hear(0, true);
  Note();
  world_.clock.Advance(milliseconds(1'001));
  Hear(0, false);
  Note();
  EXPECT_EQ(OutcomeOf(IncidentKind::kPeerLost), IncidentOutcome::kInProgress);
}

TEST_F(GroupWatchTest, APeerWhoseConnectionBrokeIsLost) {
  Become(Role::kPrimary, 5, 2);
  Hear(0, true);
  Note();
  Hear(0, false);
  Note();
  EXPECT_EQ(OutcomeOf(IncidentKind::kPeerLost), IncidentOutcome::kInProgress);
  // It is removed.
  status_.peers.erase(status_.peers.begin());
  Note();
  EXPECT_EQ(OutcomeOf(IncidentKind::kPeerLost), IncidentOutcome::kSuccess);
}

TEST_F(GroupWatchTest, WithTooFewLeftItIsNotToleratedForLong) {
  for (const milliseconds outage : {milliseconds(3'000), milliseconds(3'001)}) {
    Become(Role::kPrimary, 5, 2);
    Hear(0, true);
    Note();
    Hear(0, false);
    Note();
    Become(Role::kStandby, 5, 0);
    world_.clock.Advance(outage);
    Become(Role::kStandby, 6, 3);
    const Incident lost = Told().at(IncidentKind::kPeerLost);
    EXPECT_EQ(lost.outcome, outage == milliseconds(3'000)
                                ? IncidentOutcome::kSuccess
                                : IncidentOutcome::kFailed);
    EXPECT_EQ(lost.write_unavailable_ns,
              static_cast<uint64_t>(outage.count()) * 1'000'000);
    keeper_->NoteSent(keeper_->Unsent());
    world_.clock.Advance(std::chrono::seconds(11));
  }
}

TEST_F(GroupWatchTest, APrimaryAgainCountsTheTimeBetween) {
  Become(Role::kPrimary, 5, 2);
  Hear(0, true);
  Note();
  Hear(0, false);
  Note();
  Become(Role::kStandby, 5, 0);
  world_.clock.Advance(milliseconds(700));
  Become(Role::kPrimary, 6, 2);
  Hear(0, true);
  Note();
  EXPECT_EQ(Told().at(IncidentKind::kPeerLost).write_unavailable_ns,
            700'000'000u);
}

// ---- being with the others again

TEST_F(GroupWatchTest, ARollbackEndsWhenItIsDoneAndTheReplicaServes) {
  Note();
  watch_.BeforeRollback(7);
  Note();
  EXPECT_EQ(OutcomeOf(IncidentKind::kRollback), IncidentOutcome::kInProgress)
      << "it is not done";
  watch_.AfterRollback();
  Note();
  EXPECT_EQ(OutcomeOf(IncidentKind::kRollback), IncidentOutcome::kSuccess);
  EXPECT_EQ(Told().at(IncidentKind::kRollback).rolled_back_entries, 7u);
  EXPECT_EQ(PhasesOf(Told().at(IncidentKind::kRollback)), "cut 0 replay 0 ");
}

TEST_F(GroupWatchTest, ACatchUpEndsWithWhatWasCommittedAtItsBegin) {
  status_.commit.sequence = status_.applied = Sequence(10);
  Note();
  watch_.BeforeCatchUp(Sequence(20));
  world_.clock.Advance(milliseconds(40));
  status_.commit.sequence = status_.journal_last = Sequence(30);
  status_.applied = Sequence(19);
  Note();
  EXPECT_EQ(OutcomeOf(IncidentKind::kCatchUp), IncidentOutcome::kInProgress);
  world_.clock.Advance(milliseconds(60));
  status_.applied = Sequence(20);
  Note();
  EXPECT_EQ(OutcomeOf(IncidentKind::kCatchUp), IncidentOutcome::kSuccess);
  EXPECT_EQ(PhasesOf(Told().at(IncidentKind::kCatchUp)), "fetch 40 replay 60 ");
}

TEST_F(GroupWatchTest, ATransferThatIsCutShortIsAnotherAttempt) {
  Note();
  watch_.BeforeResync(Sequence(20));
  watch_.BeforeResync(Sequence(25));
  watch_.AfterResync(Sequence(25));
  status_.commit.sequence = status_.applied = Sequence(24);
  Note();
  EXPECT_EQ(OutcomeOf(IncidentKind::kResync), IncidentOutcome::kInProgress);
  status_.commit.sequence = status_.applied = Sequence(25);
  Note();
  EXPECT_EQ(OutcomeOf(IncidentKind::kResync), IncidentOutcome::kSuccess);
  EXPECT_EQ(Told().at(IncidentKind::kResync).attempts, 2u);
}

}  // namespace
}  // namespace ledgerd::server
