#include "tests/model/world.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/model/dump.h"
#include "tests/model/random_batches.h"
#include "tests/model/step.h"

namespace ledgerd::model {
namespace {

using Fault = std::optional<std::string>;
using Steps = std::vector<Step>;

Fault RunSteps(const Steps& steps, const MakeSubject& make,
               const WorldOptions& options) {
  const std::unique_ptr<Subject> subject = make();
  Checker checker(*subject, options.compare, options.seed);
  for (const Step& step : steps) {
    if (Fault fault = checker.Check(step)) return fault;
  }
  if (options.compare == Compare::kAnswers) return std::nullopt;
  return checker.CheckReplay(*make());
}

// Takes out single items for as long as what is left still fails.
template <typename Items, typename Fails>
void Reduce(Items& items, const Fails& fails) {
  for (size_t i = items.size(); i-- > 0;) {
    Items fewer = items;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    if (fails(fewer)) items = std::move(fewer);
  }
}

// Requires: steps fail.
Steps Shrink(Steps steps, const MakeSubject& make,
             const WorldOptions& options) {
  const auto fails = [&](const Steps& fewer) {
    return RunSteps(fewer, make, options).has_value();
  };
  Reduce(steps, fails);
  for (size_t i = 0; i < steps.size(); ++i) {
    const auto reduce_rows = [&](auto Step::*rows) {
      auto left = steps[i].*rows;
      Reduce(left, [&](const auto& fewer) {
        Steps changed = steps;
        changed[i].*rows = fewer;
        return changed[i].event_count() > 0 && fails(changed);
      });
      steps[i].*rows = left;
    };
    reduce_rows(&Step::accounts);
    reduce_rows(&Step::transfers);
  }
  Reduce(steps, fails);
  return steps;
}

std::string Describe(const Steps& steps, const std::string& fault) {
  std::string text =
      "the steps that are left when all that can is taken out:\n";
  for (const Step& step : steps) absl::StrAppend(&text, Dump(step));
  absl::StrAppend(&text, "fault: ", fault, "\n");
  return text;
}

}  // namespace

std::optional<Failure> RunWorld(const WorldOptions& options,
                                const MakeSubject& make, Coverage& coverage) {
  RandomBatches random(options.seed);
  const std::unique_ptr<Subject> subject = make();
  Checker checker(*subject, options.compare, options.seed);
  Steps steps;
  Fault fault;
  while (!fault && steps.size() < options.batches) {
    steps.push_back(random.Next(checker.state()));
    fault = checker.Check(steps.back());
  }
  if (!fault && options.compare == Compare::kEverything) {
    fault = checker.CheckReplay(*make());
  }
  coverage.Add(checker.coverage());
  if (!fault) return std::nullopt;
  const size_t batches = steps.size();
  if (!options.shrink) return Failure{batches, Describe(steps, *fault)};
  steps = Shrink(std::move(steps), make, options);
  // What is left may fail otherwise: say what it does, if it still does.
  const Fault smaller = RunSteps(steps, make, options);
  return Failure{batches, Describe(steps, smaller ? *smaller : *fault)};
}

}  // namespace ledgerd::model
