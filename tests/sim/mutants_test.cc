// The simulation can fail: with a rule of the protocol weakened, or another
// mistake built in, some seed is not right any more. Which one it is changes
// with every change of the protocol or the plans, so it is looked for: among
// the first seeds of the profile that is aimed at such mistakes.
//
//   tests/mutants    # says of each how many seeds it took, and what was seen
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

#include "replication/core/weakened.h"
#include "tests/sim/mutation.h"

#include <sys/wait.h>

namespace ledgerd::sim {
namespace {

using replication::Rule;

// Most take fewer than a tenth, so that no change moves one beyond it.
constexpr uint64_t kSeedsMax = 1000;
// Of a rule that another covers.
constexpr uint64_t kSeedsCovered = 30;

struct Mutant {
  std::string name;
  std::string profile;
  std::vector<Rule> weakened;
  Mutation mutation = Mutation::kNone;
  // Each seed is run twice.
  bool twice = false;
};

void PrintTo(const Mutant& mutant, std::ostream* out) { *out << mutant.name; }

// ---- a run of the simulator, which is a process, since a check may end it

struct Search {
  // How many seeds of the profile were run, and the last of them.
  uint64_t seeds = 0;
  uint64_t last = 0;
  std::string why;
  int status = 0;

  bool clean() const { return status == 0; }

