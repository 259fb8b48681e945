// MemoryStateStore is the simulated twin of the state store: ordered maps, a
// "disk" that is a copy of them, and faults on request.
//
//   MemoryStateStore store({.cold = true});
//   store.FailNextWriteCheckpoint(absl::ResourceExhaustedError("full"));
//   ...
//   store.Crash();  // as if reopened: back to the last checkpoint
//
// Shape   Fault model:
//         - Crash() loses all that was applied after the last WriteCheckpoint
//           that returned OK, also when FinishCheckpoint did not follow.
//         - WriteCheckpoint fails as told, and has written nothing then. After
//           RESOURCE_EXHAUSTED it may be called again; any other error sticks
//           until Crash().
//         - Fetch fails as told, once; its caller is to stop.
//         - Cold: nothing is in memory but what was installed for this entry
//           and what the entry itself made. Looking at anything else is a
//           check failure, which proves that Needs name all that is looked at.
//         - Cold: every checkpoint that finishes drops memory, so that plans
//           made before it fail to install once.
//         It never tears a checkpoint and never returns wrong data: damage is
//         the tests' of the real store.
// Threads As StateStore says. Crash and the accessors: the replica thread,
//         while no other call runs. Fail*: any thread.
#ifndef LEDGERD_STORAGE_MEMORY_STATE_STORE_H_
#define LEDGERD_STORAGE_MEMORY_STATE_STORE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/base/mutex.h"
#include "proto/types.h"
#include "storage/event_run.h"
#include "storage/memory_checkpoints.h"
#include "storage/memory_state.h"
#include "storage/state_store.h"

namespace ledgerd::storage {

class MemoryStateStore : public StateStore, private StateView {
 public:
  struct Options {
    bool cold = false;
    EventLimits events;
    // Shared with those that it sends checkpoints to, or receives them from.
    std::shared_ptr<MemoryCheckpoints> checkpoints =
        std::make_shared<MemoryCheckpoints>();
  };

  MemoryStateStore() : MemoryStateStore(Options()) {}

  explicit MemoryStateStore(Options options)
      : options_(std::move(options)),
        receiver_(options_.checkpoints),
        repair_receiver_(options_.checkpoints) {}

  // ---- faults

  void Crash();

  // A mistake, for tests that must find it: the applied point was written by
  // itself, and is ahead of the state.
  void CrashWithAppliedPointApart();

  // The state becomes that of another store's disk(). Requires: no checkpoint
  // is under way.
  void InstallCheckpoint(std::shared_ptr<const MemoryState> checkpoint);

  // The calls after the present ones fail, one each, in the order given.
  void FailNextFetch(absl::Status error);
  void FailNextWriteCheckpoint(absl::Status error);

  // ---- what tests look at

  // All that has been applied, regardless of `cold`.
  const MemoryState& state() const { return state_; }

  // As of the last checkpoint that was written.
  std::shared_ptr<const MemoryState> disk() const;

  // ---- StateStore

  StateView& view() override { return *this; }

  Plan MakePlan(Needs needs) override;
  absl::StatusOr<std::unique_ptr<Fetched>> Fetch(const Needs& missing) override;
  bool Install(Plan plan, std::unique_ptr<Fetched> fetched) override;
  void FinishEntry(const AppliedPoint& point) override;

  AppliedPoint applied() const override { return state_.applied(); }

  Uint128 state_hash() const override { return state_.hash(); }

  Timestamp next_expiry() const override { return state_.next_expiry(); }

  uint64_t delta_bytes() const override { return delta_bytes_; }

  void Freeze() override;
  absl::Status WriteCheckpoint() override;
  void FinishCheckpoint() override;

  double checkpoint_progress() const override { return 1; }

  AppliedPoint checkpoint() const override { return checkpoint_; }

  std::unique_ptr<Lookup<Account>> LookupAccounts(
      std::vector<AccountId> ids) override;
  std::unique_ptr<Lookup<Transfer>> LookupTransfers(
      std::vector<TransferId> ids) override;
  std::unique_ptr<Lookup<Account>> QueryAccounts(
      const QueryFilter& filter) override;
  std::unique_ptr<Lookup<Transfer>> GetAccountTransfers(
      const AccountFilter& filter) override;
  std::unique_ptr<Lookup<Transfer>> QueryTransfers(
      const QueryFilter& filter) override;
  std::unique_ptr<Lookup<AccountBalances>> GetAccountBalances(
      const AccountFilter& filter) override;
  std::unique_ptr<EventRead> ReadEvents(EventPosition from,
                                        size_t limit) override;

