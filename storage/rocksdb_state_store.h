// RocksDbStateStore is the real state store: RocksDB as of the last checkpoint,
// and in memory a delta of all that was applied since.
//
//   LEDGERD_ASSIGN_OR_RETURN(auto store, RocksDbStateStore::Open(path, {}));
//   // Replay the journal from store->checkpoint() on.
//
// Shape       Three generations in memory: the active delta, which changes; the
//             frozen one, which is being written; the old one, which is on the
//             disk and kept until its accounts are in a cache: a few go there
//             with each entry, and come back into the active one when they are
//             needed. Reads look in them in this order, then at what was
//             fetched. An account that is found in an older one is copied into
//             the active one, where it can be changed in place.
// Durability  RocksDB has no write-ahead log. A checkpoint is one ingestion of
//             sorted files with its record: all of it, or nothing.
// Memory      Up to three deltas, the accounts' cache, RocksDB's block cache,
//             the filters of ids: each with its limit in the options. Freeze at
//             kFreezeBytes to stay within 160 MiB of deltas.
// Errors      As StateStore. The first error of RocksDB in what is applied or
//             written is the last: all later calls return it. It is never
//             resumed or repaired. A query that meets damage fails alone.
// Threads     As StateStore. One thread of its own merges runs of ids.
// Source      architecture.md, "State: RocksDB below, a delta above"; the
//             layout: FORMAT.md, "The state".
#ifndef LEDGERD_STORAGE_ROCKSDB_STATE_STORE_H_
#define LEDGERD_STORAGE_ROCKSDB_STATE_STORE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "proto/base/mutex.h"
#include "proto/types.h"
#include "storage/account_cache.h"
#include "storage/checkpoint_progress.h"
#include "storage/checkpoint_record.h"
#include "storage/checkpoint_writer.h"
#include "storage/disk_state.h"
#include "storage/disk_state_keeper.h"
#include "storage/event_run.h"
#include "storage/expiry_index.h"
#include "storage/incident_rows.h"
#include "storage/run_merger.h"
#include "storage/state_database.h"
#include "storage/state_delta.h"
#include "storage/state_exporter.h"
#include "storage/state_fetch.h"
#include "storage/state_moment.h"
#include "storage/state_store.h"

namespace ledgerd::storage {

class RocksDbStateStore final : public StateStore, private StateView {
 public:
  struct Options {
    StateDatabase::Options database;
    RowLimits rows;
    MergeLimits merges;
    EventLimits events;
    // Runs without room for their filter are read instead.
    uint64_t filter_bytes_max = uint64_t{96} << 20;
    uint64_t account_cache_bytes = uint64_t{144} << 20;
    // A checkpoint waits for merges when there are more runs.
    size_t runs_max = 64;
    // Told, while Open runs, what it brings from an older format to this one.
    std::function<void(const std::string&)> say;
    // Whose checkpoints it gives away.
    ClusterId cluster;
  };

  // A third of 160 MiB: active, frozen and old.
  static constexpr uint64_t kFreezeBytes = uint64_t{53} << 20;

  // The store at its checkpoint; at nothing in an empty or missing directory.
  // What an older build has written is brought to this one's format.
  // DATA_LOSS names the file that is damaged; FAILED_PRECONDITION for a format
  // of a newer build.
  static absl::StatusOr<std::unique_ptr<RocksDbStateStore>> Open(
      const std::string& path, const Options& options);

  StateView& view() override { return *this; }

  Plan MakePlan(Needs needs) override;
  absl::StatusOr<std::unique_ptr<Fetched>> Fetch(const Needs& missing) override;
  bool Install(Plan plan, std::unique_ptr<Fetched> fetched) override;
  void FinishEntry(const AppliedPoint& point) override;

  AppliedPoint applied() const override { return record_.applied; }

  Uint128 state_hash() const override { return hash_.value(); }

  Timestamp next_expiry() const override;

  uint64_t delta_bytes() const override { return active_->bytes(); }

  void Freeze() override;
  absl::Status WriteCheckpoint() override;

  double checkpoint_progress() const override { return progress_.share(); }

  void FinishCheckpoint() override;

  AppliedPoint checkpoint() const override { return disk_->record().applied; }

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

  Sequence oldest_event() const override {
    return keeper_.current()->oldest_event();
  }

  absl::Status VerifyCheckpoint() override {
    return VerifyCheckpointAt(nullptr);
  }

  absl::Status VerifyCheckpointAt(const Pace& pace) override;

  absl::StatusOr<std::shared_ptr<const ExportedCheckpoint>> ExportCheckpoint()
      override;

