#include "client/bench/histogram.h"

#include <chrono>

#include "gtest/gtest.h"

namespace ledgerd::bench {
namespace {

using std::chrono::nanoseconds;

TEST(HistogramTest, EmptyIsZero) {
  const Histogram none;
  EXPECT_EQ(none.count(), 0);
  EXPECT_EQ(none.Percentile(50), nanoseconds(0));
  EXPECT_EQ(none.mean(), nanoseconds(0));
}

TEST(HistogramTest, PercentilesAreWithinOnePercent) {
  Histogram values;
  constexpr int kValues = 100'000;
  for (int i = 1; i <= kValues; ++i) values.Add(nanoseconds(i * 1000));
  for (const double percent : {1.0, 50.0, 90.0, 99.0, 99.9}) {
    const double expected = percent / 100 * kValues * 1000;
    const auto found = static_cast<double>(values.Percentile(percent).count());
    EXPECT_GE(found, expected) << percent;
    EXPECT_LE(found, expected * 1.01) << percent;
  }
  EXPECT_EQ(values.Percentile(100), values.max());
  EXPECT_EQ(values.max(), nanoseconds(kValues * 1000));
  EXPECT_EQ(values.mean(), nanoseconds(50'000'500));
}

TEST(HistogramTest, OneOutlierIsTheMaximumAndNotTheMedian) {
  Histogram values;
  for (int i = 0; i < 999; ++i) values.Add(nanoseconds(100));
  values.Add(std::chrono::seconds(3));
  EXPECT_EQ(values.Percentile(50), nanoseconds(100));
  EXPECT_EQ(values.Percentile(99.9), nanoseconds(100));
  EXPECT_EQ(values.Percentile(99.95), std::chrono::seconds(3));
}

TEST(HistogramTest, MergedIsAsIfCountedInOne) {
  Histogram one;
  Histogram two;
  Histogram both;
  for (int i = 0; i < 1000; ++i) {
    const nanoseconds value(i * i * 17);
    (i % 3 == 0 ? one : two).Add(value);
    both.Add(value);
  }
  one.Merge(two);
  EXPECT_EQ(one.count(), both.count());
  EXPECT_EQ(one.max(), both.max());
  for (const double percent : {0.1, 33.0, 50.0, 99.0}) {
    EXPECT_EQ(one.Percentile(percent), both.Percentile(percent));
  }
}

TEST(HistogramTest, WhatIsTooLongCountsAsTheLongest) {
  Histogram values;
  values.Add(std::chrono::hours(10));
  EXPECT_EQ(values.max(), std::chrono::hours(10));
  EXPECT_EQ(values.Percentile(100), std::chrono::nanoseconds((1LL << 40) - 1));
}

}  // namespace
}  // namespace ledgerd::bench
