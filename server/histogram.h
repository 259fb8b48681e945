// A Histogram counts values by their size, for Prometheus.
//
//   constexpr uint64_t kBounds[] = {1, 10, 100};
//   Histogram sizes(kBounds);
//   sizes.Add(7);
//   Histogram::Counts counts = sizes.Get();   // {0, 1, 0, 0}, sum 7
//
// Cost     Add: a look at the bounds and two additions; no lock.
// Threads  Any. Get may see a value among the counts and not in the sum yet.
#ifndef LEDGERD_SERVER_HISTOGRAM_H_
#define LEDGERD_SERVER_HISTOGRAM_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"

#include "proto/base/check.h"

namespace ledgerd::server {

class Histogram {
 public:
  static constexpr size_t kBoundsMax = 16;

  struct Counts {
    // Values of at most the bound at the same place and above the one before
    // it; then those above all bounds; then nothing.
    std::array<uint64_t, kBoundsMax + 1> values = {};
    uint64_t sum = 0;
  };

  // `bounds` ascend, and outlive it.
  explicit Histogram(absl::Span<const uint64_t> bounds) : bounds_(bounds) {
    LEDGERD_CHECK(bounds.size() <= kBoundsMax);
  }

  void Add(uint64_t value) {
    const auto* const bound =
        std::lower_bound(bounds_.begin(), bounds_.end(), value);
    const auto at = static_cast<size_t>(bound - bounds_.begin());
    values_[at].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }

  Counts Get() const {
    Counts counts;
    for (size_t i = 0; i < values_.size(); ++i) {
      counts.values[i] = values_[i].load(std::memory_order_relaxed);
    }
    counts.sum = sum_.load(std::memory_order_relaxed);
    return counts;
  }

  absl::Span<const uint64_t> bounds() const { return bounds_; }

 private:
  const absl::Span<const uint64_t> bounds_;
  std::array<std::atomic<uint64_t>, kBoundsMax + 1> values_ = {};
  std::atomic<uint64_t> sum_ = 0;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_HISTOGRAM_H_
