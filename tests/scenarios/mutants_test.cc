// The scenarios can fail: each rule that must not be weakened is weakened, and
// some scenario breaks an invariant, an `expect`, or a check of the protocol.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "replication/core/weakened.h"
#include "tests/scenarios/scenario.h"

#include <sys/wait.h>

namespace ledgerd::scenarios {
namespace {

using replication::Rule;
using replication::Weaken;

struct Named {
  Rule rule;
  const char* name;
};

#define LEDGERD_RULE(rule) \
  Named { Rule::rule, #rule }

constexpr Named kRules[] = {
    LEDGERD_RULE(kPromiseIsSynced),
    LEDGERD_RULE(kOwnPromiseIsSynced),
    LEDGERD_RULE(kAcknowledgedIsDurable),
    LEDGERD_RULE(kSyncMatchesWhatItWrote),
    LEDGERD_RULE(kRestartEndsEpoch),
    LEDGERD_RULE(kMatchNeverCuts),
    LEDGERD_RULE(kAcknowledgedIsVerified),
    LEDGERD_RULE(kCommitOwnEpochOnly),
    LEDGERD_RULE(kCommitVerifiedOnly),
    LEDGERD_RULE(kLoyalToRoundsOnly),
    LEDGERD_RULE(kOnePromiseAnEpoch),
    LEDGERD_RULE(kPromiseEndsOlderEpochs),
    LEDGERD_RULE(kBestByEpochFirst),
    LEDGERD_RULE(kMajorityOfBestsMembership),
    LEDGERD_RULE(kMajority),
    LEDGERD_RULE(kLateFetchIsThrownAway),
    LEDGERD_RULE(kDifferentTailIsCut),
    LEDGERD_RULE(kBeginSynced),
    LEDGERD_RULE(kBeginWhole),
    LEDGERD_RULE(kBeginUndamaged),
    LEDGERD_RULE(kServeAfterEpochStart),
    LEDGERD_RULE(kPrimaryStepsDown),
    LEDGERD_RULE(kReadAfterRound),
    LEDGERD_RULE(kReadRoundBeganLater),
    LEDGERD_RULE(kReadAfterEpochStart),
    LEDGERD_RULE(kMembershipAfterEpochStart),
    LEDGERD_RULE(kOneMembershipChangePending),
    LEDGERD_RULE(kMembershipHoldsAtOnce),
    LEDGERD_RULE(kOldDiskDoesNotVote),
    LEDGERD_RULE(kHigherForkOnly),
    LEDGERD_RULE(kWitnessCountsAsBest),
    LEDGERD_RULE(kRecalledAnswersThisProcess),
    LEDGERD_RULE(kOlderEpochIsRefused),
    LEDGERD_RULE(kWhoLivesIsWaitedFor),
};

static_assert(std::size(kRules) + 1 == static_cast<size_t>(Rule::kCount),
              "every rule is tried");

std::vector<std::string> Scenarios() {
  std::vector<std::string> paths;
  for (const auto& file :
       std::filesystem::directory_iterator("tests/scenarios/testdata")) {
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

// In a process of its own, since a check may end it.
bool Catches(const std::string& path, const Named& rule) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    if (rule.rule != Rule::kNone) Weaken(rule.rule);
    const Outcome outcome = RunScenario(ReadAll(path));
    if (outcome.violation.empty()) _exit(0);
    std::printf("  %s: %s\n",
                std::filesystem::path(path).stem().string().c_str(),
                outcome.violation.c_str());
    std::fflush(stdout);
    _exit(1);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

class MutantTest : public testing::TestWithParam<Named> {};

TEST_P(MutantTest, IsCaught) {
  std::printf("without %s:\n", GetParam().name);
  const std::vector<std::string> paths = Scenarios();
  EXPECT_TRUE(std::any_of(
      paths.begin(), paths.end(),
      [](const std::string& path) { return Catches(path, GetParam()); }))
      << "no scenario misses " << GetParam().name;
}

// Without a weakened rule none finds anything.
TEST(MutantsTest, TheProtocolItselfIsNotCaught) {
  for (const std::string& path : Scenarios()) {
    EXPECT_FALSE(Catches(path, Named{Rule::kNone, "nothing"})) << path;
  }
}

std::string TestName(const testing::TestParamInfo<Named>& tested) {
  return tested.param.name;
}

INSTANTIATE_TEST_SUITE_P(All, MutantTest, testing::ValuesIn(kRules), TestName);

}  // namespace
}  // namespace ledgerd::scenarios
