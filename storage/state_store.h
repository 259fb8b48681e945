// A StateStore keeps the ledger's state: complete as of its last checkpoint on
// the disk, and as of the last applied entry in memory.
//
//   Plan plan = store.MakePlan(needs);          // replica thread
//   auto fetched = store.Fetch(plan.missing);   // reader thread, may wait
//   if (!store.Install(std::move(plan), *std::move(fetched))) ...  // again
//   ledger.Apply(entry, store.view());
//   store.FinishEntry({entry.id(), entry.timestamp()});
//
// Shape       A state below (the checkpoint, immutable) and a delta above (all
//             that was applied since). A checkpoint turns the delta into a new
//             state below, off the replica thread:
//               Freeze (replica thread), WriteCheckpoint (checkpointer),
//               FinishCheckpoint (replica thread).
//             In between, frozen and active delta are both read.
// Durability  What WriteCheckpoint wrote survives a crash once it returned OK;
//             all of it, together with its applied point and state hash, or
//             nothing. What was applied after it is the journal's to replay.
// Memory      Bounded by the options of the implementation, whatever the number
//             of accounts and transfers: delta_bytes() says how full the delta
//             is, and its owner freezes in time.
// Errors      DATA_LOSS           what is on the disk does not add up.
//             RESOURCE_EXHAUSTED  (WriteCheckpoint) too little space; the old
//                                 checkpoint stands, the frozen delta stays,
//                                 and the call may be repeated.
//             Anything else is fatal: stop the replica; the next start replays.
// Threads     Each method says its thread. The replica thread never waits for a
//             disk here. Fetch, WriteCheckpoint and Lookup::Finish may run at
//             the same time as anything, WriteCheckpoint never twice at once.
// Source      architecture.md, "State: RocksDB below, a delta above".
#ifndef LEDGERD_STORAGE_STATE_STORE_H_
#define LEDGERD_STORAGE_STATE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/entry.h"
#include "proto/types.h"
#include "storage/checkpoint_transfer.h"
#include "storage/incident_rows.h"
#include "storage/lateness.h"
#include "storage/pace.h"
#include "storage/state_event.h"
#include "storage/state_hash.h"
#include "storage/state_query.h"
#include "storage/state_view.h"
#include "storage/watched_event.h"

namespace ledgerd::storage {

// What applying an entry can look at. Naming too much is harmless; naming too
// little is a bug that the store's checks find.
struct Needs {
  std::vector<AccountId> accounts;
  // Ids that are looked up, but whose transfer is not looked at unless it
  // exists: those of the entry's own transfers.
  std::vector<TransferId> transfers;
  // Pending transfers, looked at together with both their accounts.
  std::vector<TransferId> pending;
  // Timestamps for HasAccountAt and HasTransferAt.
  std::vector<Timestamp> timestamps;
  // FindDue(due_at, due_limit) and all that expiring its answer touches.
  // 0: none.
  Timestamp due_at;
  size_t due_limit = 0;
};

// What is read from the disk for an entry or a query; the implementation's own.
class Fetched {
 public:
  virtual ~Fetched() = default;
};

// What of an entry's needs is not in memory.
struct Plan {
  Needs needs;
  Needs missing;
  // Nothing is missing: no Fetch is needed; pass nullptr to Install.
  bool complete = true;
  // The implementation's own count of what it has dropped from memory.
  uint64_t generation = 0;
};

template <typename Row>
struct Found {
  // In the order asked, or in that of the query.
  std::vector<Row> rows;
  // Of transfers: for each of `rows`; else empty.
  std::vector<PendingState> pending_states;
};

// A read of the state as of the applied point at which it began.
template <typename Row>
class Lookup {
 public:
  virtual ~Lookup() = default;
  // Any thread; once. May wait for the disk. What may walk far asks `is_late`
  // now and then, and ends with DEADLINE_EXCEEDED when it is.
  virtual absl::StatusOr<Found<Row>> FinishUnless(const IsLate& is_late) = 0;

  // However long it takes.
  absl::StatusOr<Found<Row>> Finish() { return FinishUnless(nullptr); }
};

class StateStore {
 public:
  virtual ~StateStore() = default;

  // ---- applying (replica thread, but Fetch)

  virtual StateView& view() = 0;

  // Finds out what is not in memory. May be called for an entry while entries
  // before it are not applied yet.
  virtual Plan MakePlan(Needs needs) = 0;

  // Any thread. Reads what a plan misses from the disk.
  virtual absl::StatusOr<std::unique_ptr<Fetched>> Fetch(
      const Needs& missing) = 0;

  // Makes what was fetched visible to view() until the next FinishEntry at
  // least. Called just before the entry is applied. False when memory has
  // changed so much since the plan was made that it must be made again; nothing
  // happened then.
  virtual bool Install(Plan plan, std::unique_ptr<Fetched> fetched) = 0;

  // Ends an entry. Called once after each, also when it changes nothing.
  virtual void FinishEntry(const AppliedPoint& point) = 0;

  virtual AppliedPoint applied() const = 0;
  virtual Uint128 state_hash() const = 0;

