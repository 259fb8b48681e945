// The rules that must not be weakened, each by a name, so that tests can weaken
// one and see that it is missed (mutants_test, in tests/scenarios and
// tests/sim).
//
// In the daemon Weakened() is a constant false, and what depends on it is gone.
// Only the library that those tests link is built with LEDGERD_WEAKENED.
//
// Source  replication.md, the rules marked *; the model checker took the same
//         ones away and found a violation for each.
#ifndef LEDGERD_REPLICATION_CORE_WEAKENED_H_
#define LEDGERD_REPLICATION_CORE_WEAKENED_H_

#include <bitset>
#include <cstddef>
#include <cstdint>

namespace ledgerd::replication {

enum class Rule : uint8_t {
  kNone,
  kPromiseIsSynced,             // 1, 6
  kOwnPromiseIsSynced,          // 1: the candidate's vote for itself
  kAcknowledgedIsDurable,       // 1, 16
  kSyncMatchesWhatItWrote,      // 1
  kRestartEndsEpoch,            // 1
  kMatchNeverCuts,              // 2
  kAcknowledgedIsVerified,      // 2
  kCommitOwnEpochOnly,          // 3
  kCommitVerifiedOnly,          // 3
  kLoyalToRoundsOnly,           // 5
  kOnePromiseAnEpoch,           // 6
  kPromiseEndsOlderEpochs,      // 6
  kBestByEpochFirst,            // 6
  kMajorityOfBestsMembership,   // 6
  kMajority,                    // 6
  kLateFetchIsThrownAway,       // 6
  kDifferentTailIsCut,          // 6
  kBeginSynced,                 // 6
  kBeginWhole,                  // 6
  kBeginUndamaged,              // 6
  kServeAfterEpochStart,        // 6
  kPrimaryStepsDown,            // 7
  kReadAfterRound,              // 10
  kReadRoundBeganLater,         // 10
  kReadAfterEpochStart,         // 10
  kMembershipAfterEpochStart,   // 11
  kOneMembershipChangePending,  // 11
  kMembershipHoldsAtOnce,       // 11
  kOldDiskDoesNotVote,          // 14
  kHigherForkOnly,              // 15
  kWitnessCountsAsBest,         // 16
  kRecalledAnswersThisProcess,  // 14
  kOlderEpochIsRefused,         // 2, 6
  kWhoLivesIsWaitedFor,         // 14
  kCount,
};

#ifdef LEDGERD_WEAKENED
// Those that do not hold now, by their numbers.
using Rules = std::bitset<static_cast<size_t>(Rule::kCount)>;

Rules& WeakenedRules();

inline void Weaken(Rule rule) {
  WeakenedRules().set(static_cast<size_t>(rule));
}

inline bool Weakened(Rule rule) {
  return WeakenedRules().test(static_cast<size_t>(rule));
}
#else
constexpr bool Weakened(Rule /*rule*/) { return false; }
#endif

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_CORE_WEAKENED_H_