  // RESOURCE_EXHAUSTED unless there is space for so many bytes more. Any
  // thread.
  absl::Status CheckSpace(uint64_t bytes) const {
    return database_->CheckSpace(bytes);
  }

  // Another store takes its place: with the last read of it its files go.
  void RemoveWhenClosed() { database_->RemoveWhenClosed(); }

  // Until the runs of ids are merged as far as they will be. For tests.
  void WaitForMerges() { merger_.WaitUntilIdle(); }

  // How many runs of ids there are.
  size_t run_count() const { return keeper_.newest()->runs().size(); }

 private:
  // What WriteCheckpoint is to write.
  struct Checkpoint {
    std::shared_ptr<const StateDelta> delta;
    CheckpointRecord record;
  };

  static absl::StatusOr<std::unique_ptr<RocksDbStateStore>> OpenWhole(
      const std::string& path, const Options& options);

  RocksDbStateStore(std::shared_ptr<StateDatabase> database,
                    std::shared_ptr<const DiskState> loaded, Expiry disk_begin,
                    const Options& options);

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
    return record_.newest_account;
  }

  Timestamp newest_transfer_timestamp() const override {
    return record_.newest_transfer;
  }

  bool HasAccountAt(Timestamp timestamp) override;
  bool HasTransferAt(Timestamp timestamp) override;

  void AppendEvent(const Event& event) override;
  EventMark MarkEvents() const override;
  void UndoEvents(const EventMark& mark) override;

  void AppendIncidents(Sequence sequence, absl::string_view payload) override {
    active_->incidents.Append(sequence, payload);
    hash_.Add(HashIncidents(sequence, payload));
  }

  // ---- the generations in memory, newest first; null where there is none
  std::array<const StateDelta*, 3> generations() const {
    return {active_.get(), frozen_.get(), old_.get()};
  }

  const Account* FindAccountInMemory(AccountId id) const;
  const Transfer* FindTransferInMemory(TransferId id) const;
  TransferIdState FindIdInMemory(TransferId id) const;
  PendingState FindPendingInMemory(Timestamp transfer) const;

  std::unique_ptr<StateMoment> TakeMoment();

  // ---- planning and installing
  // Brings those that are in the cache into the active delta.
  void PlanAccounts(Plan& plan);
  void PlanIds(const std::vector<TransferId>& ids,
               std::vector<TransferId>& missing) const;
  void PlanTimestamps(Plan& plan) const;
  void PlanDue(Plan& plan);
  void InstallAccounts(const FetchedRows& rows);
  void InstallTransfers(const FetchedRows& rows);
  void InstallTimes(const FetchedRows& rows);

  // ---- changes
  // Before an account changes: takes its part out of the hash, once an entry.
  void Touch(AccountTable::Slot& slot);
  // Brings a transfer and its accounts into the active delta.
  void CopyForward(const Transfer& transfer);
  // Puts so many more of the old delta's accounts into the cache; with the last
  // of them the delta goes.
  void CacheOld(size_t count);
  absl::Status WriteAndAdd(const Checkpoint& checkpoint);

  const Options options_;
  const std::shared_ptr<StateDatabase> database_;
  DiskStateKeeper keeper_;
  StateExporter exporter_;

  // ---- the replica thread's
  std::shared_ptr<const DiskState> disk_;
  std::shared_ptr<StateDelta> active_;
  std::shared_ptr<const StateDelta> frozen_;
  std::shared_ptr<const StateDelta> old_;
  // What is older here than in a delta is found there first; the old delta
  // goes when all of it is here.
  AccountCache cache_;
  // How many of the old delta's slots are in the cache.
  size_t cached_ = 0;
  // The index moves over what is removed when it is asked.
  mutable ExpiryIndex expiries_;
  // As a checkpoint would be now, but for the hash.
  CheckpointRecord record_;
  StateHash hash_;
  // At or above all ids of transfers, also of those that failed.
  TransferId highest_id_;
  // Counts what was dropped from memory.
  uint64_t generation_ = 0;
  // Counts entries, and the accounts that changed in this one.
  uint64_t entry_count_ = 1;
  std::vector<AccountTable::Slot*> touched_;
  // What the disk does not have, or has, of what this entry asked for.
  absl::flat_hash_set<AccountId> absent_accounts_;
  absl::flat_hash_set<Timestamp> account_times_;
  absl::flat_hash_set<Timestamp> transfer_times_;

  mutable Mutex mutex_;
  Checkpoint frozen_checkpoint_ LEDGERD_GUARDED_BY(mutex_);
  Expiry fetch_expiries_from_ LEDGERD_GUARDED_BY(mutex_);

  // Last: its thread uses what is above.
  CheckpointProgress progress_;
  RunMerger merger_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_ROCKSDB_STATE_STORE_H_
