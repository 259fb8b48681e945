// A primary whose disk fails has another one promote at once, before anybody
// could have missed its heartbeats.
#include <chrono>
#include <optional>

#include "gtest/gtest.h"

#include "proto/errors.h"
#include "replication/core/message.h"
#include "replication/small_group.h"

namespace ledgerd::replication {
namespace {

class FailedDiskTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(group_.MakeOnePrimary()); }

  // Of an account that replica 1 is asked for, which is on its way to the
  // others then.
  void FailASync() {
    group_.disk(1).FailNextSync();
    group_.Create(7, [this](const absl::StatusOr<EntryResult>& result) {
      told_ = ReasonOf(result.status());
    });
    ASSERT_NO_FATAL_FAILURE(group_.RunUntil(
        [this] { return replica(1).status().role == Role::kHalted; }));
  }

  Replica& replica(uint64_t id) { return group_.replica(id); }

  SmallGroup group_;
  std::optional<Reason> told_;
};

TEST_F(FailedDiskTest, AnotherOneTakesOverAtOnce) {
  const Deadline before = group_.now(2).steady;
  ASSERT_NO_FATAL_FAILURE(FailASync());
  const Sequence last = replica(1).protocol().last().sequence;
  EXPECT_EQ(told_, Reason::kOutcomeUnknown);
  EXPECT_EQ(group_.CountOnTheWay<PromoteNow>(), 1u);
  ASSERT_NO_FATAL_FAILURE(
      group_.RunUntil([this] { return group_.Primary() != 0; }));
  EXPECT_EQ(replica(1).status().successor, ReplicaId(group_.Primary()));
  EXPECT_LE(group_.now(2).steady - before, 2 * Replica::kTick);
  // The others have it, and that is enough.
  EXPECT_GT(replica(group_.Primary()).status().commit.sequence, last);
  EXPECT_LT(replica(1).status().commit.sequence, last);
}

TEST_F(FailedDiskTest, ItIsSaidOnce) {
  ASSERT_NO_FATAL_FAILURE(FailASync());
  replica(1).Halt(absl::DataLossError("another fault"));
  EXPECT_EQ(group_.CountOnTheWay<PromoteNow>(), 1u);
  EXPECT_FALSE(absl::IsDataLoss(replica(1).status().fault));
}

TEST_F(FailedDiskTest, AStandbyThatHaltsNamesNobody) {
  replica(2).Halt(absl::DataLossError("a fault"));
  EXPECT_EQ(group_.CountOnTheWay<PromoteNow>(), 0u);
  EXPECT_EQ(replica(2).status().role, Role::kHalted);
  EXPECT_EQ(replica(2).status().successor, ReplicaId(0));
}

// It has handed over before, or has found a reason not to.
TEST_F(FailedDiskTest, AProcessThatEndsNamesNobody) {
  replica(1).End();
  EXPECT_EQ(group_.CountOnTheWay<PromoteNow>(), 0u);
  EXPECT_EQ(replica(1).status().role, Role::kHalted);
}

}  // namespace
}  // namespace ledgerd::replication
