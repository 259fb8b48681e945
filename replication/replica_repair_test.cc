// A standby whose state is damaged: it holds it, acknowledges what comes, and
// goes on with another replica's checkpoint; its applied point never goes back.
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "proto/base/sha256.h"
#include "proto/errors.h"
#include "replication/small_group.h"
#include "storage/checkpoint_transfer.h"

namespace ledgerd::replication {
namespace {

const absl::Status kDamage = absl::DataLossError("state/db/7.sst is damaged");

class ReplicaRepairTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(group_.MakeOnePrimary());
    for (uint64_t id = 1; id <= 3; ++id) ASSERT_NO_FATAL_FAILURE(Create(id));
    ASSERT_NO_FATAL_FAILURE(RunUntilApplied(3));
  }

  void Create(uint64_t id) {
    bool done = false;
    group_.Create(id, [&done](const absl::StatusOr<EntryResult>& result) {
      EXPECT_TRUE(result.ok()) << result.status();
      done = true;
    });
    ASSERT_NO_FATAL_FAILURE(group_.RunUntil([&done] { return done; }));
  }

  Sequence Applied(uint64_t id) { return group_.replica(id).status().applied; }

  // All that the primary has; its applied point never goes back on the way.
  void RunUntilApplied(uint64_t id) {
    Sequence before = Applied(id);
    ASSERT_NO_FATAL_FAILURE(group_.RunUntil([&] {
      EXPECT_GE(Applied(id), before);
      before = Applied(id);
      return before == group_.replica(1).status().journal_last;
    }));
  }

  // The primary's newest checkpoint, of all that it has applied, at replica 3.
  EntryId Bring() {
    group_.replica(1).CheckpointNow();
    group_.RunUntil(
        [&] { return group_.replica(1).status().checkpoint == Applied(1); });
    const auto files = *group_.store(1).ExportCheckpoint();
    storage::CheckpointReceiver& receiver = *group_.store(3).repair_receiver();
    auto at = receiver.Begin(files->manifest());
    while (at.ok() && at->file < files->manifest().files.size()) {
      const auto chunk = files->Read(*at, storage::kCheckpointChunkBytes);
      at = receiver.Add(*at, *chunk, Sha256(*chunk));
    }
    EXPECT_TRUE(at.ok()) << at.status();
    EXPECT_TRUE(receiver.Finish().ok());
    return files->manifest().applied.entry;
  }

  absl::Status Replace(const EntryId& checkpoint) {
    std::optional<absl::Status> replaced;
    group_.replica(3).ReplaceState(
        checkpoint, [&](absl::Status how) { replaced = std::move(how); });
    group_.RunUntil([&] { return replaced.has_value(); });
    return replaced.value_or(absl::UnknownError("never"));
  }

  void ExpectEqualStates() {
    ASSERT_NO_FATAL_FAILURE(RunUntilApplied(3));
    EXPECT_EQ(group_.store(3).state_hash(), group_.store(1).state_hash());
    EXPECT_EQ(group_.replica(3).status().role, Role::kStandby);
  }

  SmallGroup group_{/*cold=*/true};
};

TEST_F(ReplicaRepairTest, WhatIsHeldIsNotUsedAndTheJournalGoesOn) {
  const Sequence applied = Applied(3);
  const auto at_least = group_.replica(3).HoldState();
  ASSERT_TRUE(at_least.ok()) << at_least.status();
  EXPECT_EQ(*at_least, applied);
  // From here on an entry needs its acknowledgement.
  group_.Lose(2);
  ASSERT_NO_FATAL_FAILURE(Create(10));
  ASSERT_NO_FATAL_FAILURE(Create(11));
  EXPECT_EQ(Applied(3), applied);
  absl::Status read;
  ReadRequest request;
  request.freshness = {.level = Freshness::Level::kAtLeastSequence,
                       .at_least = Sequence(1)};
  request.begin = [&](absl::StatusOr<Sequence> at) {
    read = at.status();
    return nullptr;
  };
  group_.replica(3).OnRead(std::move(request), group_.now(3));
  EXPECT_EQ(ReasonOf(read), Reason::kTooStale) << read;

  const EntryId checkpoint = Bring();
  EXPECT_GE(checkpoint.sequence, *at_least);
  EXPECT_TRUE(Replace(checkpoint).ok());
  EXPECT_EQ(group_.replica(3).status().checkpoint, checkpoint.sequence);
  ASSERT_NO_FATAL_FAILURE(Create(12));
  ASSERT_NO_FATAL_FAILURE(ExpectEqualStates());
}

