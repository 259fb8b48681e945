// How long clients saw no write go through, as a history tells it.
//
//   const std::vector<milliseconds> gaps =
//       WriteGaps(history.exchanges(), kills);
//   std::cout << "ms without a write: " << Spread(gaps) << "\n";
//   EXPECT_LE(Percentile(gaps, 50).count(), 300);
//
// Shape    A gap is the time between one answer to a write and the next, of any
//          client's: what nobody was answered in. For each moment it is the
//          longest one that ends between it and the next moment, or the one
//          that both are in.
// Units    Moments are of the steady clock.
#ifndef LEDGERD_TESTS_INTEGRATION_WRITE_GAPS_H_
#define LEDGERD_TESTS_INTEGRATION_WRITE_GAPS_H_

#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include "tests/integration/history.h"

namespace ledgerd::integration {

// One for each of `moments`, which ascend. A gap that never ended is as long as
// the clock goes.
std::vector<std::chrono::milliseconds> WriteGaps(
    const std::deque<Exchange>& exchanges,
    const std::vector<std::chrono::steady_clock::time_point>& moments);

// The smallest of `values` that `percent` of them do not exceed.
// Requires: some.
std::chrono::milliseconds Percentile(
    std::vector<std::chrono::milliseconds> values, size_t percent);

// "12 8 231 (p50 12, p99 231)"
std::string Spread(const std::vector<std::chrono::milliseconds>& values);

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_WRITE_GAPS_H_
