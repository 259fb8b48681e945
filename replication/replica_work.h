// ReplicaWork is what a Replica has done elsewhere, because it takes a disk.
//
// Shape    Each call returns at once; what it began ends in the On... method
//          that its comment names, called on the replica thread. The real one
//          (replica_threads.h) has a thread for each kind of work, the
//          simulation a schedule.
// Order    Persist, RecordCheckpoint and ReplaceState end in the order in which
//          they were called. Nothing else is ordered.
// Threads  Called by the replica thread.
#ifndef LEDGERD_REPLICATION_REPLICA_WORK_H_
#define LEDGERD_REPLICATION_REPLICA_WORK_H_

#include <cstdint>
#include <functional>

#include "proto/entry.h"
#include "proto/types.h"
#include "replication/core/update.h"
#include "replication/replica_handle.h"
#include "storage/state_store.h"

namespace ledgerd::replication {

// Names a fetch: the entry that it is for may be cut off the journal, and
// another one may come to its sequence.
struct FetchId {
  Sequence sequence;
  uint64_t number = 0;
};

class ReplicaWork {
 public:
  virtual ~ReplicaWork() = default;

  // Replica::OnPersisted with this write, or with a later one with which it was
  // written together.
  virtual void Persist(JournalWrite write) = 0;

  // Writes the superblock with the new checkpoint, then lets go of the journal
  // below it. Ends in nothing: the next checkpoint does it again.
  virtual void RecordCheckpoint(EntryId checkpoint) = 0;

  // Opens the checkpoint that was received for a repair beside the state, then
  // RecordCheckpoint: Replica::OnStateReplaced.
  virtual void ReplaceState(EntryId checkpoint) = 0;

  // Replica::OnFetched.
  virtual void Fetch(FetchId id, storage::Needs missing) = 0;

  // Replica::OnJournalRead with some entries from `from` on.
  virtual void ReadJournal(Sequence from) = 0;

  // Replica::OnEvent with an EntriesRead.
  virtual void ReadFor(JournalRead read) = 0;

  // Replica::OnCheckpointWritten.
  virtual void WriteCheckpoint() = 0;

  // Runs `task` where it may wait for a disk.
  virtual void RunOnReader(ReadKind kind, std::function<void()> task) = 0;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_REPLICA_WORK_H_