TEST_F(ReplicaRepairTest, ACheckpointAboveItsJournalIsWaitedFor) {
  ASSERT_TRUE(group_.replica(3).HoldState().ok());
  group_.Lose(3);
  ASSERT_NO_FATAL_FAILURE(Create(10));
  const EntryId checkpoint = Bring();
  ASSERT_LT(group_.replica(3).status().commit.sequence, checkpoint.sequence);
  std::optional<absl::Status> replaced;
  group_.replica(3).ReplaceState(
      checkpoint, [&](absl::Status how) { replaced = std::move(how); });
  EXPECT_FALSE(replaced.has_value());
  group_.Lose(0);
  ASSERT_NO_FATAL_FAILURE(
      group_.RunUntil([&] { return replaced.has_value(); }));
  EXPECT_TRUE(replaced->ok()) << *replaced;
  ASSERT_NO_FATAL_FAILURE(ExpectEqualStates());
}

TEST_F(ReplicaRepairTest, WhatIsReleasedIsUsedAgain) {
  ASSERT_TRUE(group_.replica(3).HoldState().ok());
  ASSERT_NO_FATAL_FAILURE(Create(10));
  // Nothing was met that it cannot do without.
  group_.replica(3).ReleaseState(absl::DataLossError("nobody has another"));
  ASSERT_NO_FATAL_FAILURE(ExpectEqualStates());
}

TEST_F(ReplicaRepairTest, WhatDoesNotFitIsRefused) {
  EXPECT_TRUE(
      absl::IsFailedPrecondition(group_.replica(1).HoldState().status()))
      << "a primary";
  EntryId checkpoint = Bring();
  EXPECT_TRUE(absl::IsFailedPrecondition(Replace(checkpoint)))
      << "nothing is held";
  ASSERT_TRUE(group_.replica(3).HoldState().ok());
  checkpoint.hash[0] ^= 1;
  EXPECT_TRUE(absl::IsFailedPrecondition(Replace(checkpoint)))
      << "another history";
  checkpoint.hash[0] ^= 1;
  EXPECT_TRUE(Replace(checkpoint).ok());
  ASSERT_NO_FATAL_FAILURE(ExpectEqualStates());
}

TEST_F(ReplicaRepairTest, DamageThatAnEntryMeetsIsHeld) {
  group_.store(3).FailNextFetch(kDamage);
  const Sequence applied = Applied(3);
  ASSERT_NO_FATAL_FAILURE(Create(10));
  ASSERT_NO_FATAL_FAILURE(
      group_.RunUntil([&] { return !group_.held(3).empty(); }));
  EXPECT_EQ(group_.held(3).front(), kDamage);
  ASSERT_TRUE(group_.replica(3).HoldState().ok());
  // It cannot go on with it, and somebody may still have another one.
  group_.replica(3).ReleaseState(absl::UnavailableError("not yet"));
  ASSERT_NO_FATAL_FAILURE(Create(11));
  EXPECT_EQ(Applied(3), applied);
  EXPECT_TRUE(Replace(Bring()).ok());
  EXPECT_EQ(group_.held(3).size(), 1u);
  ASSERT_NO_FATAL_FAILURE(ExpectEqualStates());
}

TEST_F(ReplicaRepairTest, DamageThatACheckpointMeetsIsHeld) {
  group_.store(3).FailNextWriteCheckpoint(kDamage);
  group_.replica(3).CheckpointNow();
  ASSERT_NO_FATAL_FAILURE(
      group_.RunUntil([&] { return !group_.held(3).empty(); }));
  ASSERT_TRUE(group_.replica(3).HoldState().ok());
  ASSERT_NO_FATAL_FAILURE(Create(10));
  EXPECT_TRUE(Replace(Bring()).ok());
  ASSERT_NO_FATAL_FAILURE(ExpectEqualStates());
  // Of the new state.
  group_.replica(3).CheckpointNow();
  ASSERT_NO_FATAL_FAILURE(group_.RunUntil(
      [&] { return group_.replica(3).status().checkpoint == Applied(3); }));
}

