// A ReplaceableStateStore is a RocksDbStateStore that another one takes the
// place of when a checkpoint of another replica is installed.
//
//   LEDGERD_ASSIGN_OR_RETURN(
//       auto store, ReplaceableStateStore::Open(path, options, transfer));
//   ... store->checkpoint_receiver(): Begin, Add, Finish   // the transport
//   store->PrepareInstall(checkpoint);                     // journal thread
//   journal.Install(superblock);                           // decides
//   store->FinishInstall();                                // replica thread
//
// Shape       PrepareInstall opens the new store beside the old one, which goes
//             on. FinishInstall exchanges the two; reads that have begun keep
//             what they look at of the old one, and with the last of them it is
//             closed and its files go.
// Repair      The same takes a checkpoint through repair_receiver() into the
//             place of a damaged state, with VerifyRepair, PrepareRepair and
//             FinishInstall.
// Plans       A plan made before an exchange does not Install after it.
// Durability  A crash before the superblock is durable leaves the old state,
//             one after it the new (state_directories.h).
// Threads     As StateStore; each method above says its own.
#ifndef LEDGERD_STORAGE_REPLACEABLE_STATE_STORE_H_
#define LEDGERD_STORAGE_REPLACEABLE_STATE_STORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/base/mutex.h"
#include "proto/entry.h"
#include "proto/types.h"
#include "storage/rocksdb_state_store.h"
#include "storage/state_receiver.h"
#include "storage/state_store.h"

namespace ledgerd::storage {

struct StateTransferOptions {
  // Where checkpoints are received (DataDir::incoming_path); beside it is a
  // directory of those that are to mend this state.
  std::string incoming;
  // The superblock's: which of several states counts.
  Sequence checkpoint;
};

class ReplaceableStateStore final : public StateStore {
 public:
  static absl::StatusOr<std::unique_ptr<ReplaceableStateStore>> Open(
      const std::string& path, const RocksDbStateStore::Options& options,
      const StateTransferOptions& transfer);
  ~ReplaceableStateStore() override;

  StateView& view() override { return store_->view(); }

  Plan MakePlan(Needs needs) override;
  absl::StatusOr<std::unique_ptr<Fetched>> Fetch(const Needs& missing) override;
  bool Install(Plan plan, std::unique_ptr<Fetched> fetched) override;

  void FinishEntry(const AppliedPoint& point) override {
    store_->FinishEntry(point);
  }

  AppliedPoint applied() const override { return store_->applied(); }

  Uint128 state_hash() const override { return store_->state_hash(); }

  Timestamp next_expiry() const override { return store_->next_expiry(); }

  uint64_t delta_bytes() const override { return store_->delta_bytes(); }

  void Freeze() override { store_->Freeze(); }

  absl::Status WriteCheckpoint() override;

  double checkpoint_progress() const override {
    return store_->checkpoint_progress();
  }

  void FinishCheckpoint() override { store_->FinishCheckpoint(); }

  AppliedPoint checkpoint() const override { return store_->checkpoint(); }

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

  std::unique_ptr<Lookup<IncidentsRow>> ReadIncidents(Sequence after) override {
    return store_->ReadIncidents(after);
  }

  Sequence oldest_event() const override { return Shared()->oldest_event(); }

  absl::Status VerifyCheckpointAt(const Pace& pace) override {
    return Shared()->VerifyCheckpointAt(pace);
  }

  absl::Status VerifyCheckpoint() override {
    return Shared()->VerifyCheckpoint();
  }

  absl::StatusOr<std::shared_ptr<const ExportedCheckpoint>> ExportCheckpoint()
      override {
    return Shared()->ExportCheckpoint();
  }

  CheckpointReceiver* checkpoint_receiver() override { return &receiver_; }

  absl::Status PrepareInstall(const EntryId& checkpoint) override {
    return PrepareFrom(receiver_, checkpoint);
  }

  CheckpointReceiver* repair_receiver() override { return &repair_receiver_; }

  absl::Status VerifyRepair(const EntryId& checkpoint,
                            const Pace& pace) override;

  absl::Status PrepareRepair(const EntryId& checkpoint) override {
    return PrepareFrom(repair_receiver_, checkpoint);
  }

  void FinishInstall() override;

 private:
  ReplaceableStateStore(std::string path, RocksDbStateStore::Options options,
                        const StateTransferOptions& transfer,
                        std::shared_ptr<RocksDbStateStore> store);

  StateReceiver::Options ReceiverOptions(const std::string& incoming);
  absl::Status PrepareFrom(StateReceiver& receiver, const EntryId& checkpoint)
      LEDGERD_EXCLUDES(mutex_);
  // OK when the finished repair is whole.
  absl::Status LookAtRepair(const EntryId& checkpoint, const Pace& pace) const
      LEDGERD_EXCLUDES(mutex_);

  // For threads other than the replica's.
  std::shared_ptr<RocksDbStateStore> Shared() const LEDGERD_EXCLUDES(mutex_);

  const std::string path_;
  const RocksDbStateStore::Options options_;
  const std::string repair_path_;
  StateReceiver receiver_;
  StateReceiver repair_receiver_;
  // The replica thread's.
  std::shared_ptr<RocksDbStateStore> store_;
  uint64_t installs_ = 0;
  // Lets an old store go, which takes a disk.
  std::thread closer_;

  mutable Mutex mutex_;
  // The same as store_.
  std::shared_ptr<RocksDbStateStore> shared_ LEDGERD_GUARDED_BY(mutex_);
  std::shared_ptr<RocksDbStateStore> prepared_ LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_REPLACEABLE_STATE_STORE_H_