  // A checker or a check of the program has found something: no other way to
  // end counts.
  bool caught() const {
    const bool said = WIFEXITED(status) && WEXITSTATUS(status) == 1 &&
                      absl::StartsWith(why, "seed ");
    const bool checked = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
                         absl::StrContains(why, ": check failed: ");
    return said || checked;
  }
};

std::string Flags(const Mutant& mutant) {
  std::string flags =
      absl::StrCat(" --mutation=", static_cast<uint32_t>(mutant.mutation),
                   " --again_every=", mutant.twice ? 1 : 0);
  for (const Rule rule : mutant.weakened) {
    absl::StrAppend(&flags,
                    rule == mutant.weakened.front() ? " --weaken=" : ",",
                    static_cast<uint32_t>(rule));
  }
  return flags;
}

// All of its seeds, whichever part of this test this is.
Search Simulate(const std::string& flags) {
  const std::string command =
      absl::StrCat("export TEST_TOTAL_SHARDS=1 TEST_SHARD_INDEX=0; ",
                   "exec tests/sim/weakened_simulate --count", flags, " 2>&1");
  Search search;
  FILE* const out = popen(command.c_str(), "r");
  EXPECT_NE(out, nullptr);
  if (out == nullptr) return search;
  std::array<char, 4096> line = {};
  while (std::fgets(line.data(), line.size(), out) != nullptr) {
    absl::string_view said = absl::StripSuffix(line.data(), "\n");
    if (absl::ConsumePrefix(&said, "begins ")) {
      ++search.seeds;
      EXPECT_TRUE(absl::SimpleAtoi(said, &search.last));
    } else if (search.why.empty()) {
      search.why = std::string(said);
    }
  }
  search.status = pclose(out);
  return search;
}

Search LookFor(const Mutant& mutant, uint64_t seeds_max) {
  return Simulate(absl::StrCat(" --seed=1 --seeds=", seeds_max,
                               " --profile=", mutant.profile, Flags(mutant)));
}

Search Again(uint64_t seed) {
  return Simulate(absl::StrCat(" --seeds=1 --seed=", seed));
}

// ---- the mutants

Mutant Weak(const char* name, const char* profile, Rule rule) {
  return {name, profile, {rule}};
}

#define LEDGERD_RULE(rule, profile) Weak(#rule, profile, Rule::rule)
#define LEDGERD_MUTATION(mutation, profile) \
  Mutant { #mutation, profile, {}, Mutation::mutation }

std::vector<Mutant> Mutants() {
  return {
      LEDGERD_RULE(kPromiseIsSynced, "anything"),
      LEDGERD_RULE(kOwnPromiseIsSynced, "anything"),
      LEDGERD_RULE(kAcknowledgedIsDurable, "anything"),
      LEDGERD_RULE(kSyncMatchesWhatItWrote, "successions"),
      LEDGERD_RULE(kRestartEndsEpoch, "anything"),
      LEDGERD_RULE(kMatchNeverCuts, "successions"),
      LEDGERD_RULE(kAcknowledgedIsVerified, "successions"),
      LEDGERD_RULE(kCommitOwnEpochOnly, "successions"),
      LEDGERD_RULE(kCommitVerifiedOnly, "successions"),
      LEDGERD_RULE(kOnePromiseAnEpoch, "anything"),
      LEDGERD_RULE(kPromiseEndsOlderEpochs, "anything"),
      LEDGERD_RULE(kBestByEpochFirst, "successions"),
      LEDGERD_RULE(kMajorityOfBestsMembership, "members"),
      LEDGERD_RULE(kMajority, "anything"),
      LEDGERD_RULE(kLateFetchIsThrownAway, "successions"),
      LEDGERD_RULE(kDifferentTailIsCut, "successions"),
      LEDGERD_RULE(kBeginSynced, "successions"),
      LEDGERD_RULE(kBeginWhole, "anything"),
      LEDGERD_RULE(kServeAfterEpochStart, "anything"),
      LEDGERD_RULE(kPrimaryStepsDown, "deaf"),
      LEDGERD_RULE(kReadAfterRound, "reads"),
      LEDGERD_RULE(kReadRoundBeganLater, "reads"),
      LEDGERD_RULE(kReadAfterEpochStart, "reads"),
      LEDGERD_RULE(kMembershipAfterEpochStart, "members"),
      LEDGERD_RULE(kOneMembershipChangePending, "members"),
      LEDGERD_RULE(kMembershipHoldsAtOnce, "members"),
      LEDGERD_RULE(kOldDiskDoesNotVote, "disasters"),
      LEDGERD_RULE(kHigherForkOnly, "disasters"),
      LEDGERD_RULE(kWitnessCountsAsBest, "successions"),
      LEDGERD_RULE(kRecalledAnswersThisProcess, "disasters"),
      LEDGERD_RULE(kOlderEpochIsRefused, "successions"),
      LEDGERD_RULE(kWhoLivesIsWaitedFor, "disasters"),
      LEDGERD_MUTATION(kAnswerBeforeSync, "anything"),
      LEDGERD_MUTATION(kNoIdempotency, "anything"),
      LEDGERD_MUTATION(kDamagedCutAsTorn, "disasters"),
      LEDGERD_MUTATION(kAppliedPointApart, "anything"),
      LEDGERD_MUTATION(kDirectoryNotSynced, "anything"),
      LEDGERD_MUTATION(kDamagedIsOpened, "disasters"),
      LEDGERD_MUTATION(kTornIsDamaged, "anything"),
      LEDGERD_MUTATION(kForeignIsOpened, "disasters"),
      LEDGERD_MUTATION(kWrongBooks, "anything"),
      LEDGERD_MUTATION(kAnswerOfAnother, "anything"),
      {"kNotOfTheSeed",
       "anything",
       {},
       Mutation::kNotOfTheSeed,
       /*twice=*/true},
      // What is covered below, with what covers it.
      {"kLoyalToRoundsOnlyAndPrimaryStepsDown",
       "bridges",
       {Rule::kLoyalToRoundsOnly, Rule::kPrimaryStepsDown}},
  };
}

// Nothing comes of these, since another rule covers each: README.md, "Covered".
std::vector<Mutant> Covered() {
  return {
      LEDGERD_RULE(kLoyalToRoundsOnly, "bridges"),
      LEDGERD_RULE(kPrimaryStepsDown, "bridges"),
      LEDGERD_RULE(kBeginUndamaged, "disasters"),
  };
}

bool IsTried(Rule rule) {
  std::vector<Mutant> all = Mutants();
  for (const Mutant& mutant : Covered()) all.push_back(mutant);
  return std::any_of(all.begin(), all.end(), [rule](const Mutant& mutant) {
    return mutant.weakened == std::vector<Rule>{rule};
  });
}

TEST(MutantsTest, EveryRuleIsTried) {
  for (uint32_t n = 1; n < static_cast<uint32_t>(Rule::kCount); ++n) {
    EXPECT_TRUE(IsTried(static_cast<Rule>(n))) << n << " of weakened.h";
  }
}

class CaughtTest : public testing::TestWithParam<Mutant> {};

TEST_P(CaughtTest, ByASeed) {
  const Mutant& mutant = GetParam();
  const Search search = LookFor(mutant, kSeedsMax);
  EXPECT_TRUE(search.caught()) << "in " << search.seeds << " seeds; status "
                               << search.status << ": " << search.why;
  const Search again = Again(search.last);
  EXPECT_TRUE(again.clean()) << "without the mistake: " << again.why;
  std::cout << "| " << mutant.name << " | " << mutant.profile << " | "
            << search.seeds << " | " << search.last << " | " << search.why
            << " |\n";
}

class CoveredTest : public testing::TestWithParam<Mutant> {};

TEST_P(CoveredTest, NothingComesOfIt) {
  const Search search = LookFor(GetParam(), kSeedsCovered);
  EXPECT_EQ(search.seeds, kSeedsCovered);
  EXPECT_TRUE(search.clean()) << search.why;
}

std::string TestName(const testing::TestParamInfo<Mutant>& tested) {
  return tested.param.name;
}

INSTANTIATE_TEST_SUITE_P(All, CaughtTest, testing::ValuesIn(Mutants()),
                         TestName);
INSTANTIATE_TEST_SUITE_P(All, CoveredTest, testing::ValuesIn(Covered()),
                         TestName);

}  // namespace
}  // namespace ledgerd::sim
