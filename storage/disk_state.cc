#include "storage/disk_state.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

#include "proto/base/little_endian.h"
#include "proto/base/status_macros.h"
#include "storage/packed_row.h"

namespace ledgerd::storage {
namespace {

template <typename T>
void SortUnique(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

Timestamp TimestampOf(const Transfer& transfer) { return transfer.timestamp; }

Timestamp TimestampOf(const AccountTime& time) { return time.timestamp; }

constexpr auto kTimestampOf = [](const auto& record) {
  return TimestampOf(record);
};

// The record of `key` in a row; nothing when it is not there.
template <typename Record, typename K, typename KeyOf>
std::optional<Record> FindInRow(const PackedRow<Record>& row, const K& key,
                                const KeyOf& key_of) {
  const size_t i = row.LowerBound(key, key_of);
  if (i == row.size()) return std::nullopt;
  const Record record = row[i];
  return key_of(record) == key ? std::optional<Record>(record) : std::nullopt;
}

}  // namespace

DiskState::DiskState(std::shared_ptr<StateDatabase> database,
                     CheckpointRecord record, IdRuns runs, EventRuns event_runs)
    : database_(std::move(database)),
      record_(record),
      runs_(std::move(runs)),
      event_runs_(std::move(event_runs)),
      snapshot_(database_->rocksdb().GetSnapshot()) {
  for (const auto& run : runs_) highest_id_ = std::max(highest_id_, run->max);
}

DiskState::~DiskState() { database_->rocksdb().ReleaseSnapshot(snapshot_); }

std::vector<TransferId> DiskState::FilterIds(
    const std::vector<TransferId>& ids) const {
  // So many at a time are brought into the cache before they are looked at;
  // all of an entry's would push each other out of it again.
  constexpr size_t kAtOnce = 16;
  std::vector<TransferId> maybe;
  std::array<uint64_t, kAtOnce> hashes = {};
  for (size_t begin = 0; begin < ids.size(); begin += kAtOnce) {
    const size_t count = std::min(kAtOnce, ids.size() - begin);
    for (size_t i = 0; i < count; ++i) {
      if (ids[begin + i] > highest_id_) continue;
      hashes[i] = IdFilter::Hash(ids[begin + i]);
      for (const auto& run : runs_) {
        if (run->filter != nullptr) run->filter->Prefetch(hashes[i]);
      }
    }
    for (size_t i = 0; i < count; ++i) {
      const TransferId id = ids[begin + i];
      if (id <= highest_id_ && MayHaveId(id, hashes[i])) maybe.push_back(id);
    }
  }
  return maybe;
}

bool DiskState::MayHaveId(TransferId id, uint64_t hash) const {
  return std::any_of(runs_.begin(), runs_.end(), [id, hash](const auto& run) {
    return run->MayContain(id, hash);
  });
}

// ---- reading

std::unique_ptr<rocksdb::Iterator> DiskState::NewIterator(
    bool fill_cache, const rocksdb::Slice* upper_bound) const {
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = upper_bound;
  options.snapshot = snapshot_;
  options.fill_cache = fill_cache;
  // Over all keys, whatever KeysOfGet says of the first.
  options.total_order_seek = true;
  // There are none; and where it looks for them, RocksDB 7.8 passes over a file
  // whose beginning cannot be read and goes on behind it, without an error
  // (facebook/rocksdb#11782).
  options.ignore_range_deletions = true;
  return std::unique_ptr<rocksdb::Iterator>(
      database_->rocksdb().NewIterator(options));
}

bool DiskState::SeekRow(rocksdb::Iterator& at, const Key& key) {
  at.SeekForPrev(key.slice());
  return at.Valid() && SameUnit(key.slice(), at.key());
}

absl::Status DiskState::Failed(const rocksdb::Status& status,
                               const char* what) const {
  return database_->Report(FromRocksDb(status, what));
}

absl::Status DiskState::Damaged(const rocksdb::Slice& key) const {
  return database_->Report(absl::DataLossError(absl::StrCat(
      "the state's row ",
      absl::BytesToHexString(absl::string_view(key.data(), key.size())),
      " is malformed")));
}

absl::StatusOr<std::vector<Account>> DiskState::ReadAccounts(
    std::vector<AccountId> ids) const {
  SortUnique(ids);
  std::vector<Account> found;
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  rocksdb::PinnableSlice row;
  for (const AccountId id : ids) {
    if (!MayHaveAccount(id)) continue;
    row.Reset();
    const Key key = AccountKey(id);
    const rocksdb::Status status = database_->rocksdb().Get(
        options, database_->rocksdb().DefaultColumnFamily(), key.slice(), &row);
    if (status.IsNotFound()) continue;
    if (!status.ok()) return Failed(status, "reading an account");
    if (row.size() != sizeof(Account)) return Damaged(key.slice());
    found.push_back(PackedRow<Account>(row)[0]);
  }
  return found;
}

absl::StatusOr<std::vector<IdRecord>> DiskState::ReadIds(
    std::vector<TransferId> ids) const {
  SortUnique(ids);
  std::vector<IdRecord> found;
  const auto at = NewIterator(/*fill_cache=*/true);
  for (const auto& run : runs_) {
    std::vector<TransferId> candidates;
    for (const TransferId id : ids) {
      if (run->MayContain(id, IdFilter::Hash(id))) candidates.push_back(id);
    }
    LEDGERD_RETURN_IF_ERROR(ReadIdsOfRun(*run, candidates, *at, found));
  }
  return found;
}

absl::Status DiskState::ReadIdsOfRun(const IdRun& run,
                                     const std::vector<TransferId>& ids,
                                     rocksdb::Iterator& at,
                                     std::vector<IdRecord>& found) const {
  const auto id_of = [](const IdRecord& record) { return record.id(); };
  for (const TransferId id : ids) {
    const Key key = IdsKey(run.number, id);
    if (!SeekRow(at, key)) {
      if (!at.status().ok()) return Failed(at.status(), "reading ids");
      // The run's least id is at or below this one, so a row must be.
      return Damaged(key.slice());
    }
    const PackedRow<IdRecord> row(at.value());
    if (!row.valid()) return Damaged(at.key());
    if (const auto record = FindInRow(row, id, id_of)) {
      found.push_back(*record);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Transfer>> DiskState::ReadTransfers(
    std::vector<Timestamp> timestamps) const {
  SortUnique(timestamps);
  LEDGERD_ASSIGN_OR_RETURN(auto found,
                           FindRecords<Transfer>(TransfersKey, timestamps));
  return AllFound(TransfersKey, timestamps, std::move(found));
}

absl::StatusOr<std::vector<AccountTime>> DiskState::ReadAccountTimes(
    std::vector<Timestamp> timestamps) const {
  SortUnique(timestamps);
  LEDGERD_ASSIGN_OR_RETURN(
      auto found, FindRecords<AccountTime>(AccountTimesKey, timestamps));
  return AllFound(AccountTimesKey, timestamps, std::move(found));
}

absl::StatusOr<std::vector<std::pair<Timestamp, PendingState>>>
DiskState::ReadPendingStates(const std::vector<Timestamp>& transfers) const {
  std::vector<std::pair<Timestamp, PendingState>> found;
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  rocksdb::PinnableSlice row;
  for (const Timestamp transfer : transfers) {
    row.Reset();
    const Key key = PendingStateKey(transfer);
    const rocksdb::Status status = database_->rocksdb().Get(
        options, database_->rocksdb().DefaultColumnFamily(), key.slice(), &row);
    if (status.IsNotFound()) return Damaged(key.slice());
    if (!status.ok()) return Failed(status, "reading a pending state");
    if (row.size() != 1) return Damaged(key.slice());
    found.emplace_back(transfer, static_cast<PendingState>(row[0]));
  }
  return found;
}

template <typename Record>
absl::StatusOr<std::vector<Record>> DiskState::FindRecords(
    Key (*key_of)(Timestamp), const std::vector<Timestamp>& timestamps) const {
  std::vector<Record> found;
  const auto at = NewIterator(/*fill_cache=*/true);
  PackedRow<Record> row{rocksdb::Slice()};  // None yet: it is not valid.
  for (const Timestamp timestamp : timestamps) {
    if (!row.valid() || row.back().timestamp < timestamp) {
      row = PackedRow<Record>(rocksdb::Slice());
      const bool there = SeekRow(*at, key_of(timestamp));
      if (!at->status().ok()) return Failed(at->status(), "reading rows");
      if (!there) continue;
      row = PackedRow<Record>(at->value());
      if (!row.valid()) return Damaged(at->key());
    }
    const auto record = FindInRow(row, timestamp, kTimestampOf);
    if (record.has_value()) found.push_back(*record);
  }
  return found;
}

template <typename Record>
absl::StatusOr<std::vector<Record>> DiskState::AllFound(
    Key (*key_of)(Timestamp), const std::vector<Timestamp>& timestamps,
    std::vector<Record> found) const {
  for (size_t i = 0; i < timestamps.size(); ++i) {
    if (i == found.size() || found[i].timestamp != timestamps[i]) {
      return Damaged(key_of(timestamps[i]).slice());
    }
  }
  return found;
}

template <typename Record>
absl::StatusOr<std::vector<Timestamp>> DiskState::FindTimes(
    Key (*key_of)(Timestamp), std::vector<Timestamp> timestamps) const {
  SortUnique(timestamps);
  LEDGERD_ASSIGN_OR_RETURN(const auto records,
                           FindRecords<Record>(key_of, timestamps));
  std::vector<Timestamp> found;
  found.reserve(records.size());
  for (const Record& record : records) found.push_back(record.timestamp);
  return found;
}

absl::StatusOr<std::vector<Timestamp>> DiskState::FindAccountTimes(
    std::vector<Timestamp> timestamps) const {
  return FindTimes<AccountTime>(AccountTimesKey, std::move(timestamps));
}

absl::StatusOr<std::vector<Timestamp>> DiskState::FindTransferTimes(
    std::vector<Timestamp> timestamps) const {
  return FindTimes<Transfer>(TransfersKey, std::move(timestamps));
}

absl::StatusOr<std::vector<Expiry>> DiskState::ReadExpiries(
    Expiry from, Timestamp until, size_t limit) const {
  std::vector<Expiry> found;
  const auto at = NewIterator(/*fill_cache=*/true);
  const Key key = ExpiryKey(from.expires_at, from.transfer);
  for (at->Seek(key.slice()); found.size() < limit; at->Next()) {
    if (!at->Valid() || !SameUnit(key.slice(), at->key())) break;
    if (at->key().size() != key.slice().size()) return Damaged(at->key());
    found.push_back({Timestamp(KeyNumber(at->key(), 1)),
                     Timestamp(KeyNumber(at->key(), 9))});
    if (found.back().expires_at > until) break;
  }
  if (!at->status().ok()) return Failed(at->status(), "reading expiries");
  return found;
}

absl::Status DiskState::Scan(
    const Key& prefix,
    const std::function<absl::Status(const rocksdb::Slice& key,
                                     const rocksdb::Slice& value)>& row) const {
  // Damage of the next table's file is not this one's.
  const std::string end = EndOfPrefix(prefix.slice());
  const rocksdb::Slice upper_bound(end);
  const auto at = NewIterator(/*fill_cache=*/false, &upper_bound);
  for (at->Seek(prefix.slice()); at->Valid(); at->Next()) {
    LEDGERD_RETURN_IF_ERROR(row(at->key(), at->value()));
  }
  return Failed(at->status(), "scanning the state");
}

// ---- loading

absl::StatusOr<std::shared_ptr<const DiskState>> DiskState::Load(
    std::shared_ptr<StateDatabase> database, uint64_t filter_bytes_max) {
  const DiskState bare(database, {}, {}, {});
  LEDGERD_ASSIGN_OR_RETURN(const CheckpointRecord record, bare.LoadRecord());
  LEDGERD_ASSIGN_OR_RETURN(IdRuns runs, bare.LoadRuns(filter_bytes_max));
  LEDGERD_ASSIGN_OR_RETURN(EventRuns event_runs, bare.LoadEventRuns());
  if (!event_runs.empty() &&
      event_runs.back().last != record.applied.entry.sequence) {
    event_runs.clear();
  }
  return std::make_shared<const DiskState>(
      std::move(database), record, std::move(runs), std::move(event_runs));
}

absl::StatusOr<CheckpointRecord> DiskState::LoadRecord() const {
  std::optional<CheckpointRecord> record;
  LEDGERD_RETURN_IF_ERROR(
      Scan(MetaKey(), [&](const rocksdb::Slice&, const rocksdb::Slice& value) {
        auto decoded = DecodeCheckpoint({value.data(), value.size()});
        if (decoded.ok()) record = *decoded;
        return decoded.status();
      }));
  if (record.has_value()) return *record;
  const auto any = NewIterator(/*fill_cache=*/false);
  any->SeekToFirst();
  LEDGERD_RETURN_IF_ERROR(Failed(any->status(), "reading the state"));
  if (any->Valid()) return absl::DataLossError("the state has no checkpoint");
  return CheckpointRecord();
}

absl::StatusOr<IdRuns> DiskState::LoadRuns(uint64_t filter_bytes_max) const {
  IdRuns runs;
  LEDGERD_RETURN_IF_ERROR(
      Scan(Key(Table::kRuns),
           [&](const rocksdb::Slice& key, const rocksdb::Slice& value) {
             if (key.size() != 9) return Damaged(key);
             const auto run = DecodeIdRun(KeyNumber(key, 1), value);
             if (!run.has_value()) return Damaged(key);
             runs.push_back(std::make_shared<IdRun>(*run));
             return absl::OkStatus();
           }));
  for (auto& run : RunsWithinBudget(runs, filter_bytes_max)) {
    auto loaded = std::make_shared<IdRun>(*run);
    LEDGERD_ASSIGN_OR_RETURN(loaded->filter, LoadFilter(*run));
    *std::find(runs.begin(), runs.end(), run) = std::move(loaded);
  }
  return runs;
}

// A state of format 1 has none.
absl::StatusOr<EventRuns> DiskState::LoadEventRuns() const {
  EventRuns runs;
  LEDGERD_RETURN_IF_ERROR(
      Scan(Key(Table::kEventRuns),
           [&](const rocksdb::Slice& key, const rocksdb::Slice& value) {
             if (key.size() != 9) return Damaged(key);
             const auto run = DecodeEventRun(Sequence(KeyNumber(key, 1)),
                                             {value.data(), value.size()});
             if (!run.has_value()) return Damaged(key);
             // A build that knew no events has written in between.
             if (!runs.empty() && runs.back().last.Next() != run->first) {
               runs.clear();
             }
             runs.push_back(*run);
             return absl::OkStatus();
           }));
  return runs;
}

absl::StatusOr<std::shared_ptr<const IdFilter>> DiskState::LoadFilter(
    const IdRun& run) const {
  auto filter = std::make_shared<IdFilter>(IdFilter::OfBytes(run.filter_bytes));
  uint64_t at = 0;
  const Key prefix = Key(Table::kFilters).Add(run.number);
  LEDGERD_RETURN_IF_ERROR(
      Scan(prefix, [&](const rocksdb::Slice& key, const rocksdb::Slice& value) {
        if (at + value.size() > run.filter_bytes) return Damaged(key);
        std::memcpy(filter->mutable_bytes() + at, value.data(), value.size());
        at += value.size();
        return absl::OkStatus();
      }));
  if (at != run.filter_bytes) return Damaged(prefix.slice());
  return filter;
}

}  // namespace ledgerd::storage
