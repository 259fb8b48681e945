// What a primary that hands its role over does with writes that wait: they are
// held until it knows whom to name (rule 12).
#include <optional>

#include "gtest/gtest.h"

#include "proto/errors.h"
#include "replication/small_group.h"

namespace ledgerd::replication {
namespace {

class HandOverTest : public testing::Test {
 protected:
  // Until it is primary no more, and knows no other.
  void HandOverAndStepDown() {
    ASSERT_NO_FATAL_FAILURE(group_.HandOver(1, 2));
    ASSERT_NO_FATAL_FAILURE(group_.RunUntil(
        [this] { return replica(1).status().role != Role::kPrimary; }));
    ASSERT_EQ(replica(1).status().primary, ReplicaId(0));
  }

  // What a write is told by replica 1.
  std::optional<Reason> Told() {
    std::optional<Reason> told;
    group_.Create(1, [&told](const absl::StatusOr<EntryResult>& result) {
      told = ReasonOf(result.status());
    });
    return told;
  }

  Replica& replica(uint64_t id) { return group_.replica(id); }

  SmallGroup group_;
};

TEST_F(HandOverTest, WritesAreHeldUntilTheNewPrimaryIsKnown) {
  ASSERT_NO_FATAL_FAILURE(group_.MakeOnePrimary());
  EXPECT_TRUE(replica(1).WantsProposals());
  ASSERT_NO_FATAL_FAILURE(HandOverAndStepDown());
  EXPECT_FALSE(replica(1).WantsProposals()) << "it could name nobody";
  ASSERT_NO_FATAL_FAILURE(
      group_.RunUntil([this] { return replica(1).WantsProposals(); }));
  EXPECT_EQ(replica(1).status().primary, ReplicaId(2));
  EXPECT_EQ(Told(), Reason::kNotPrimary);
}

TEST_F(HandOverTest, WhoIsNotHeardIsNotWaitedForForever) {
  ASSERT_NO_FATAL_FAILURE(group_.MakeOnePrimary());
  ASSERT_NO_FATAL_FAILURE(HandOverAndStepDown());
  group_.Lose(1);
  for (uint32_t tick = 1; tick < Timing().timeout_ticks; ++tick) group_.Tick();
  EXPECT_FALSE(replica(1).WantsProposals());
  group_.Tick();
  EXPECT_TRUE(replica(1).WantsProposals());
  EXPECT_EQ(Told(), Reason::kNoPrimary);
}

TEST_F(HandOverTest, WhoLostItsMajorityHoldsNothing) {
  ASSERT_NO_FATAL_FAILURE(group_.MakeOnePrimary());
  group_.Lose(1);
  ASSERT_NO_FATAL_FAILURE(group_.RunUntil(
      [this] { return replica(1).status().role != Role::kPrimary; }));
  EXPECT_TRUE(replica(1).WantsProposals());
  EXPECT_EQ(Told(), Reason::kNoPrimary);
}

TEST_F(HandOverTest, AHaltEndsTheHold) {
  ASSERT_NO_FATAL_FAILURE(group_.MakeOnePrimary());
  ASSERT_NO_FATAL_FAILURE(HandOverAndStepDown());
  replica(1).Halt(absl::DataLossError("a fault"));
  EXPECT_TRUE(replica(1).WantsProposals());
}

}  // namespace
}  // namespace ledgerd::replication
