#include "storage/disk_state_keeper.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "rocksdb/convenience.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"

namespace ledgerd::storage {
namespace {

// The files that have no key outside of first .. limit, limit excluded.
absl::Status RemoveFiles(StateDatabase& database, const Key& first,
                         const Key& limit) {
  const rocksdb::Slice first_slice = first.slice();
  const rocksdb::Slice limit_slice = limit.slice();
  const rocksdb::RangePtr range(&first_slice, &limit_slice);
  return database.Record(
      rocksdb::DeleteFilesInRanges(&database.rocksdb(),
                                   database.rocksdb().DefaultColumnFamily(),
                                   &range, 1, /*include_end=*/false),
      "removing what was replaced or dropped");
}

// Runs begin .. end - 1.
absl::Status RemoveRuns(StateDatabase& database, uint64_t begin, uint64_t end) {
  for (const Table table : {Table::kIds, Table::kFilters}) {
    LEDGERD_RETURN_IF_ERROR(
        RemoveFiles(database, Key(table).Add(begin), Key(table).Add(end)));
  }
  return absl::OkStatus();
}

}  // namespace

DiskStateKeeper::DiskStateKeeper(std::shared_ptr<StateDatabase> database,
                                 std::shared_ptr<const DiskState> loaded,
                                 uint64_t filter_bytes_max)
    : database_(std::move(database)),
      filter_bytes_max_(filter_bytes_max),
      // A merged run has a higher number than those it replaces, so the highest
      // number ever is that of a run that lives.
      next_run_(loaded->runs().empty() ? 1 : loaded->runs().back()->number + 1),
      current_(std::move(loaded)) {
  const MutexLock lock(mutex_);
  readers_.push_back({serial_, current_});
}

std::shared_ptr<const DiskState> DiskStateKeeper::current() const {
  const MutexLock lock(mutex_);
  return current_;
}

std::shared_ptr<const DiskState> DiskStateKeeper::newest() const {
  const MutexLock lock(mutex_);
  return added_ != nullptr ? added_ : current_;
}

CheckpointRecord DiskStateKeeper::BetweenIngests(
    const std::function<void()>& look) {
  const MutexLock ingesting(ingest_mutex_);
  look();
  return newest()->record();
}

std::shared_ptr<const DiskState> DiskStateKeeper::MakeState(
    const CheckpointRecord& record, IdRuns runs, EventRuns event_runs) {
  std::sort(runs.begin(), runs.end(),
            [](const auto& a, const auto& b) { return a->number < b->number; });
  auto state = std::make_shared<const DiskState>(
      database_, record, WithinFilterBudget(std::move(runs), filter_bytes_max_),
      std::move(event_runs));
  readers_.push_back({++serial_, state});
  return state;
}

absl::Status DiskStateKeeper::AddCheckpoint(IngestFiles& files,
                                            const CheckpointRecord& record,
                                            std::shared_ptr<const IdRun> run,
                                            EventRuns event_runs) {
  const MutexLock ingesting(ingest_mutex_);
  LEDGERD_RETURN_IF_ERROR(database_->Ingest(files.paths()));
  const MutexLock lock(mutex_);
  LEDGERD_CHECK(added_ == nullptr) << "a checkpoint waits to be shown";
  IdRuns runs = current_->runs();
  if (run != nullptr) runs.push_back(std::move(run));
  added_ = MakeState(record, std::move(runs), std::move(event_runs));
  const Sequence oldest = added_->oldest_event();
  if (current_->oldest_event() < oldest) {
    retired_.push_back({.events_below = oldest, .serial = serial_});
  }
  return absl::OkStatus();
}

void DiskStateKeeper::ShowCheckpoint() {
  std::shared_ptr<const DiskState> released;
  const MutexLock lock(mutex_);
  LEDGERD_CHECK(added_ != nullptr) << "no checkpoint was written";
  released = std::exchange(current_, std::exchange(added_, nullptr));
}

absl::Status DiskStateKeeper::ReplaceRuns(IngestFiles& files,
                                          const IdRuns& merged,
                                          std::shared_ptr<const IdRun> run) {
  const MutexLock ingesting(ingest_mutex_);
  LEDGERD_RETURN_IF_ERROR(database_->Ingest(files.paths()));
  const MutexLock lock(mutex_);
  std::shared_ptr<const DiskState>& newest =
      added_ != nullptr ? added_ : current_;
  IdRuns runs = newest->runs();
  for (const auto& old : merged) {
    const auto same = [&](const auto& r) { return r->number == old->number; };
    runs.erase(std::find_if(runs.begin(), runs.end(), same));
  }
  runs.push_back(std::move(run));
  newest = MakeState(newest->record(), std::move(runs), newest->event_runs());
  for (const auto& old : merged) {
    retired_.push_back({.run = old->number, .serial = serial_});
  }
  return absl::OkStatus();
}

std::vector<DiskStateKeeper::Retired> DiskStateKeeper::TakeUnread() {
  const MutexLock lock(mutex_);
  const auto gone = [](const Reader& r) { return r.state.expired(); };
  readers_.erase(std::remove_if(readers_.begin(), readers_.end(), gone),
                 readers_.end());
  const uint64_t oldest = readers_.front().serial;
  std::vector<Retired> unread;
  for (const Retired& retired : retired_) {
    if (retired.serial <= oldest) unread.push_back(retired);
  }
  const auto taken = [&](const Retired& r) { return r.serial <= oldest; };
  retired_.erase(std::remove_if(retired_.begin(), retired_.end(), taken),
                 retired_.end());
  return unread;
}

absl::Status DiskStateKeeper::RemoveRetiredRuns() {
  for (const Retired& retired : TakeUnread()) {
    if (retired.run == 0) {
      LEDGERD_RETURN_IF_ERROR(
          RemoveEventsBelow(*database_, retired.events_below));
    } else {
      LEDGERD_RETURN_IF_ERROR(
          RemoveRuns(*database_, retired.run, retired.run + 1));
    }
  }
  return absl::OkStatus();
}

absl::Status DiskStateKeeper::RemoveDeadRuns(StateDatabase& database,
                                             const IdRuns& runs) {
  uint64_t begin = 0;
  for (const auto& run : runs) {
    LEDGERD_RETURN_IF_ERROR(RemoveRuns(database, begin, run->number));
    begin = run->number + 1;
  }
  return RemoveRuns(database, begin, std::numeric_limits<uint64_t>::max());
}

absl::Status DiskStateKeeper::RemoveEventsBelow(StateDatabase& database,
                                                Sequence oldest) {
  return RemoveFiles(database, Key(Table::kEvents), EventsKey(oldest, 0));
}

}  // namespace ledgerd::storage
