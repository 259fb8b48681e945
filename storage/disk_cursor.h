// A DiskCursor walks over the timestamps in packed rows of a DiskState, in
// either direction.
//
//   auto debits = IndexListCursor(disk, IndexField::kDebitAccount, account,
//                                 /*reversed=*/true);
//   auto all = AllTransfersCursor(disk, /*reversed=*/false);
//
// Shape    Rows whose keys are a prefix and the row's first timestamp. Inside a
//          row, and to the next one, it moves without a new search.
// Errors   As DiskState, in status().
#ifndef LEDGERD_STORAGE_DISK_CURSOR_H_
#define LEDGERD_STORAGE_DISK_CURSOR_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "rocksdb/iterator.h"
#include "rocksdb/slice.h"

#include "proto/types.h"
#include "storage/disk_state.h"
#include "storage/index_field.h"
#include "storage/state_keys.h"
#include "storage/timestamp_cursor.h"
#include "storage/timestamp_list.h"

namespace ledgerd::storage {

class DiskCursor final : public TimestampCursor {
 public:
  // Replaces the runs by those of a row; false when it is malformed.
  using Unpack = bool (*)(Timestamp first, const rocksdb::Slice& row,
                          std::vector<TimestampRun>& runs);

  // `disk` outlives this.
  DiskCursor(const DiskState& disk, const Key& prefix, Unpack unpack,
             bool reversed)
      : TimestampCursor(reversed),
        disk_(disk),
        prefix_(prefix),
        unpack_(unpack) {}

  absl::Status status() const override { return status_; }

 private:
  Timestamp Find(Timestamp from) override;

  // Moves to the row that is next in the direction of the cursor; then to the
  // first one that can have what is looked for. False when there is none.
  bool MoveOn(Timestamp from);
  bool SearchForwards(Timestamp from);
  bool SearchBackwards(Timestamp from);

  // Makes the iterator's row the current one; false when it is not one of ours.
  bool Load();
  // In the current row.
  Timestamp FindInRow(Timestamp from) const;

  // Whether the current row may have something at or beyond `from`.
  bool Reaches(Timestamp from) const {
    return reversed() ? runs_.front().first <= from : runs_.back().last >= from;
  }

  Key KeyOf(Timestamp first) const { return Key(prefix_).Add(first.value()); }

  const DiskState& disk_;
  const Key prefix_;
  const Unpack unpack_;
  std::unique_ptr<rocksdb::Iterator> at_;
  // Of the current row; empty when there is none.
  std::vector<TimestampRun> runs_;
  absl::Status status_;
};

std::unique_ptr<TimestampCursor> IndexListCursor(const DiskState& disk,
                                                 IndexField field,
                                                 Uint128 value, bool reversed);
std::unique_ptr<TimestampCursor> AllTransfersCursor(const DiskState& disk,
                                                    bool reversed);
std::unique_ptr<TimestampCursor> AllAccountsCursor(const DiskState& disk,
                                                   bool reversed);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_DISK_CURSOR_H_
