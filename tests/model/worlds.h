// Many worlds over one kind of store: what both property tests do.
//
//   const Coverage coverage = RunWorlds("rocksdb_property_test", make);
//
// Shape   World k has the seed --seed + k, so that a failing one is replayed by
//         its own seed; --seed=0 draws. Prints each world's replay command
//         before it runs, also for one that ends in a check.
#ifndef LEDGERD_TESTS_MODEL_WORLDS_H_
#define LEDGERD_TESTS_MODEL_WORLDS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/flags/declare.h"

#include "tests/model/coverage.h"
#include "tests/model/subject.h"

ABSL_DECLARE_FLAG(uint64_t, seed);
ABSL_DECLARE_FLAG(uint64_t, batches);

namespace ledgerd::model {

// Runs --batches of them, up to the first world that fails, which fails the
// test. `target` is the test's name in this package.
Coverage RunWorlds(
    const std::string& target,
    const std::function<std::unique_ptr<Subject>(uint64_t seed)>& make);

}  // namespace ledgerd::model

#endif  // LEDGERD_TESTS_MODEL_WORLDS_H_
