// The Ledger is the second pure machine: what an account or a transfer does to
// the state, and what it answers.
//
//   const storage::Needs needs = NeedsOf(entry);   // bring these into memory
//   const EntryResult result = Apply(entry, view); // then apply
//
// Shape    A function of (state, entry): no threads, clock, files, randomness,
//          or iteration over anything unordered. All that it knows is in the
//          view. Replaying the same entries on nothing gives the same state and
//          answers.
// Time     Event i (from 0) of an entry with n events and final timestamp T has
//          the timestamp T - n + i + 1.
// Errors   None: what a client can get wrong is the status of its event; a
//          broken invariant is a bug, and a check.
// Threads  Called by the replica thread.
// Source   ledger.md, to the letter; testdata/ has the rules as tables.
#ifndef LEDGERD_SERVER_LEDGER_LEDGER_H_
#define LEDGERD_SERVER_LEDGER_LEDGER_H_

#include "proto/entry.h"
#include "proto/results.h"
#include "storage/state_store.h"
#include "storage/state_view.h"

namespace ledgerd::server {

// All that applying `entry` can look at.
storage::Needs NeedsOf(const Entry& entry);

// Executes `entry`. The caller finishes it in the store afterwards.
EntryResult Apply(const Entry& entry, storage::StateView& view);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LEDGER_LEDGER_H_
