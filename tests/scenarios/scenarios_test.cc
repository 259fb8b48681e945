// Every transcript in testdata/ is what the protocol does.
//
//   bazel run //tests/scenarios:scenarios_test -- --rewrite "$PWD"
//
// writes what it does now into the source tree below that folder; then read the
// difference.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/scenarios/scenario.h"

namespace ledgerd::scenarios {
namespace {

constexpr char kFolder[] = "tests/scenarios/testdata";

std::vector<std::string> Scenarios(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    paths.push_back(file.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string ReadAll(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class ScenarioTest : public testing::TestWithParam<std::string> {};

TEST_P(ScenarioTest, IsWhatHappens) {
  const std::string text = ReadAll(GetParam());
  const Outcome outcome = RunScenario(text);
  EXPECT_EQ(outcome.violation, "");
  EXPECT_EQ(outcome.transcript, text);
  // The same again: nothing but the text decides.
  EXPECT_EQ(RunScenario(text).transcript, outcome.transcript);
}

std::string TestName(const testing::TestParamInfo<std::string>& tested) {
  std::string name = std::filesystem::path(tested.param).stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, ScenarioTest,
                         testing::ValuesIn(Scenarios(kFolder)), TestName);

// A scenario that breaks a rule is found out.
TEST(ScenarioRunnerTest, SaysWhatIsNotAsExpected) {
  const Outcome outcome = RunScenario(
      "group 1\nstart\nsettle\nexpect 1 serves\nexpect 1 commit 7\n");
  EXPECT_EQ(outcome.violation, "expected of 1: commit 7, got 1");
}

int Rewrite(const std::string& tree) {
  for (const std::string& path : Scenarios(tree + "/" + kFolder)) {
    const Outcome outcome = RunScenario(ReadAll(path));
    if (!outcome.violation.empty()) {
      std::cerr << path << ": " << outcome.violation << "\n";
    }
    std::ofstream(path) << outcome.transcript;
  }
  return 0;
}

}  // namespace
}  // namespace ledgerd::scenarios

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--rewrite") {
    return ledgerd::scenarios::Rewrite(argv[2]);
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
