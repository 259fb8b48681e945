// Replica is the loop: next event, Step, perform what comes out, in the order
// that core/update.h numbers.
//
//   Replica replica(options, journal, store, machine, work);
//   LEDGERD_RETURN_IF_ERROR(replica.Start(now));
//   replica.OnProposals(std::move(proposals), now);   // one event at a time
//
// Shape    Each On... method takes one event and performs its update; work that
//          takes a disk goes out through ReplicaWork and comes back as an
//          event. So it has no threads and no clock of its own:
//          replica_threads.h drives it with real ones, the simulation with
//          simulated ones.
// Errors   A fatal one (a failed sync, damaged data) halts the replica: it does
//          nothing any more, every waiting proposal ends in OUTCOME_UNKNOWN,
//          and status().fault says why. The process should end, and start
//          again.
// Threads  Belongs to the replica thread.
#ifndef LEDGERD_REPLICATION_REPLICA_H_
#define LEDGERD_REPLICATION_REPLICA_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/entry.h"
#include "proto/system_limits.h"
#include "proto/types.h"
#include "replication/apply_queue.h"
#include "replication/checkpointing.h"
#include "replication/core/protocol.h"
#include "replication/read_queue.h"
#include "replication/replica_handle.h"
#include "replication/replica_work.h"
#include "replication/state_machine.h"
#include "storage/journal.h"
#include "storage/state_store.h"

namespace ledgerd::replication {

struct ReplicaOptions {
  ReplicaId self;
  CheckpointLimits checkpoint;
};

struct Now {
  Timestamp wall;
  Deadline steady;
};

class Replica {
 public:
  // Entries that are in the journal's hands or not applied yet, at most, beyond
  // one group: more proposals are left waiting, where their deadline still
  // counts.
  static constexpr size_t kPipelineBytesMax = 2 * kGroupBytesMax;
  // Applied in one go, before other events get their turn.
  static constexpr size_t kApplyEventsMax = 4 * kMaxBatchSize;

  Replica(ReplicaOptions options, const storage::Journal& journal,
          storage::StateStore& store, const StateMachine& machine,
          ReplicaWork& work);

  // Compares journal and state, and begins to become primary.
  // Errors: DATA_LOSS, with what does not fit together and what to do.
  absl::Status Start(Now now);

  // Whether OnProposals may be called: room in the pipeline.
  bool WantsProposals() const;

  // Whether the journal still writes what it was given: few small proposals had
  // better wait for it, and go out together.
  bool persisting() const { return !halted() && persisted_ < given_out_; }

  void OnProposals(std::vector<Proposal> proposals, Now now);
  void OnRead(ReadRequest request);
  void OnTick(Now now);

  void OnPromisePersisted(Epoch epoch, Now now);
  void OnEntriesPersisted(EntryId last);
  void OnFetched(Sequence sequence,
                 absl::StatusOr<std::unique_ptr<storage::Fetched>> fetched);
  void OnJournalRead(absl::StatusOr<std::vector<Entry>> entries);
  void OnCheckpointWritten(const absl::Status& status);

  // Applies more of what is committed; true when there may be more to apply
  // still.
  bool Apply();

  // Stops expiring; what was proposed is still answered.
  void Drain() { draining_ = true; }

  // Begins the checkpoint of a clean stop.
  void CheckpointNow();

  bool idle() const { return queue_.empty() && !checkpointing_.running(); }

  // A fault that happened elsewhere.
  void Halt(const absl::Status& fault);

  ReplicaStatus status() const;

  // RESOURCE_EXHAUSTED stands between the delta and a checkpoint, and writes
  // wait.
  bool out_of_space() const { return checkpointing_.out_of_space(); }

 private:
  absl::Status CheckStateFitsJournal() const;
  absl::Status CheckMeetingPoint(const EntryId& applied) const;
  // Steps the protocol and performs its update; `done` are the entries'
  // answers.
  void Step(Event event, std::vector<Done> done = {});
  void Perform(Update update, std::vector<Done> done);
  void Expire(Now now);
  bool serving() const;

  bool halted() const { return !fault_.ok(); }

  const ReplicaOptions options_;
  const storage::Journal& journal_;
  storage::StateStore& store_;
  ReplicaWork& work_;
  std::optional<Protocol> protocol_;
  ApplyQueue queue_;
  ReadQueue reads_;
  Checkpointing checkpointing_;
  EntryId commit_;
  // The entries given out and not committed yet, for their hashes.
  std::deque<EntryId> uncommitted_;
  // The last entry that went to the journal, and the last durable there.
  Sequence given_out_;
  Sequence persisted_;
  // Serves once this has been applied: its epoch's start.
  Sequence serves_from_;
  bool expiring_ = false;
  bool draining_ = false;
  absl::Status fault_;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_REPLICA_H_
