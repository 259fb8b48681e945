// Mistakes outside the protocol that the simulation must find (those inside are
// replication/core/weakened.h).
#ifndef LEDGERD_TESTS_SIM_MUTATION_H_
#define LEDGERD_TESTS_SIM_MUTATION_H_

#include <cstdint>

namespace ledgerd::sim {

enum class Mutation : uint8_t {
  kNone,
  // A write counts as durable when it is handed over.
  kAnswerBeforeSync,
  // A transfer's id is not looked up.
  kNoIdempotency,
  // A damaged record that was synced is cut like a torn one.
  kDamagedCutAsTorn,
  // The applied point is on the disk before the state that it speaks of.
  kAppliedPointApart,
  // What a write has renamed or created is gone after a power cut.
  kDirectoryNotSynced,
  // A journal with a damaged record opens, as if it were whole.
  kDamagedIsOpened,
  // A group that was being written when the power went is damage.
  kTornIsDamaged,
  // A record that was meant for another place of a journal counts there.
  kForeignIsOpened,
  // All replicas credit less than they debit, each the same.
  kWrongBooks,
  // A client is told the answer of the entry before its own.
  kAnswerOfAnother,
  // Something else than the seed decides: what this process ran before.
  kNotOfTheSeed,
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_MUTATION_H_
