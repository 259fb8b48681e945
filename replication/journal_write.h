// What is done to a Journal for the replica, in its order.
//
//   absl::Status status = PerformWrite(write, journal, &store);
//
// Errors   As in storage/journal.h. After RESOURCE_EXHAUSTED the call may be
//          repeated as a whole: what was done of it stays done.
// Threads  The journal thread's.
#ifndef LEDGERD_REPLICATION_JOURNAL_WRITE_H_
#define LEDGERD_REPLICATION_JOURNAL_WRITE_H_

#include "absl/status/status.h"

#include "proto/entry.h"
#include "replication/core/update.h"
#include "storage/journal.h"
#include "storage/state_store.h"

namespace ledgerd::replication {

// Makes it durable: install, cut, superblock, entries (core/update.h). A
// membership is so in the superblock when its entry comes into the journal, and
// an entry that is cut away is never without the membership that it made.
//
// An install is prepared in `store`, which a witness has none of, and decided
// by the journal's superblock; StateStore::FinishInstall is left to the replica
// thread.
//
// Requires: nothing to repair.
absl::Status PerformWrite(const JournalWrite& write, storage::Journal& journal,
                          storage::StateStore* store);

// Writes the superblock with the new checkpoint, then lets go of the journal
// below it.
absl::Status PerformCheckpoint(const EntryId& checkpoint,
                               storage::Journal& journal);

// The same with a checkpoint of another replica that takes the place of a
// damaged state, prepared in `store`; StateStore::FinishInstall is left to the
// replica thread. The journal goes on from it.
//
// Requires: it is above the superblock's checkpoint, or this is a repetition.
absl::Status PerformReplacement(const EntryId& checkpoint,
                                storage::Journal& journal,
                                storage::StateStore& store);

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_JOURNAL_WRITE_H_
