#include "storage/disk_cursor.h"

#include <algorithm>

#include "absl/strings/string_view.h"

#include "storage/packed_row.h"

namespace ledgerd::storage {
namespace {

bool UnpackList(Timestamp first, const rocksdb::Slice& row,
                std::vector<TimestampRun>& runs) {
  return UnpackTimestamps(first, absl::string_view(row.data(), row.size()),
                          runs);
}

template <typename Record>
bool UnpackRecords(Timestamp first, const rocksdb::Slice& bytes,
                   std::vector<TimestampRun>& runs) {
  const PackedRow<Record> row(bytes);
  if (!row.valid()) return false;
  runs.clear();
  for (size_t i = 0; i < row.size(); ++i) {
    const Timestamp timestamp = row[i].timestamp;
    runs.push_back({timestamp, timestamp});
  }
  return runs.front().first == first;
}

}  // namespace

Timestamp DiskCursor::Find(Timestamp from) {
  if (!status_.ok()) return kNoTimestamp;
  const bool found = (!runs_.empty() && Reaches(from)) || MoveOn(from);
  return found ? FindInRow(from) : kNoTimestamp;
}

bool DiskCursor::MoveOn(Timestamp from) {
  if (at_ == nullptr) {
    at_ = disk_.NewIterator(/*fill_cache=*/true);
  } else if (!runs_.empty()) {
    if (reversed()) {
      at_->Prev();
    } else {
      at_->Next();
    }
    if (!Load()) return false;
    if (Reaches(from)) return true;
  }
  return reversed() ? SearchBackwards(from) : SearchForwards(from);
}

bool DiskCursor::SearchBackwards(Timestamp from) {
  at_->SeekForPrev(KeyOf(from).slice());
  return Load();
}

bool DiskCursor::SearchForwards(Timestamp from) {
  at_->SeekForPrev(KeyOf(from).slice());
  if (Load()) {
    if (Reaches(from)) return true;
    at_->Next();
    return Load();
  }
  if (!status_.ok()) return false;
  at_->Seek(KeyOf(from).slice());
  return Load();
}

bool DiskCursor::Load() {
  runs_.clear();
  if (!at_->Valid()) {
    status_ = disk_.Failed(at_->status(), "reading an index");
    return false;
  }
  const rocksdb::Slice key = at_->key();
  const size_t prefix = prefix_.slice().size();
  if (!key.starts_with(prefix_.slice())) return false;
  if (key.size() != prefix + sizeof(uint64_t) ||
      !unpack_(Timestamp(KeyNumber(key, prefix)), at_->value(), runs_)) {
    status_ = disk_.Damaged(key);
    runs_.clear();
    return false;
  }
  return true;
}

Timestamp DiskCursor::FindInRow(Timestamp from) const {
  if (reversed()) {
    const auto after = std::upper_bound(
        runs_.begin(), runs_.end(), from,
        [](Timestamp a, const TimestampRun& b) { return a < b.first; });
    return std::min(std::prev(after)->last, from);
  }
  const auto run = std::lower_bound(
      runs_.begin(), runs_.end(), from,
      [](const TimestampRun& a, Timestamp b) { return a.last < b; });
  return std::max(run->first, from);
}

std::unique_ptr<TimestampCursor> IndexListCursor(const DiskState& disk,
                                                 IndexField field,
                                                 Uint128 value, bool reversed) {
  return std::make_unique<DiskCursor>(disk, IndexPrefix(field, value),
                                      UnpackList, reversed);
}

std::unique_ptr<TimestampCursor> AllTransfersCursor(const DiskState& disk,
                                                    bool reversed) {
  return std::make_unique<DiskCursor>(disk, Key(Table::kTransfers),
                                      UnpackRecords<Transfer>, reversed);
}

std::unique_ptr<TimestampCursor> AllAccountsCursor(const DiskState& disk,
                                                   bool reversed) {
  return std::make_unique<DiskCursor>(disk, Key(Table::kAccountTimes),
                                      UnpackRecords<AccountTime>, reversed);
}

}  // namespace ledgerd::storage
