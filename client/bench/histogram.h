// A Histogram counts latencies, with every percentile known to within 1 %.
//
//   Histogram latencies;
//   latencies.Add(std::chrono::microseconds(870));
//   latencies.Percentile(99.9);
//
// Shape    Buckets as HdrHistogram has them: 128 linear ones for each doubling,
//          so a bucket is less than 1 % of what it holds. The maximum is exact.
// Units    Nanoseconds; one of more than 2^40 (18 minutes) counts as that long.
// Threads  Not thread-safe: one a lane, merged in the end.
#ifndef LEDGERD_CLIENT_BENCH_HISTOGRAM_H_
#define LEDGERD_CLIENT_BENCH_HISTOGRAM_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ledgerd::bench {

class Histogram {
 public:
  using Duration = std::chrono::nanoseconds;

  Histogram();

  void Add(Duration value);
  void Merge(const Histogram& other);

  // The least value that `percent` of all are not above; 0 when there are none.
  Duration Percentile(double percent) const;

  Duration max() const { return max_; }

  Duration mean() const;

  uint64_t count() const { return count_; }

 private:
  std::vector<uint32_t> buckets_;
  uint64_t count_ = 0;
  double sum_ = 0;
  Duration max_{0};
};

}  // namespace ledgerd::bench

#endif  // LEDGERD_CLIENT_BENCH_HISTOGRAM_H_
