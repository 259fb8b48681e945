#include "server/histogram.h"

#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace ledgerd::server {
namespace {

constexpr uint64_t kBounds[] = {10, 100};

TEST(HistogramTest, AValueIsCountedAtTheFirstBoundThatItDoesNotExceed) {
  Histogram histogram(kBounds);
  for (const uint64_t value : {0, 10, 11, 100, 101, 5'000}) {
    histogram.Add(value);
  }
  const Histogram::Counts counts = histogram.Get();
  EXPECT_EQ(counts.values[0], 2u);
  EXPECT_EQ(counts.values[1], 2u);
  EXPECT_EQ(counts.values[2], 2u) << "those above all bounds";
  EXPECT_EQ(counts.values[3], 0u);
  EXPECT_EQ(counts.sum, 5'222u);
}

TEST(HistogramTest, NothingIsLostBetweenThreads) {
  constexpr uint64_t kEach = 10'000;
  Histogram histogram(kBounds);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&histogram] {
      for (uint64_t n = 0; n < kEach; ++n) histogram.Add(50);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(histogram.Get().values[1], 4 * kEach);
  EXPECT_EQ(histogram.Get().sum, 4 * kEach * 50);
}

}  // namespace
}  // namespace ledgerd::server
