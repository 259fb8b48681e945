// A StateMachine is what committed entries are executed by: the replica asks it
// what an entry will look at, brings that into memory, and has it applied.
//
// Shape    A pure function of (state, entry): the same entries in the same
//          order give the same state and the same results on every replica.
// Threads  Called by the replica thread; keeps nothing between calls.
// Source   server/ledger/ledger.h is what stands behind it; a port, so that
//          replication knows nothing of accounts.
#ifndef LEDGERD_REPLICATION_STATE_MACHINE_H_
#define LEDGERD_REPLICATION_STATE_MACHINE_H_

#include "proto/entry.h"
#include "proto/results.h"
#include "storage/state_store.h"
#include "storage/state_view.h"

namespace ledgerd::replication {

class StateMachine {
 public:
  virtual ~StateMachine() = default;

  // All that applying `entry` can look at. Kinds that mean nothing to the state
  // (epoch_start) need nothing.
  virtual storage::Needs NeedsOf(const Entry& entry) const = 0;

  // Executes `entry`; its needs have been installed. The caller finishes it in
  // the store afterwards.
  virtual EntryResult Apply(const Entry& entry,
                            storage::StateView& view) const = 0;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_STATE_MACHINE_H_
