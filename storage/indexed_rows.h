// IndexedRows are the accounts or transfers that were created in one delta, in
// the order of their timestamps. They grow on one thread while others read them
// by the value of a field.
//
//   rows.Append(transfer);                           // replica thread
//   RowsView<Transfer> view = rows.View();           // replica thread
//   RowsCursor<Transfer> debits(view, IndexField::kDebitAccount, 7,
//                               /*reversed=*/false);  // any thread
//
// Shape    Blocks that never move. The index of a field of a full block is made
//          by the first query that needs it, and stays; the rows of the last
//          block are looked at one by one. So rows that nobody asks for cost
//          nothing.
// Memory   An index takes 8 KiB for a block of 512 KiB.
// Threads  The rows belong to the replica thread. A view sees those that were
//          there when it was made and is for any thread; its owner keeps the
//          rows alive. Rows that a view sees are never removed.
#ifndef LEDGERD_STORAGE_INDEXED_ROWS_H_
#define LEDGERD_STORAGE_INDEXED_ROWS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/types/span.h"

#include "proto/base/mutex.h"
#include "proto/types.h"
#include "storage/chunked_vector.h"
#include "storage/index_field.h"
#include "storage/timestamp_cursor.h"

namespace ledgerd::storage {

inline constexpr size_t kIndexedBlockRows = 4096;

// The indexes of one full block.
template <typename Row>
class BlockIndex {
 public:
  // The numbers of the block's rows, ascending, that have `value` in `field`.
  // Any thread; valid as long as this.
  absl::Span<const uint16_t> Find(const Row* rows, IndexField field,
                                  Uint128 value) {
    const auto value_of = [&](uint16_t row) {
      return IndexedFields<Row>::ValueOf(field, rows[row]);
    };
    const Sorted& sorted = SortedBy(rows, field);
    const auto below = [&](uint16_t row, Uint128 v) {
      return value_of(row) < v;
    };
    const auto above = [&](Uint128 v, uint16_t row) {
      return v < value_of(row);
    };
    const auto* const begin =
        std::lower_bound(sorted.begin(), sorted.end(), value, below);
    const auto* const end = std::upper_bound(begin, sorted.end(), value, above);
    return absl::MakeConstSpan(begin, end);
  }

 private:
  using Sorted = std::array<uint16_t, kIndexedBlockRows>;

  const Sorted& SortedBy(const Row* rows, IndexField field) {
    const MutexLock lock(mutex_);
    auto& sorted = sorted_[IndexFieldPlace<Row>(field)];
    if (sorted != nullptr) return *sorted;
    sorted = std::make_unique<Sorted>();
    std::iota(sorted->begin(), sorted->end(), uint16_t{0});
    std::stable_sort(sorted->begin(), sorted->end(),
                     [&](uint16_t a, uint16_t b) {
                       return IndexedFields<Row>::ValueOf(field, rows[a]) <
                              IndexedFields<Row>::ValueOf(field, rows[b]);
                     });
    return *sorted;
  }

  Mutex mutex_;
  // By the field's place. What is there does not change any more.
  std::array<std::unique_ptr<Sorted>, IndexedFields<Row>::kAll.size()> sorted_
      LEDGERD_GUARDED_BY(mutex_);
};

template <typename Row>
class RowsView {
 public:
  RowsView() = default;

  RowsView(size_t size, std::vector<const Row*> blocks,
           std::vector<BlockIndex<Row>*> indexes)
      : size_(size), blocks_(std::move(blocks)), indexes_(std::move(indexes)) {}

  size_t size() const { return size_; }

  const Row& operator[](size_t i) const {
    return blocks_[i / kIndexedBlockRows][i % kIndexedBlockRows];
  }