  std::unique_ptr<Lookup<IncidentsRow>> ReadIncidents(Sequence after) override;

  Sequence oldest_event() const override { return disk()->oldest_event(); }

  absl::Status VerifyCheckpoint() override;

  absl::StatusOr<std::shared_ptr<const ExportedCheckpoint>> ExportCheckpoint()
      override;

  CheckpointReceiver* checkpoint_receiver() override { return &receiver_; }

  absl::Status PrepareInstall(const EntryId& checkpoint) override {
    return PrepareFrom(receiver_, checkpoint);
  }

  CheckpointReceiver* repair_receiver() override { return &repair_receiver_; }

  // Nothing of it can be damaged.
  absl::Status VerifyRepair(const EntryId& /*checkpoint*/,
                            const Pace& /*pace*/) override {
    return absl::OkStatus();
  }

  absl::Status PrepareRepair(const EntryId& checkpoint) override {
    return PrepareFrom(repair_receiver_, checkpoint);
  }

  // Does nothing when nothing was prepared: InstallCheckpoint is both in one.
  void FinishInstall() override;

 private:
  // What an entry may look at in a cold store.
  struct Visible {
    std::set<AccountId> accounts;
    std::set<TransferId> transfers;
    std::set<Timestamp> timestamps;
    Timestamp due_at;
    size_t due_limit = 0;
  };

  // ---- StateView
  const Account* FindAccount(AccountId id) override;
  void InsertAccount(const Account& account) override;
  void UpdateAccount(const Account* account, const Account& next) override;
  void UndoInsertAccount(AccountId id, Timestamp newest) override;
  TransferIdState FindTransferId(TransferId id) override;
  const Transfer* FindTransfer(TransferId id) override;
  void InsertTransfer(const Transfer& transfer) override;
  void UndoInsertTransfer(TransferId id, Timestamp newest) override;
  void KeepFailedId(TransferId id, TransferStatus status) override;
  PendingState GetPendingState(const Transfer& pending) override;
  void SetPendingState(const Transfer& pending, PendingState state) override;
  std::vector<TransferId> FindDue(Timestamp now, size_t limit) override;

  Timestamp newest_account_timestamp() const override {
    return state_.newest_account_timestamp();
  }

  Timestamp newest_transfer_timestamp() const override {
    return state_.newest_transfer_timestamp();
  }

  bool HasAccountAt(Timestamp timestamp) override;
  bool HasTransferAt(Timestamp timestamp) override;

  void AppendEvent(const Event& event) override;

  EventMark MarkEvents() const override { return state_.MarkEvents(); }

  void UndoEvents(const EventMark& mark) override { state_.UndoEvents(mark); }

  void AppendIncidents(Sequence sequence, absl::string_view payload) override;

  WatchedEvent Watched(const Event& event) const;

  absl::Status PrepareFrom(MemoryCheckpointReceiver& receiver,
                           const EntryId& checkpoint);
  void MakeVisible(const Needs& needs);
  void MakePendingVisible(TransferId id);
  void CheckVisible(AccountId id) const;
  void CheckVisible(TransferId id) const;
  void CheckVisible(Timestamp timestamp) const;

  Options options_;
  MemoryState state_;
  Visible visible_;
  uint64_t delta_bytes_ = 0;
  uint64_t generation_ = 0;
  AppliedPoint checkpoint_;
  MemoryCheckpointReceiver receiver_;
  MemoryCheckpointReceiver repair_receiver_;

  mutable Mutex mutex_;
  std::shared_ptr<const MemoryState> disk_ LEDGERD_GUARDED_BY(mutex_) =
      std::make_shared<MemoryState>();
  // The state being made a checkpoint; null when none is under way.
  std::shared_ptr<const MemoryState> frozen_ LEDGERD_GUARDED_BY(mutex_);
  // Received, and not the state yet.
  std::shared_ptr<const MemoryState> prepared_ LEDGERD_GUARDED_BY(mutex_);
  absl::Status broken_ LEDGERD_GUARDED_BY(mutex_);
  std::deque<absl::Status> fetch_errors_ LEDGERD_GUARDED_BY(mutex_);
  std::deque<absl::Status> write_errors_ LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_MEMORY_STATE_STORE_H_
