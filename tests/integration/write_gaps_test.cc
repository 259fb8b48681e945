#include "tests/integration/write_gaps.h"

#include "gtest/gtest.h"

namespace ledgerd::integration {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int64_t kMs = 1'000'000;

// A write that was answered so many milliseconds after the clock's beginning.
Exchange Write(int64_t answered_ms) {
  Exchange exchange;
  exchange.transfers.resize(1);
  exchange.end = answered_ms * kMs;
  exchange.ending.outcome = Outcome::kAnswered;
  return exchange;
}

steady_clock::time_point At(int64_t ms) {
  return steady_clock::time_point(milliseconds(ms));
}

std::vector<int64_t> Gaps(const std::deque<Exchange>& exchanges,
                          std::vector<steady_clock::time_point> moments) {
  std::vector<int64_t> gaps;
  for (const milliseconds gap : WriteGaps(exchanges, moments)) {
    gaps.push_back(gap.count());
  }
  return gaps;
}

using Ms = std::vector<int64_t>;

TEST(WriteGapsTest, AGapIsFromTheLastAnswerToTheNext) {
  const std::deque<Exchange> history = {Write(10), Write(20), Write(320),
                                        Write(325)};
  EXPECT_EQ(Gaps(history, {At(25)}), Ms({300}));
  EXPECT_EQ(Gaps(history, {At(15)}), Ms({300}));
  EXPECT_EQ(Gaps(history, {At(321)}), Ms({5}));
}

TEST(WriteGapsTest, AnswersInAnyOrderOfAsking) {
  EXPECT_EQ(Gaps({Write(320), Write(20), Write(10)}, {At(15)}), Ms({300}));
}

TEST(WriteGapsTest, EachMomentHasItsOwn) {
  const std::deque<Exchange> history = {Write(10), Write(110), Write(120),
                                        Write(320), Write(330)};
  EXPECT_EQ(Gaps(history, {At(50), At(200)}), Ms({100, 200}));
}

TEST(WriteGapsTest, TwoMomentsMayBeInOne) {
  EXPECT_EQ(Gaps({Write(10), Write(310)}, {At(50), At(200)}), Ms({300, 300}));
}

TEST(WriteGapsTest, OnlyAnswersToWritesEndOne) {
  Exchange read = Write(30);
  read.transfers.clear();
  read.asked.resize(1);
  Exchange unknown = Write(40);
  unknown.ending.outcome = Outcome::kUnknown;
  EXPECT_EQ(Gaps({Write(10), read, unknown, Write(110)}, {At(20)}), Ms({100}));
}

TEST(WriteGapsTest, OneThatNeverEndsIsEndless) {
  EXPECT_GT(Gaps({Write(10)}, {At(20)})[0], 1'000'000);
  EXPECT_GT(Gaps({Write(10), Write(30)}, {At(20), At(40)})[1], 1'000'000);
}

TEST(PercentileTest, IsOneOfTheValues) {
  std::vector<milliseconds> values;
  for (int i = 100; i > 0; --i) values.emplace_back(i);
  EXPECT_EQ(Percentile(values, 50).count(), 50);
  EXPECT_EQ(Percentile(values, 99).count(), 99);
  EXPECT_EQ(Percentile(values, 100).count(), 100);
  EXPECT_EQ(Percentile({milliseconds(7)}, 50).count(), 7);
  EXPECT_EQ(Spread({milliseconds(7), milliseconds(3)}), "7 3 (p50 3, p99 7)");
}

}  // namespace
}  // namespace ledgerd::integration