  // The first row at or after `timestamp`; size() when there is none.
  size_t LowerBound(Timestamp timestamp) const {
    size_t low = 0;
    size_t high = size_;
    while (low < high) {
      const size_t middle = (low + high) / 2;
      if ((*this)[middle].timestamp < timestamp) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  // The row of just this timestamp, or null.
  const Row* Find(Timestamp timestamp) const {
    const size_t i = LowerBound(timestamp);
    return i < size_ && (*this)[i].timestamp == timestamp ? &(*this)[i]
                                                          : nullptr;
  }

  size_t block_count() const { return blocks_.size(); }

  const Row* block(size_t i) const { return blocks_[i]; }

  // Null for the last block as long as it is not full.
  BlockIndex<Row>* index(size_t i) const {
    return i < indexes_.size() ? indexes_[i] : nullptr;
  }

 private:
  size_t size_ = 0;
  std::vector<const Row*> blocks_;
  std::vector<BlockIndex<Row>*> indexes_;
};

template <typename Row>
class IndexedRows {
 public:
  static constexpr size_t kChunk = kIndexedBlockRows;

  size_t size() const { return rows_.size(); }

  bool empty() const { return rows_.empty(); }

  const Row& operator[](size_t i) const { return rows_[i]; }

  const Row& back() const { return rows_.back(); }

  // Requires: its timestamp is above all others.
  void Append(const Row& row) { rows_.Append(row); }

  // Requires: not empty; no view has seen the last row.
  void RemoveLast() { rows_.RemoveLast(); }

  bool HasTimestamp(Timestamp timestamp) const {
    size_t low = 0;
    size_t high = rows_.size();
    while (low < high) {
      const size_t middle = (low + high) / 2;
      if (rows_[middle].timestamp < timestamp) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < rows_.size() && rows_[low].timestamp == timestamp;
  }

  RowsView<Row> View() const {
    while (indexes_.size() < rows_.size() / kChunk) {
      indexes_.push_back(std::make_unique<BlockIndex<Row>>());
    }
    std::vector<const Row*> blocks;
    for (size_t i = 0; i * kChunk < rows_.size(); ++i) {
      blocks.push_back(rows_.chunk(i));
    }
    std::vector<BlockIndex<Row>*> indexes;
    for (const auto& index : indexes_) indexes.push_back(index.get());
    return {rows_.size(), std::move(blocks), std::move(indexes)};
  }

 private:
  ChunkedVector<Row, kChunk> rows_;
  // Of the full blocks that a view has seen. Views are made by the replica
  // thread also of rows that do not change any more.
  mutable std::vector<std::unique_ptr<BlockIndex<Row>>> indexes_;
};

// The timestamps of the rows of a view that have `value` in `field`.
template <typename Row>
class RowsCursor final : public TimestampCursor {
 public:
  // `view` outlives this.
  RowsCursor(const RowsView<Row>& view, IndexField field, Uint128 value,
             bool reversed)
      : TimestampCursor(reversed),
        view_(view),
        field_(field),
        value_(value),
        block_(view.block_count()) {}

 private:
  Timestamp Find(Timestamp from) override {
    return reversed() ? FindBackwards(from) : FindForwards(from);
  }

  Timestamp FindForwards(Timestamp from) {
    size_t row = view_.LowerBound(from);
    for (size_t block = row / kIndexedBlockRows; block < view_.block_count();
         ++block) {
      const auto matching = Matching(block);
      const auto* const at =
          std::lower_bound(matching.begin(), matching.end(),
                           static_cast<uint16_t>(row % kIndexedBlockRows));
      if (at != matching.end()) return view_.block(block)[*at].timestamp;
      row = 0;
    }
    return kNoTimestamp;
  }

  Timestamp FindBackwards(Timestamp from) {
    // The rows below `end` are at or before it.
    for (size_t end = view_.LowerBound(from.Next()); end > 0;) {
      const size_t block = (end - 1) / kIndexedBlockRows;
      const auto matching = Matching(block);
      const auto* const at = std::upper_bound(
          matching.begin(), matching.end(),
          static_cast<uint16_t>((end - 1) % kIndexedBlockRows));
      if (at != matching.begin()) return view_.block(block)[at[-1]].timestamp;
      end = block * kIndexedBlockRows;
    }
    return kNoTimestamp;
  }

  // The numbers of the rows of a block that match, ascending.
  absl::Span<const uint16_t> Matching(size_t block) {
    if (block == block_) return matching_;
    block_ = block;
    const Row* const rows = view_.block(block);
    if (BlockIndex<Row>* index = view_.index(block)) {
      matching_ = index->Find(rows, field_, value_);
    } else {
      matching_ = LookThrough(rows, view_.size() - block * kIndexedBlockRows);
    }
    return matching_;
  }

  absl::Span<const uint16_t> LookThrough(const Row* rows, size_t count) {
    if (!tail_.empty()) return tail_;
    for (size_t i = 0; i < count; ++i) {
      if (IndexedFields<Row>::ValueOf(field_, rows[i]) == value_) {
        tail_.push_back(static_cast<uint16_t>(i));
      }
    }
    return tail_;
  }

  const RowsView<Row>& view_;
  const IndexField field_;
  const Uint128 value_;
  // Whose rows `matching_` are; block_count() when it is none's.
  size_t block_;
  absl::Span<const uint16_t> matching_;
  std::vector<uint16_t> tail_;
};

// The timestamps of all rows of a view.
template <typename Row>
class AllRowsCursor final : public TimestampCursor {
 public:
  // `view` outlives this.
  AllRowsCursor(const RowsView<Row>& view, bool reversed)
      : TimestampCursor(reversed), view_(view) {}

 private:
  Timestamp Find(Timestamp from) override {
    if (reversed()) {
      const size_t end = view_.LowerBound(from.Next());
      return end == 0 ? kNoTimestamp : view_[end - 1].timestamp;
    }
    const size_t i = view_.LowerBound(from);
    return i == view_.size() ? kNoTimestamp : view_[i].timestamp;
  }

  const RowsView<Row>& view_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_INDEXED_ROWS_H_
