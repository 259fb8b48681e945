// How far behind a standby's state may be.
#include "replication/staleness.h"

#include <chrono>

#include "gtest/gtest.h"

namespace ledgerd::replication {
namespace {

using std::chrono::milliseconds;

class StalenessTest : public testing::Test {
 protected:
  void Hear(uint64_t epoch, uint64_t round, uint64_t completed,
            uint64_t answered, milliseconds sent, milliseconds heard) {
    Heartbeat heartbeat;
    heartbeat.round = Round(round);
    heartbeat.completed = Round(completed);
    heartbeat.answered_through = Sequence(answered);
    heartbeat.wall = Wall(sent);
    staleness_.OnHeartbeat(Epoch(epoch), heartbeat,
                           Staleness::SteadyTime(heard));
  }

  bool IsWithin(milliseconds max, uint64_t applied, milliseconds now) const {
    return staleness_.IsWithin(max, Sequence(applied), Wall(now),
                               Staleness::SteadyTime(now));
  }

  static Timestamp Wall(milliseconds since) {
    return Timestamp(
        static_cast<uint64_t>(std::chrono::nanoseconds(since).count()));
  }

  Staleness staleness_;
};

TEST_F(StalenessTest, NothingHeardIsTooStale) {
  EXPECT_FALSE(IsWithin(milliseconds(100'000), 5, milliseconds(0)));
}

TEST_F(StalenessTest, AHeartbeatCountsOnceItsRoundIsCompleted) {
  Hear(1, 1, 0, 5, milliseconds(100), milliseconds(100));
  EXPECT_FALSE(IsWithin(milliseconds(1'000), 5, milliseconds(110)));
  Hear(1, 2, 1, 7, milliseconds(150), milliseconds(150));
  EXPECT_TRUE(IsWithin(milliseconds(60), 5, milliseconds(150)));
  EXPECT_FALSE(IsWithin(milliseconds(59), 5, milliseconds(150)));
}

TEST_F(StalenessTest, WhatIsNotAppliedIsMissing) {
  Hear(1, 1, 1, 5, milliseconds(100), milliseconds(100));
  Hear(1, 2, 2, 9, milliseconds(150), milliseconds(150));
  EXPECT_FALSE(IsWithin(milliseconds(1'000), 4, milliseconds(150)));
  // As of the first one.
  EXPECT_FALSE(IsWithin(milliseconds(50), 8, milliseconds(150)));
  EXPECT_TRUE(IsWithin(milliseconds(60), 8, milliseconds(150)));
  EXPECT_TRUE(IsWithin(milliseconds(10), 9, milliseconds(150)));
}

TEST_F(StalenessTest, ALateMessageIsAsOldAsItSays) {
  Hear(1, 1, 1, 5, milliseconds(100), milliseconds(900));
  EXPECT_FALSE(IsWithin(milliseconds(800), 5, milliseconds(900)));
  EXPECT_TRUE(IsWithin(milliseconds(810), 5, milliseconds(900)));
}

TEST_F(StalenessTest, ANewEpochBeginsAnew) {
  Hear(1, 8, 7, 5, milliseconds(100), milliseconds(100));
  Hear(1, 9, 8, 5, milliseconds(110), milliseconds(110));
  EXPECT_TRUE(IsWithin(milliseconds(50), 5, milliseconds(110)));
  Hear(2, 1, 0, 6, milliseconds(120), milliseconds(120));
  EXPECT_FALSE(IsWithin(milliseconds(50), 6, milliseconds(120)));
  // Of the epoch before: counts for nothing.
  Hear(1, 10, 9, 5, milliseconds(125), milliseconds(125));
  EXPECT_FALSE(IsWithin(milliseconds(50), 6, milliseconds(130)));
  Hear(2, 2, 1, 6, milliseconds(130), milliseconds(130));
  EXPECT_TRUE(IsWithin(milliseconds(20), 6, milliseconds(130)));
}

}  // namespace
}  // namespace ledgerd::replication
