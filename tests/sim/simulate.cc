// Runs simulations by seed, and says what happened in them.
//
//   bazel run //tests/sim:simulate -- --seeds=3000 --seed=1
//
// Exits with 1 at the first seed that is not right, after the command that
// replays it; or when of many seeds some fault has happened in none. With
// --profile it passes over seeds of others.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <ostream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "tests/sim/simulation.h"

ABSL_FLAG(uint64_t, seed, 1, "the first seed");
ABSL_FLAG(uint64_t, seeds, 1, "how many seeds");
ABSL_FLAG(std::string, profile, "",
          "only seeds of this one of tests/sim/plan.h");
ABSL_FLAG(bool, count, false, "say each seed before it is run");
ABSL_FLAG(bool, story, false, "tell all that happens");
ABSL_FLAG(uint64_t, again_every, 10, "every so many seeds are run twice");
ABSL_FLAG(std::string, seeds_file, "",
          "these, too, and first: a seed in each line that begins with one");
ABSL_FLAG(uint32_t, mutation, 0, "tests/sim/mutation.h");
#ifdef LEDGERD_WEAKENED
#include "proto/base/check.h"
#include "replication/core/weakened.h"
ABSL_FLAG(std::vector<std::string>, weaken, {},
          "numbers of replication/core/weakened.h");
#endif

namespace ledgerd::sim {
namespace {

constexpr double kSecondsAnHour = 3600;
constexpr double kSecondsAMinute = 60;
// Of TigerBeetle's simulator, built and run on a machine like ours.
constexpr double kHoursToBeat = 21;

// What must have happened in so many seeds, or the simulation does not test any
// more what it should: in a tenth of the seeds it does...
constexpr uint64_t kSeedsForFrequent = 90;
constexpr absl::string_view kFrequent[] = {
    "answer withheld",
    "checkpoint installed",
    "clock drift",
    "clock jump",
    "crash",
    "crash in a write",
    "disk lost",
    "failed sync",
    "membership changed",
    "message ambushed",
    "message doubled",
    "message late",
    "message lost",
    "one way cut",
    "partition",
    "pause",
    "power cut",
    "power cut everywhere",
    "primary ambushed",
    "primary frozen",
    "promotion",
    "slow disk",
    "successor named",
};
// ...and in a hundredth.
constexpr uint64_t kSeedsForRare = 1000;
constexpr absl::string_view kRare[] = {
    "deaf primary, and a bridge",
    "damage without the atlas",
    "disk replaced",
    "flapping partition",
    "forced promotion",
    "full disk",
    "halted, with no majority left",
    "misdirected write",
    "old disk",
    "old disk, and no primary",
    "partition with a bridge",
    "promotions paused",
    "recalled for another process",
    "refused by a higher fork",
    "refused to start",
    "rotten record",
    "stale write",
    "switchover",
    "two forks",
    "two forks, and a restart",
    "two voters taken out",
};

class Runner {
 public:
  // False when the seed is not right.
  bool Run(const Plan& plan) {
    const uint64_t seed = plan.seed;
    const auto mutation = static_cast<Mutation>(absl::GetFlag(FLAGS_mutation));
    std::ostream* const story =
        absl::GetFlag(FLAGS_story) ? &std::cout : nullptr;
    const Outcome outcome = Simulation(plan, mutation, story).Run();
    counts_.Add(outcome.counts);
    const std::string profile = absl::StrCat("of ", NameOf(plan.profile));
    counts_.Add(profile);
    seeds_.Add(profile);
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

  // False when something has never happened.
  bool HasHappened() const {
    std::vector<absl::string_view> wanted;
    if (runs_ >= kSeedsForFrequent) {
      wanted.assign(std::begin(kFrequent), std::end(kFrequent));
    }
    if (runs_ >= kSeedsForRare) {
      wanted.insert(wanted.end(), std::begin(kRare), std::end(kRare));
    }
    bool all = true;
    for (const absl::string_view name : wanted) {
      if (counts_.Of(name) > 0) continue;
      std::cout << "never happened: " << name << "\n";
      all = false;
    }
    return all;
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

bool IsKnown(const std::string& profile) {
  for (auto known = Profile::kQuiet; known != Profile::kCount;
       known = static_cast<Profile>(static_cast<uint8_t>(known) + 1)) {
    if (NameOf(known) == profile) return true;
  }
  return false;
}

// Bazel runs a test in parts (shard_count), which it tells so.
struct Shard {
  uint64_t index = 0;
  uint64_t count = 1;

  bool Has(uint64_t run) const { return run % count == index; }
};

uint64_t NumberIn(const char* variable, uint64_t otherwise) {
  const char* const value = std::getenv(variable);
  uint64_t number = 0;
  return value != nullptr && absl::SimpleAtoi(value, &number) ? number
                                                              : otherwise;
}

Shard ShardNow() {
  if (const char* const file = std::getenv("TEST_SHARD_STATUS_FILE")) {
    const std::ofstream touch(file);
  }
  return {NumberIn("TEST_SHARD_INDEX", 0), NumberIn("TEST_TOTAL_SHARDS", 1)};
}

std::vector<uint64_t> SeedsIn(const std::string& path) {
  std::vector<uint64_t> seeds;
  if (path.empty()) return seeds;
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    uint64_t seed = 0;
    const std::string first = line.substr(0, line.find(' '));
    if (absl::SimpleAtoi(first, &seed)) seeds.push_back(seed);
  }
  if (seeds.empty()) {
    std::cerr << "no seeds in " << path << "\n";
    std::exit(2);
  }
  return seeds;
}

int RunAll() {
#ifdef LEDGERD_WEAKENED
  for (const std::string& number : absl::GetFlag(FLAGS_weaken)) {
    uint32_t rule = 0;
    LEDGERD_CHECK(absl::SimpleAtoi(number, &rule)) << number;
    replication::Weaken(static_cast<replication::Rule>(rule));
  }
#endif
  Runner runner;
  const std::string profile = absl::GetFlag(FLAGS_profile);
  if (!profile.empty() && !IsKnown(profile)) {
    std::cerr << "no such profile: " << profile << "\n";
    return 2;
  }
  for (const uint64_t found : SeedsIn(absl::GetFlag(FLAGS_seeds_file))) {
    if (!runner.Run(MakePlan(found))) return 1;
  }
  const Shard shard = ShardNow();
  uint64_t seed = absl::GetFlag(FLAGS_seed);
  for (uint64_t run = 0; run < absl::GetFlag(FLAGS_seeds); ++seed) {
    const Plan plan = MakePlan(seed);
    if (!profile.empty() && NameOf(plan.profile) != profile) continue;
    ++run;
    if (!shard.Has(run)) continue;
    // A check that fails ends the process: it must be known where.
    if (absl::GetFlag(FLAGS_count)) std::cout << "begins " << seed << std::endl;
    if (!runner.Run(plan)) return 1;
  }
  runner.Report();
  return profile.empty() && !runner.HasHappened() ? 1 : 0;
}

}  // namespace
}  // namespace ledgerd::sim

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return ledgerd::sim::RunAll();
}
