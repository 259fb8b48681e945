// Runs simulations by seed, and says what happened in them.
//
//   bazel run //tests/sim:simulate -- --seeds=3000 --seed=1
//
// Exits with 1 at the first seed that is not right, after the command that
// replays it.
#include <chrono>
#include <cstdint>
#include <ctime>
#include <iomanip>
#include <iostream>
#include <ostream>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"

#include "tests/sim/simulation.h"

ABSL_FLAG(uint64_t, seed, 1, "the first seed");
ABSL_FLAG(uint64_t, seeds, 1, "how many seeds");
ABSL_FLAG(bool, count, false, "say each seed before it is run");
ABSL_FLAG(bool, story, false, "tell all that happens");
ABSL_FLAG(uint64_t, again_every, 10, "every so many seeds are run twice");
ABSL_FLAG(uint32_t, mutation, 0, "tests/sim/mutation.h");
#ifdef LEDGERD_WEAKENED
#include "replication/core/weakened.h"
ABSL_FLAG(uint32_t, weaken, 0, "replication/core/weakened.h");
#endif

namespace ledgerd::sim {
namespace {

constexpr double kSecondsAnHour = 3600;
constexpr double kSecondsAMinute = 60;
// Of TigerBeetle's simulator, built and run on a machine like ours.
constexpr double kHoursToBeat = 21;

class Runner {
 public:
  // False when the seed is not right.
  bool Run(uint64_t seed) {
    const Plan plan = MakePlan(seed);
    const auto mutation = static_cast<Mutation>(absl::GetFlag(FLAGS_mutation));
    std::ostream* const story =
        absl::GetFlag(FLAGS_story) ? &std::cout : nullptr;
    const Outcome outcome = Simulation(plan, mutation, story).Run();
    counts_.Add(outcome.counts);
    simulated_ += outcome.simulated;
    ++runs_;
    for (const auto& [name, count] : outcome.counts.all()) seeds_.Add(name);
    if (!outcome.violation.empty()) {
      return Fail(plan, outcome.violation);
    }
    const uint64_t every = absl::GetFlag(FLAGS_again_every);
    if (every == 0 || seed % every != 0) return true;
    const Outcome again = Simulation(plan, mutation).Run();
    if (again.trace != outcome.trace) {
      return Fail(plan, "the same seed has run in another way");
    }
    simulated_ += again.simulated;
    ++repeated_;
    return true;
  }

  void Report() const {
    const double cpu = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
    const double hours =
        std::chrono::duration<double>(simulated_).count() / kSecondsAnHour;
    std::cout << runs_ << " seeds, " << repeated_ << " of them twice; "
              << std::fixed << std::setprecision(2) << hours
              << " simulated hours, " << cpu
              << " s of CPU: " << hours / (cpu / kSecondsAMinute)
              << " hours a CPU-minute (to beat: " << kHoursToBeat << ")\n"
              << std::setprecision(0);
    for (const auto& [name, count] : counts_.all()) {
      const double share = 100 * static_cast<double>(seeds_.Of(name)) /
                           static_cast<double>(runs_);
      std::cout << std::setw(10) << count << " " << name << ", in " << share
                << " % of the seeds\n";
    }
  }

 private:
  static bool Fail(const Plan& plan, const std::string& why) {
    std::cout << "seed " << plan.seed << " (" << ShapeOf(plan) << "): " << why
              << "\nreplay: bazel run //tests/sim:simulate -- --seeds=1 --seed="
              << plan.seed << "\n";
    return false;
  }

  Counts counts_;
  // In how many seeds each happened.
  Counts seeds_;
  microseconds simulated_{};
  uint64_t runs_ = 0;
  uint64_t repeated_ = 0;
};

int RunAll() {
#ifdef LEDGERD_WEAKENED
  replication::WeakenedRule() =
      static_cast<replication::Rule>(absl::GetFlag(FLAGS_weaken));
#endif
  Runner runner;
  const uint64_t first = absl::GetFlag(FLAGS_seed);
  const uint64_t seeds = absl::GetFlag(FLAGS_seeds);
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    // A check that fails ends the process: it must be known where.
    if (absl::GetFlag(FLAGS_count)) std::cout << "begins " << seed << std::endl;
    if (!runner.Run(seed)) return 1;
  }
  runner.Report();
  return 0;
}

}  // namespace
}  // namespace ledgerd::sim

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return ledgerd::sim::RunAll();
}
