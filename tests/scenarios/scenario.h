// A scenario is a text: commands at the beginning of lines, and below each,
// indented, what came of it. README.md lists the commands.
//
//   const Outcome outcome = RunScenario(text);
//   EXPECT_EQ(outcome.transcript, text);   // else: --rewrite, and look
//   EXPECT_EQ(outcome.violation, "");
#ifndef LEDGERD_TESTS_SCENARIOS_SCENARIO_H_
#define LEDGERD_TESTS_SCENARIOS_SCENARIO_H_

#include <string>

#include "absl/strings/string_view.h"

namespace ledgerd::scenarios {

struct Outcome {
  // The commands and comments of the text, with what came of them this time.
  std::string transcript;
  // The first invariant or `expect` that did not hold.
  std::string violation;
};

Outcome RunScenario(absl::string_view text);

}  // namespace ledgerd::scenarios

#endif  // LEDGERD_TESTS_SCENARIOS_SCENARIO_H_
