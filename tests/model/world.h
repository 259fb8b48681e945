// A world: the life of one ledger, made up from a seed, checked step by step,
// and made small when it fails.
//
//   auto failure = RunWorld({.seed = 7, .batches = 40}, make, coverage);
//   if (failure) ADD_FAILURE() << failure->text;
#ifndef LEDGERD_TESTS_MODEL_WORLD_H_
#define LEDGERD_TESTS_MODEL_WORLD_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tests/model/checker.h"
#include "tests/model/coverage.h"
#include "tests/model/subject.h"

namespace ledgerd::model {

// Makes a new, empty ledger.
using MakeSubject = std::function<std::unique_ptr<Subject>()>;

struct WorldOptions {
  uint64_t seed = 1;
  size_t batches = 40;
  Compare compare = Compare::kEverything;
  // Whether a failure is to be made small; that takes as long as many worlds.
  bool shrink = true;
};

struct Failure {
  // How many batches it took.
  size_t batches;
  // As few steps, with as few events, as still fail (all, if not made small);
  // each readable; then what is at fault.
  std::string text;
};

// Runs the world, and replays its journal on nothing. Adds to `coverage`.
std::optional<Failure> RunWorld(const WorldOptions& options,
                                const MakeSubject& make, Coverage& coverage);

}  // namespace ledgerd::model

#endif  // LEDGERD_TESTS_MODEL_WORLD_H_
