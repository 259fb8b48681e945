// Runs one phase of a load and measures what it takes.
//
//   const Measurement m = Measure(pid, run, [&] { return DriveCalls(t, run);
//   }); m.Rate();
//
// Shape    From the first request to the last answer. Once a second a sample is
//          taken, so that what changes during the phase can be seen.
#ifndef LEDGERD_TESTS_BENCH_MEASUREMENT_H_
#define LEDGERD_TESTS_BENCH_MEASUREMENT_H_

#include <functional>
#include <optional>
#include <vector>

#include "tests/bench/lane.h"
#include "tests/bench/process_stats.h"

namespace ledgerd::bench {

struct Sample {
  double at_seconds = 0;
  // Transfers since the sample before it.
  uint64_t executed = 0;
  uint64_t refused = 0;
  uint64_t resident_bytes = 0;
};

struct Measurement {
  LaneCounts counts;
  double seconds = 0;
  double client_cpu_seconds = 0;
  // The daemon's, if it is known.
  ProcessStats before;
  ProcessStats after;
  std::vector<Sample> samples;

  // Transfers a second.
  double Rate() const { return static_cast<double>(counts.executed) / seconds; }

  // `amount`, for each transfer executed.
  double PerTransfer(double amount) const {
    return amount / static_cast<double>(std::max<uint64_t>(1, counts.executed));
  }
};

// Without a pid nothing is known of the daemon.
Measurement Measure(std::optional<pid_t> pid, Run& run,
                    const std::function<LaneCounts()>& drive);

// Waits until the process rests (two minutes at most), and reads its figures.
ProcessStats WaitUntilIdle(pid_t pid);

}  // namespace ledgerd::bench

#endif  // LEDGERD_TESTS_BENCH_MEASUREMENT_H_
