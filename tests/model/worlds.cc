#include "tests/model/worlds.h"

#include <algorithm>
#include <iostream>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "proto/base/test_seed.h"
#include "tests/model/world.h"

ABSL_FLAG(uint64_t, seed, 1, "The seed of the first world; 0 draws one.");
ABSL_FLAG(uint64_t, batches, 400, "How many batches to run in all.");

namespace ledgerd::model {
namespace {

constexpr size_t kWorldBatches = 40;

std::string ReplayCommand(const std::string& target, uint64_t seed,
                          size_t batches) {
  return absl::StrCat("bazel run //tests/model:", target, " -- --seed=", seed,
                      " --batches=", batches);
}

uint64_t FirstSeed() {
  const uint64_t given = absl::GetFlag(FLAGS_seed);
  return given != 0 ? given : TestSeed();
}

}  // namespace

Coverage RunWorlds(
    const std::string& target,
    const std::function<std::unique_ptr<Subject>(uint64_t seed)>& make) {
  Coverage coverage;
  uint64_t seed = FirstSeed();
  for (size_t left = absl::GetFlag(FLAGS_batches); left > 0; ++seed) {
    const size_t now = std::min(kWorldBatches, left);
    left -= now;
    std::cout << ReplayCommand(target, seed, now) << std::endl;
    const auto failure = RunWorld(
        {.seed = seed, .batches = now}, [&] { return make(seed); }, coverage);
    if (!failure) continue;
    ADD_FAILURE() << "replay: " << ReplayCommand(target, seed, failure->batches)
                  << "\n"
                  << failure->text;
    break;
  }
  return coverage;
}

}  // namespace ledgerd::model
