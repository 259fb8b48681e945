// A DiskState is the state as of one checkpoint: a RocksDB snapshot, and in
// memory the catalogue of the id runs with their filters.
//
//   std::shared_ptr<const DiskState> disk = keeper.current();
//   auto records = disk->ReadIds(disk->FilterIds(ids));
//
// Errors   DATA_LOSS, with the file named by RocksDB or the row by us.
//          Every error of a read is reported to the StateDatabase; who reads
//          for what is applied or written records it there, which ends all.
// Threads  Immutable; any.
#ifndef LEDGERD_STORAGE_DISK_STATE_H_
#define LEDGERD_STORAGE_DISK_STATE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rocksdb/db.h"
#include "rocksdb/snapshot.h"

#include "proto/types.h"
#include "storage/checkpoint_record.h"
#include "storage/event_run.h"
#include "storage/id_record.h"
#include "storage/id_run.h"
#include "storage/pace.h"
#include "storage/state_database.h"
#include "storage/state_delta.h"
#include "storage/state_keys.h"

namespace ledgerd::storage {

class DiskState {
 public:
  // Reads the checkpoint that is there, with its runs. An empty database is the
  // empty state.
  static absl::StatusOr<std::shared_ptr<const DiskState>> Load(
      std::shared_ptr<StateDatabase> database, uint64_t filter_bytes_max);

  // The state of this moment.
  DiskState(std::shared_ptr<StateDatabase> database, CheckpointRecord record,
            IdRuns runs, EventRuns event_runs);
  ~DiskState();

  DiskState(const DiskState&) = delete;
  DiskState& operator=(const DiskState&) = delete;

  const CheckpointRecord& record() const { return record_; }

  const IdRuns& runs() const { return runs_; }

  const EventRuns& event_runs() const { return event_runs_; }

  // The first entry whose events are kept, if it has any.
  Sequence oldest_event() const {
    return event_runs_.empty() ? record_.applied.entry.sequence.Next()
                               : event_runs_.front().first;
  }

  // ---- from memory

  bool MayHaveAccount(AccountId id) const {
    return id <= record_.highest_account;
  }

  // The highest id of a transfer, or one that failed; 0 while there is none.
  TransferId highest_id() const { return highest_id_; }

  // Those of `ids` that may be in a run, most of which are.
  std::vector<TransferId> FilterIds(const std::vector<TransferId>& ids) const;

  // ---- from the disk; what is asked for need be neither sorted nor unique,
  // what is found comes in any order.

  absl::StatusOr<std::vector<Account>> ReadAccounts(
      std::vector<AccountId> ids) const;
  absl::StatusOr<std::vector<IdRecord>> ReadIds(
      std::vector<TransferId> ids) const;
  // In the order of timestamps. DATA_LOSS when one of them is missing.
  absl::StatusOr<std::vector<Transfer>> ReadTransfers(
      std::vector<Timestamp> timestamps) const;
  absl::StatusOr<std::vector<AccountTime>> ReadAccountTimes(
      std::vector<Timestamp> timestamps) const;
  // DATA_LOSS when one of them is missing.
  absl::StatusOr<std::vector<std::pair<Timestamp, PendingState>>>
  ReadPendingStates(const std::vector<Timestamp>& transfers) const;
  // Those of `timestamps` that an account (a transfer) has.
  absl::StatusOr<std::vector<Timestamp>> FindAccountTimes(
      std::vector<Timestamp> timestamps) const;
  absl::StatusOr<std::vector<Timestamp>> FindTransferTimes(
      std::vector<Timestamp> timestamps) const;
  // From `from` on in order, up to and with the first one after `until`; at
  // most `limit`.
  absl::StatusOr<std::vector<Expiry>> ReadExpiries(Expiry from, Timestamp until,
                                                   size_t limit) const;

  // ---- for scans and cursors

  // In the order of keys. What `upper_bound` points to stays as long as the
  // iterator does, which reads nothing from there on.
  std::unique_ptr<rocksdb::Iterator> NewIterator(
      bool fill_cache, const rocksdb::Slice* upper_bound = nullptr) const;

  // `status`, or a malformed row, as the error of this state: reported to the
  // StateDatabase.
  absl::Status Failed(const rocksdb::Status& status, const char* what) const;
  absl::Status Damaged(const rocksdb::Slice& key) const;

  // Leaves the block cache alone.
  std::unique_ptr<rocksdb::Iterator> NewScan() const {
    return NewIterator(/*fill_cache=*/false);
  }

  // StateDatabase::VerifyTables.
  absl::Status VerifyTables(const Pace& pace) const {
    return database_->VerifyTables(pace);
  }

  // Calls `row` for every row whose key begins with `prefix`, in order, until
  // it returns an error.
  absl::Status Scan(
      const Key& prefix,
      const std::function<absl::Status(
          const rocksdb::Slice& key, const rocksdb::Slice& value)>& row) const;

 private:
  // `hash` is the filters' of `id`.
  bool MayHaveId(TransferId id, uint64_t hash) const;

  // The look-up of a packed row that would hold `key`: the last one at or
  // before it in its unit.
  static bool SeekRow(rocksdb::Iterator& at, const Key& key);

  absl::Status ReadIdsOfRun(const IdRun& run,
                            const std::vector<TransferId>& ids,
                            rocksdb::Iterator& at,
                            std::vector<IdRecord>& found) const;
  // The records of those of `timestamps`, ascending, that are in a row of a
  // packed table.
  template <typename Record>
  absl::StatusOr<std::vector<Record>> FindRecords(
      Key (*key_of)(Timestamp), const std::vector<Timestamp>& timestamps) const;
  // `found`; DATA_LOSS when it is not just that of `timestamps`.
  template <typename Record>
  absl::StatusOr<std::vector<Record>> AllFound(
      Key (*key_of)(Timestamp), const std::vector<Timestamp>& timestamps,
      std::vector<Record> found) const;
  template <typename Record>
  absl::StatusOr<std::vector<Timestamp>> FindTimes(
      Key (*key_of)(Timestamp), std::vector<Timestamp> timestamps) const;

  absl::StatusOr<CheckpointRecord> LoadRecord() const;
  absl::StatusOr<IdRuns> LoadRuns(uint64_t filter_bytes_max) const;
  absl::StatusOr<EventRuns> LoadEventRuns() const;
  absl::StatusOr<std::shared_ptr<const IdFilter>> LoadFilter(
      const IdRun& run) const;

  const std::shared_ptr<StateDatabase> database_;
  const CheckpointRecord record_;
  const IdRuns runs_;
  const EventRuns event_runs_;
  TransferId highest_id_;
  const rocksdb::Snapshot* const snapshot_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_DISK_STATE_H_
