#include "client/bench/requests.h"

#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace ledgerd::bench {
namespace {

// What one lane is given, to the end.
std::vector<Request> Drain(RequestSource& source) {
  RequestCursor cursor(source);
  std::vector<Request> requests;
  while (const auto request = cursor.Next()) requests.push_back(*request);
  return requests;
}

TEST(RequestsTest, EveryNumberOnce) {
  const Workload workload({.batch = 10});
  RequestSource source(workload, 50, {.transfers = 35});
  const auto requests = Drain(source);
  ASSERT_EQ(requests.size(), 4);  // Whole requests: 40.
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(requests[i].first, 50 + 10 * i);
    EXPECT_EQ(requests[i].count, 10);
  }
  EXPECT_EQ(source.end(), 90);
}

TEST(RequestsTest, ManyLanesShareTheNumbers) {
  const Workload workload({.batch = 3});
  constexpr uint64_t kCount = 30'000;
  RequestSource source(workload, 0, {.transfers = kCount});
  std::vector<std::vector<Request>> lanes(4);
  std::vector<std::thread> threads;
  threads.reserve(lanes.size());
  for (auto& lane : lanes) {
    threads.emplace_back([&] { lane = Drain(source); });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<int> seen(kCount);
  for (const auto& lane : lanes) {
    for (const Request& request : lane) ++seen.at(request.first);
  }
  for (uint64_t i = 0; i < kCount; ++i) EXPECT_EQ(seen[i], i % 3 == 0 ? 1 : 0);
  EXPECT_EQ(source.end(), kCount);
}

TEST(RequestsTest, APairStaysOnItsLane) {
  const Workload workload({.two_phase_percent = 100, .batch = 1});
  RequestSource source(workload, 0, {.transfers = 4});
  RequestCursor one(source);
  RequestCursor two(source);
  EXPECT_EQ(one.Next()->first, 0);
  EXPECT_EQ(two.Next()->first, 2);
  EXPECT_EQ(one.Next()->first, 1);
  const auto rest = two.Skip();
  ASSERT_TRUE(rest.has_value());
  EXPECT_EQ(rest->first, 3);
  EXPECT_EQ(rest->count, 1);
  EXPECT_FALSE(one.Next().has_value());
  EXPECT_FALSE(two.Next().has_value());
}

TEST(RequestsTest, LargerRequestsHoldWholeBlocks) {
  const Workload workload({.two_phase_percent = 50, .batch = 1});
  RequestSource source(workload, 0, {.transfers = 8190, .batch = 8190});
  const auto requests = Drain(source);
  ASSERT_EQ(requests.size(), 1);
  EXPECT_EQ(requests[0].count, 8190);
}

TEST(RequestsTest, WithARateRequestsAreDueOneByOne) {
  const Workload workload({.batch = 10});
  RequestSource source(workload, 0, {.transfers = 30, .rate = 1000});
  const auto requests = Drain(source);
  ASSERT_EQ(requests.size(), 3);
  EXPECT_EQ(requests[1].due - requests[0].due, std::chrono::milliseconds(10));
  EXPECT_EQ(requests[2].due - requests[1].due, std::chrono::milliseconds(10));
}

TEST(RequestsTest, NothingAfterItsTime) {
  const Workload workload({.batch = 1});
  RequestSource source(workload, 0, {.duration = std::chrono::milliseconds(0)});
  EXPECT_FALSE(source.NextBlock().has_value());
}

TEST(RequestsTest, TheFirstErrorIsKeptAndRefusalsAreNoErrors) {
  Outcomes outcomes;
  outcomes.Add({.first = 4, .count = 2}, Ending::kRefused, "full");
  outcomes.Add({.first = 6, .count = 2}, Ending::kUnknown, "lost");
  outcomes.Add({.first = 8, .count = 2}, Ending::kFailed, "bad");
  EXPECT_EQ(outcomes.first_error(), "lost");
  ASSERT_EQ(outcomes.exceptions().size(), 3);
  EXPECT_EQ(outcomes.exceptions()[1].first, 6);
  EXPECT_EQ(outcomes.exceptions()[1].ending, Ending::kUnknown);
}

}  // namespace
}  // namespace ledgerd::bench