// It goes on to its end, and no other one begins.
TEST_F(ReplicaRepairTest, AnOwnCheckpointEndsFirst) {
  group_.replica(3).CheckpointNow();
  EXPECT_TRUE(absl::IsUnavailable(group_.replica(3).HoldState().status()));
  EXPECT_TRUE(group_.replica(3).status().state_held);
  const Sequence applied = Applied(3);
  ASSERT_NO_FATAL_FAILURE(Create(10));
  ASSERT_NO_FATAL_FAILURE(group_.RunUntil(
      [&] { return group_.replica(3).status().checkpoint == applied; }));
  const auto at_least = group_.replica(3).HoldState();
  ASSERT_TRUE(at_least.ok()) << at_least.status();
  EXPECT_EQ(*at_least, applied.Next()) << "above its superblock's";
  EXPECT_TRUE(Replace(Bring()).ok());
  EXPECT_FALSE(group_.replica(3).status().state_held);
  ASSERT_NO_FATAL_FAILURE(ExpectEqualStates());
}

TEST_F(ReplicaRepairTest, WhatNobodyCanMendHalts) {
  group_.store(3).FailNextFetch(kDamage);
  ASSERT_NO_FATAL_FAILURE(Create(10));
  ASSERT_NO_FATAL_FAILURE(
      group_.RunUntil([&] { return !group_.held(3).empty(); }));
  EXPECT_TRUE(group_.replica(3).status().fault.ok());
  group_.replica(3).ReleaseState(absl::DataLossError("nobody has another"));
  EXPECT_EQ(group_.replica(3).status().fault, kDamage);
}

// It would halt at once, and by force it would be the only one left.
TEST_F(ReplicaRepairTest, WhoCannotGoOnIsNotPromotedOnRequest) {
  group_.store(3).FailNextFetch(kDamage);
  ASSERT_NO_FATAL_FAILURE(Create(10));
  ASSERT_NO_FATAL_FAILURE(
      group_.RunUntil([&] { return !group_.held(3).empty(); }));
  Replica& replica = group_.replica(3);
  const Epoch epoch = replica.status().epoch;
  for (const Event& asked :
       {Event(ForcePromotionRequested{}), Event(PromotionRequested{})}) {
    const auto result = replica.OnEvent(asked, group_.now(3));
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(result->refusal, Refusal::kHalted);
  }
  replica.OnEvent(Received{{.from = ReplicaId(1),
                            .from_incarnation = Incarnation(1),
                            .to = ReplicaId(3),
                            .to_incarnation = Incarnation(1),
                            .epoch = epoch,
                            .body = PromoteNow{}}},
                  group_.now(3));
  EXPECT_EQ(replica.status().epoch, epoch);
  EXPECT_EQ(replica.status().fork, 0u);
  EXPECT_TRUE(replica.status().fault.ok());
  EXPECT_TRUE(Replace(Bring()).ok());
  ASSERT_NO_FATAL_FAILURE(ExpectEqualStates());
  ASSERT_NO_FATAL_FAILURE(group_.HandOver(1, 3));
  ASSERT_NO_FATAL_FAILURE(
      group_.RunUntil([&] { return group_.Primary() == 3; }));
}

TEST_F(ReplicaRepairTest, APrimaryHaltsAndTheOthersGoOn) {
  group_.store(1).FailNextFetch(kDamage);
  group_.Create(10, [](const absl::StatusOr<EntryResult>&) {});
  ASSERT_NO_FATAL_FAILURE(
      group_.RunUntil([&] { return !group_.replica(1).status().fault.ok(); }));
  EXPECT_TRUE(group_.held(1).empty());
  group_.Lose(1);
  ASSERT_NO_FATAL_FAILURE(
      group_.RunUntil([&] { return group_.Primary() > 1; }));
}

TEST_F(ReplicaRepairTest, WhoBecomesPrimaryUsesWhatItHeld) {
  ASSERT_TRUE(group_.replica(3).HoldState().ok());
  EntryId checkpoint = Bring();
  // Not there yet.
  checkpoint.sequence = Sequence(checkpoint.sequence.value() + 100);
  std::optional<absl::Status> replaced;
  group_.replica(3).ReplaceState(
      checkpoint, [&](absl::Status how) { replaced = std::move(how); });
  ASSERT_NO_FATAL_FAILURE(group_.HandOver(1, 3));
  ASSERT_NO_FATAL_FAILURE(
      group_.RunUntil([&] { return group_.Primary() == 3; }));
  ASSERT_TRUE(replaced.has_value());
  EXPECT_TRUE(absl::IsFailedPrecondition(*replaced)) << *replaced;
}

}  // namespace
}  // namespace ledgerd::replication
