// ReplicaWork is what a Replica has done elsewhere, because it takes a disk.
//
// Shape    Each call returns at once; what it began ends in the On... method
//          that its comment names, called on the replica thread. The real one
//          (replica_threads.h) has a thread for each kind of work, the
//          simulation a schedule.
// Order    PersistPromise, PersistEntries and RecordCheckpoint end in the order
//          in which they were called. Nothing else is ordered.
// Threads  Called by the replica thread.
#ifndef LEDGERD_REPLICATION_REPLICA_WORK_H_
#define LEDGERD_REPLICATION_REPLICA_WORK_H_

#include <functional>
#include <vector>

#include "proto/entry.h"
#include "proto/types.h"
#include "storage/state_store.h"

namespace ledgerd::replication {

class ReplicaWork {
 public:
  virtual ~ReplicaWork() = default;

  // Replica::OnPromisePersisted.
  virtual void PersistPromise(Epoch epoch) = 0;

  // Replica::OnEntriesPersisted with the last of them, or of later ones with
  // which they were written together.
  virtual void PersistEntries(std::vector<Entry> entries, Sequence commit) = 0;

  // Writes the superblock with the new checkpoint, then lets go of the journal
  // below it. Ends in nothing: the next checkpoint does it again.
  virtual void RecordCheckpoint(EntryId checkpoint) = 0;

  // Replica::OnFetched.
  virtual void Fetch(Sequence sequence, storage::Needs missing) = 0;

  // Replica::OnJournalRead with some entries from `from` on.
  virtual void ReadJournal(Sequence from) = 0;

  // Replica::OnCheckpointWritten.
  virtual void WriteCheckpoint() = 0;

  // Runs `task` where it may wait for a disk.
  virtual void RunOnReader(std::function<void()> task) = 0;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_REPLICA_WORK_H_