  // The earliest expiry of a pending transfer; 0 when there is none. May name
  // an earlier time than there is, never a later one.
  virtual Timestamp next_expiry() const = 0;

  // ---- checkpoints

  // Replica thread. Bytes of memory that the active delta takes.
  virtual uint64_t delta_bytes() const = 0;

  // Replica thread. Sets the active delta aside to be written.
  // Requires: no checkpoint is under way.
  virtual void Freeze() = 0;

  // Checkpointer thread.
  virtual absl::Status WriteCheckpoint() = 0;

  // Replica thread. How much of the running WriteCheckpoint is done, 0 to 1,
  // and before it began 0; 1 where that is not known.
  virtual double checkpoint_progress() const = 0;

  // Replica thread, after WriteCheckpoint returned OK.
  virtual void FinishCheckpoint() = 0;

  // Replica thread. Where a restart would begin to replay.
  virtual AppliedPoint checkpoint() const = 0;

  // ---- queries

  // Replica thread. Reads what is in memory now and fixes what Finish will
  // read.
  virtual std::unique_ptr<Lookup<Account>> LookupAccounts(
      std::vector<AccountId> ids) = 0;
  virtual std::unique_ptr<Lookup<Transfer>> LookupTransfers(
      std::vector<TransferId> ids) = 0;

  // Replica thread. What matches the filter, in the order of timestamps, as of
  // now.
  virtual std::unique_ptr<Lookup<Account>> QueryAccounts(
      const QueryFilter& filter) = 0;
  virtual std::unique_ptr<Lookup<Transfer>> GetAccountTransfers(
      const AccountFilter& filter) = 0;
  virtual std::unique_ptr<Lookup<Transfer>> QueryTransfers(
      const QueryFilter& filter) = 0;

  // Replica thread. The balances of the account after each transfer that
  // matches, if it keeps its history; none of those that were made before a
  // state had any (FORMAT.md, "Versions").
  virtual std::unique_ptr<Lookup<AccountBalances>> GetAccountBalances(
      const AccountFilter& filter) = 0;

  // Replica thread. At most `limit` events from `from` on, in order, up to the
  // applied point; from the oldest kept when its sequence is 0.
  virtual std::unique_ptr<EventRead> ReadEvents(EventPosition from,
                                                size_t limit) = 0;

  // Replica thread. What all entries of incidents after `after` said, in their
  // order.
  virtual std::unique_ptr<Lookup<IncidentsRow>> ReadIncidents(
      Sequence after) = 0;

  // Any thread. The entry from which on events are kept.
  virtual Sequence oldest_event() const = 0;

  // Any thread but the replica's. Recomputes the state hash of the last
  // checkpoint from what is on the disk and compares it with the one stored
  // there, and the ledger's sums: DATA_LOSS names the first that does not hold.
  virtual absl::Status VerifyCheckpoint() = 0;

  // The same for whoever has time: at `pace`, whose error ends it. What it
  // reads stays on the disk for as long.
  virtual absl::Status VerifyCheckpointAt(const Pace& pace) {
    static_cast<void>(pace);
    return VerifyCheckpoint();
  }

  // ---- checkpoints from one replica to another (checkpoint_transfer.h)

  // Any thread but the replica's. The newest checkpoint that was written;
  // NOT_FOUND when there is none.
  virtual absl::StatusOr<std::shared_ptr<const ExportedCheckpoint>>
  ExportCheckpoint() = 0;

  // Where one is received. Null: this store cannot be replaced, and nothing
  // below is called.
  virtual CheckpointReceiver* checkpoint_receiver() { return nullptr; }

  // Journal thread. Opens the checkpoint that was received and finished, beside
  // the state; may be repeated. From here on a start finds the one or the other
  // as the superblock says.
  virtual absl::Status PrepareInstall(const EntryId& checkpoint) {
    static_cast<void>(checkpoint);
    return absl::UnimplementedError("this state cannot be replaced");
  }

  // Where one is received that is to take the place of a damaged state: beside
  // checkpoint_receiver(), so that neither is in the other's way. Null: a
  // damaged state is not mended, and nothing of the next two is called.
  virtual CheckpointReceiver* repair_receiver() { return nullptr; }

  // Any thread. Looks at all of what repair_receiver() has finished, as
  // VerifyCheckpointAt. DATA_LOSS: it is damaged itself, and given up.
  virtual absl::Status VerifyRepair(const EntryId& checkpoint,
                                    const Pace& pace) {
    static_cast<void>(checkpoint);
    static_cast<void>(pace);
    return absl::UnimplementedError("this state cannot be mended");
  }

  // Journal thread. As PrepareInstall, of what repair_receiver() has finished.
  // Requires: above the superblock's checkpoint, or prepared already.
  virtual absl::Status PrepareRepair(const EntryId& checkpoint) {
    static_cast<void>(checkpoint);
    return absl::UnimplementedError("this state cannot be mended");
  }

  // Replica thread, once the superblock names what was prepared. The state is
  // that of the checkpoint, with nothing applied after it. Plans that were made
  // before do not Install; reads that have begun go on with the old state.
  // Requires: no checkpoint of the own state is under way; one may have failed.
  virtual void FinishInstall() {}
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_STORE_H_
