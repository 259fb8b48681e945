// What a tick says of its replica, and what the group makes of it: that it is
// late, and that the state still replays the journal.
#include <chrono>
#include <cstdint>

#include "gtest/gtest.h"

#include "replication/small_group.h"

namespace ledgerd::replication {
namespace {

class TickTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(group_.MakeOnePrimary()); }

  void Create(uint64_t id) {
    bool done = false;
    group_.Create(id, [&done](const absl::StatusOr<EntryResult>& result) {
      EXPECT_TRUE(result.ok()) << result.status();
      done = true;
    });
    ASSERT_NO_FATAL_FAILURE(group_.RunUntil([&done] { return done; }));
  }

  // As the primary knows it.
  bool IsReplaying(uint64_t id) {
    for (const PeerStatus& peer : group_.replica(1).status().peers) {
      if (peer.id == ReplicaId(id)) return peer.replaying;
    }
    return false;
  }

  bool HasApplied(uint64_t id) {
    return group_.replica(id).status().applied ==
           group_.replica(1).status().journal_last;
  }

  SmallGroup group_;
};

// A thread that was busy for longer than the time of a heartbeat.
TEST_F(TickTest, AHeartbeatIsDueByTimeAlsoWhenTicksAreLate) {
  group_.Tick(1, Replica::kTick);
  const Timing timing;
  for (int i = 0; i < 3; ++i) {
    const size_t before = group_.CountOnTheWay<Heartbeat>();
    group_.Tick(1, timing.heartbeat_ticks * Replica::kTick);
    EXPECT_EQ(group_.CountOnTheWay<Heartbeat>(), before + 2);
  }
}

// It heard nothing since it did not listen.
TEST_F(TickTest, ALateTickIsNobodysSilence) {
  for (int i = 0; i < 3; ++i) {
    group_.Tick(2, std::chrono::seconds(10));
    group_.Tick(1, std::chrono::seconds(10));
  }
  EXPECT_EQ(group_.CountOnTheWay<WouldYouLeave>(), 0u);
  EXPECT_EQ(group_.replica(1).status().role, Role::kPrimary);
}

TEST_F(TickTest, ThePrimaryIsToldWhoReplays) {
  Create(1);
  ASSERT_NO_FATAL_FAILURE(group_.RunUntil([this] { return HasApplied(3); }));
  EXPECT_FALSE(IsReplaying(3));
  group_.Restart(3);
  ASSERT_NO_FATAL_FAILURE(group_.RunUntil([this] { return IsReplaying(3); }));
  // It takes what is new, and answers, but has nothing applied.
  Create(2);
  EXPECT_FALSE(HasApplied(3));
  group_.ReadBack(3);
  ASSERT_NO_FATAL_FAILURE(group_.RunUntil([this] { return !IsReplaying(3); }));
  ASSERT_NO_FATAL_FAILURE(group_.RunUntil([this] { return HasApplied(3); }));
}

}  // namespace
}  // namespace ledgerd::replication
