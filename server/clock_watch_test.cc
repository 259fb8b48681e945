#include "server/clock_watch.h"

#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace ledgerd::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ClockWatchTest : public ::testing::Test {
 protected:
  // A heartbeat every half a second, for so long; `ahead` is how far this
  // clock is ahead of the primary's.
  void Hear(seconds length, milliseconds ahead, uint64_t primary = 1) {
    const auto end = steady_ + length;
    for (; steady_ < end; steady_ += milliseconds(500)) {
      HearOne(ahead, primary);
    }
  }

  void HearOne(milliseconds ahead, uint64_t primary = 1) {
    constexpr uint64_t kSent = 1'800'000'000 * kNanosPerSecond;
    const std::chrono::nanoseconds by(ahead);
    watch_.Note(ReplicaId(primary), Timestamp(kSent),
                Timestamp(kSent + static_cast<uint64_t>(by.count())), steady_);
  }

  bool Said(const std::string& words) const {
    for (const std::string& line : lines_) {
      if (line.find(words) != std::string::npos) return true;
    }
    return false;
  }

  std::vector<std::string> lines_;
  Logger logger_{LogLevel::kInfo, LogFormat::kText,
                 [this](absl::string_view line) { lines_.emplace_back(line); }};
  ClockWatch watch_{logger_};
  ClockWatch::SteadyTime steady_{seconds(1'000)};
};

TEST_F(ClockWatchTest, ClocksThatAgreeAreNoNews) {
  Hear(seconds(60), milliseconds(2));
  EXPECT_TRUE(lines_.empty());
}

TEST_F(ClockWatchTest, WhoIsAheadOrBehindIsSaidOnceInAWhile) {
  Hear(seconds(60), milliseconds(3'000));
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_TRUE(Said("clocks differ primary_id=1 ahead_ms=3000")) << lines_[0];
  Hear(ClockWatch::kSayAgain, milliseconds(3'000));
  EXPECT_EQ(lines_.size(), 2u);
  Hear(seconds(20), milliseconds(-10));
  EXPECT_EQ(lines_.size(), 3u);
  EXPECT_TRUE(Said("clocks agree again"));
  Hear(seconds(20), milliseconds(-600));
  EXPECT_TRUE(Said("ahead_ms=-600"));
}

TEST_F(ClockWatchTest, AHeartbeatThatIsLateIsNotADifference) {
  for (int i = 0; i < 10; ++i) {
    Hear(seconds(1), milliseconds(8'000));
    HearOne(milliseconds(3));
    steady_ += seconds(1);
  }
  // Nothing was heard for a while, and then much of it at once.
  steady_ += seconds(60);
  for (int i = 0; i < 100; ++i) HearOne(milliseconds(60'000));
  HearOne(milliseconds(1));
  Hear(seconds(20), milliseconds(1));
  EXPECT_TRUE(lines_.empty()) << lines_[0];
}

// As of a primary that was cut off and is the primary again.
TEST_F(ClockWatchTest, WhatWasHeardBeforeALongSilenceDoesNotCount) {
  HearOne(milliseconds(2'800));
  steady_ += seconds(60);
  Hear(seconds(20), milliseconds(1));
  EXPECT_TRUE(lines_.empty()) << lines_[0];
}

TEST_F(ClockWatchTest, AnotherPrimaryHasAnotherClock) {
  Hear(seconds(4), milliseconds(9'000), 1);
  Hear(seconds(60), milliseconds(0), 2);
  EXPECT_TRUE(lines_.empty()) << lines_[0];
}

TEST_F(ClockWatchTest, AClockBehindTheJournalIsSaid) {
  CompareWithJournal(Timestamp(5'000'000'000), Timestamp(5'000'000'001),
                     logger_);
  CompareWithJournal(Timestamp(5'400'000'000), Timestamp(5'000'000'000),
                     logger_);
  EXPECT_TRUE(lines_.empty());
  CompareWithJournal(Timestamp(7'000'000'000), Timestamp(5'000'000'000),
                     logger_);
  EXPECT_TRUE(Said("the clock is behind the journal behind_ms=2000"));
}

TEST_F(ClockWatchTest, TheDifferenceIsKnownWhileItLasts) {
  Hear(seconds(20), milliseconds(2));
  EXPECT_EQ(watch_.Difference(ReplicaId(1)), std::nullopt);
  Hear(seconds(20), milliseconds(-600));
  EXPECT_EQ(watch_.Difference(ReplicaId(1)), milliseconds(-600));
  EXPECT_EQ(watch_.Difference(ReplicaId(2)), std::nullopt);
  Hear(seconds(20), milliseconds(2));
  EXPECT_EQ(watch_.Difference(ReplicaId(1)), std::nullopt);
  Hear(seconds(20), milliseconds(3'000));
  HearOne(milliseconds(3'000), /*primary=*/2);
  EXPECT_EQ(watch_.Difference(ReplicaId(2)), std::nullopt)
      << "nothing is measured yet";
}

}  // namespace
}  // namespace ledgerd::server
