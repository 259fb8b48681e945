// Runs one phase of a load and measures what it takes.
//
//   const Measurement m = Measure(pids, run, [&] { return DriveCalls(t, run);
//   }); m.Rate();
//
// Shape    From the first request to the last answer. Once a second a sample is
//          taken, so that what changes during the phase can be seen.
#ifndef LEDGERD_TESTS_BENCH_MEASUREMENT_H_
#define LEDGERD_TESTS_BENCH_MEASUREMENT_H_

#include <functional>
#include <vector>

#include "client/bench/lane.h"
#include "tests/bench/process_stats.h"

namespace ledgerd::bench {

struct Sample {
  double at_seconds = 0;
  // Transfers since the sample before it.
  uint64_t executed = 0;
  uint64_t refused = 0;
  // Of the first daemon.
  uint64_t resident_bytes = 0;
};

// What one daemon used.
struct DaemonUse {
  ProcessStats before;
  ProcessStats after;

  double cpu_seconds() const { return after.cpu_seconds - before.cpu_seconds; }

  double written_bytes() const {
    return static_cast<double>(after.written_bytes - before.written_bytes);
  }
};

struct Measurement {
  LaneCounts counts;
  double seconds = 0;
  double client_cpu_seconds = 0;
  // As they were given; none when nothing is known of them.
  std::vector<DaemonUse> daemons;
  std::vector<Sample> samples;

  // Transfers a second.
  double Rate() const { return static_cast<double>(counts.executed) / seconds; }

  // `amount`, for each transfer executed.
  double PerTransfer(double amount) const {
    return amount / static_cast<double>(std::max<uint64_t>(1, counts.executed));
  }
};

Measurement Measure(const std::vector<pid_t>& daemons, Run& run,
                    const std::function<LaneCounts()>& drive);

// Waits until all of them rest (two minutes at most), and reads their figures.
std::vector<ProcessStats> WaitUntilIdle(const std::vector<pid_t>& pids);

}  // namespace ledgerd::bench

#endif  // LEDGERD_TESTS_BENCH_MEASUREMENT_H_
