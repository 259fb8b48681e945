// The simulation can fail: with a rule of the protocol weakened, or another
// mistake built in, some seed is not right any more. Says how many seeds that
// took.
//
//   bazel test //tests/sim:mutants_test --test_output=all
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

#include <sys/wait.h>

namespace ledgerd::sim {
namespace {

constexpr uint64_t kSeedsMax = 60;

struct Mutant {
  const char* name;
  // Of the simulator: a number in weakened.h or mutation.h.
  const char* flag;
  uint32_t number;
  // Those that take many seeds are given the last of them alone.
  uint64_t first_seed = 1;
};

void PrintTo(const Mutant& mutant, std::ostream* out) { *out << mutant.name; }

// The first seed that is not right; kSeedsMax + 1 when all are. A check that
// fails ends the process, so it is another one.
uint64_t SeedsToCatch(const Mutant& mutant, std::string* why) {
  const std::string command = absl::StrCat(
      "tests/sim/weakened_simulate --again_every=0 --count --seed=",
      mutant.first_seed, " --seeds=", kSeedsMax, " --", mutant.flag, "=",
      mutant.number, " 2>&1");
  FILE* const out = popen(command.c_str(), "r");
  if (out == nullptr) return 0;
  uint64_t seeds = 0;
  std::array<char, 4096> line = {};
  while (std::fgets(line.data(), line.size(), out) != nullptr) {
    absl::string_view said = line.data();
    if (absl::ConsumePrefix(&said, "begins ")) {
      ++seeds;
    } else if (why->empty()) {
      *why = std::string(said);
    }
  }
  const int status = pclose(out);
  return status == 0 ? kSeedsMax + 1 : seeds;
}

// Those that the simulation catches; README.md names the others.
constexpr Mutant kMutants[] = {
    {"PromiseIsSynced", "weaken", 1},
    {"OwnPromiseIsSynced", "weaken", 2},
    {"AcknowledgedIsDurable", "weaken", 3},
    {"SyncMatchesWhatItWrote", "weaken", 4},
    {"RestartEndsEpoch", "weaken", 5},
    {"MatchNeverCuts", "weaken", 6, 60},
    {"AcknowledgedIsVerified", "weaken", 7, 140},
    {"CommitVerifiedOnly", "weaken", 9},
    {"OnePromiseAnEpoch", "weaken", 11},
    {"PromiseEndsOlderEpochs", "weaken", 12},
    {"BestByEpochFirst", "weaken", 13, 120},
    {"Majority", "weaken", 15},
    {"DifferentTailIsCut", "weaken", 17},
    {"BeginWhole", "weaken", 19},
    {"ServeAfterEpochStart", "weaken", 21},
    {"PrimaryStepsDown", "weaken", 22},
    {"ReadAfterRound", "weaken", 23},
    {"ReadRoundBeganLater", "weaken", 24, 380},
    {"MembershipHoldsAtOnce", "weaken", 28, 300},
    {"OldDiskDoesNotVote", "weaken", 29},
    {"WitnessCountsAsBest", "weaken", 31},
    {"AnswerBeforeSync", "mutation", 1},
    {"NoIdempotency", "mutation", 2},
    {"DamagedCutAsTorn", "mutation", 3, 250},
    {"AppliedPointApart", "mutation", 4},
    {"DirectoryNotSynced", "mutation", 5},
};

class MutantsTest : public ::testing::TestWithParam<Mutant> {};

TEST_P(MutantsTest, IsCaught) {
  std::string why;
  const uint64_t seeds = SeedsToCatch(GetParam(), &why);
  EXPECT_GT(seeds, 0u);
  EXPECT_LE(seeds, kSeedsMax) << "not caught";
  std::cout << GetParam().name << ": caught by seed "
            << GetParam().first_seed + seeds - 1 << ": " << why;
}

INSTANTIATE_TEST_SUITE_P(All, MutantsTest, ::testing::ValuesIn(kMutants),
                         [](const auto& mutant) {
                           return std::string(mutant.param.name);
                         });

}  // namespace
}  // namespace ledgerd::sim
