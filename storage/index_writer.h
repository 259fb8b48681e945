// Writes the index of rows that were created after all that are indexed
// already: for every field the list of timestamps of each value.
//
//   LEDGERD_RETURN_IF_ERROR(WriteIndex(delta.transfers.rows(), 512, files));
//   LEDGERD_RETURN_IF_ERROR(WriteIndex(delta.created_accounts, 512, files));
//
// Shape    One row for a value, or several of the size given, in the order
//          of keys: transfers come before accounts.
// Errors   As IngestFiles.
// Threads  Reads rows that nobody changes any more.
// Source   FORMAT.md, "The state".
#ifndef LEDGERD_STORAGE_INDEX_WRITER_H_
#define LEDGERD_STORAGE_INDEX_WRITER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"

#include "proto/base/status_macros.h"
#include "proto/types.h"
#include "storage/index_field.h"
#include "storage/indexed_rows.h"
#include "storage/ingest_files.h"
#include "storage/row_index.h"

namespace ledgerd::storage {

// Groups rows by the value of one field. Values come in any order, and many
// times: each is found once by its hash, and only the different ones are
// sorted.
class ValueGroups {
 public:
  explicit ValueGroups(size_t row_count) : numbers_(&groups_) {
    groups_of_.reserve(row_count);
  }

  ValueGroups(const ValueGroups&) = delete;
  ValueGroups& operator=(const ValueGroups&) = delete;

  // The next row's.
  void Add(Uint128 value) {
    if (groups_of_.empty() || value != last_value_) {
      last_value_ = value;
      last_group_ = GroupOf(value);
    }
    groups_of_.push_back(last_group_);
    ++groups_[last_group_].count;
  }

  // Writes the lists. `timestamps` are those of the rows.
  absl::Status Write(IndexField field, const std::vector<Timestamp>& timestamps,
                     size_t row_bytes, IngestFiles& files);

 private:
  struct Group {
    Uint128 value = 0;
    uint32_t count = 0;
    // Where its timestamps begin among those of all groups.
    uint32_t begin = 0;
  };

  uint32_t GroupOf(Uint128 value) {
    const size_t number =
        numbers_.FindOrAdd({High(value), Low(value)}, groups_.size());
    if (number == groups_.size()) groups_.push_back({.value = value});
    return static_cast<uint32_t>(number);
  }

  struct ValueOf {
    // A pair, which has a hash.
    std::pair<uint64_t, uint64_t> operator()(const Group& group) const {
      return {High(group.value), Low(group.value)};
    }
  };

  // The timestamps of the groups, one group after the other.
  std::vector<Timestamp> Distribute(const std::vector<Timestamp>& timestamps);

  std::vector<uint32_t> groups_of_;
  std::vector<Group> groups_;
  RowIndex<std::vector<Group>, ValueOf> numbers_;
  Uint128 last_value_ = 0;
  uint32_t last_group_ = 0;
};

// The index of rows that come in the order of their timestamps.
template <typename Row>
class IndexBuilder {
 public:
  explicit IndexBuilder(size_t row_count) {
    timestamps_.reserve(row_count);
    for (size_t f = 0; f < Fields::kAll.size(); ++f) {
      groups_.emplace_back(row_count);
    }
  }

  // Few rows at once stay in the processor's cache for all fields.
  void Add(absl::Span<const Row> rows) {
    for (const Row& row : rows) timestamps_.push_back(row.timestamp);
    for (size_t f = 0; f < groups_.size(); ++f) {
      for (const Row& row : rows) {
        groups_[f].Add(Fields::ValueOf(Fields::kAll[f], row));
      }
    }
  }

  // Rows added so far.
  size_t size() const { return timestamps_.size(); }

  // Lists are cut into rows of about `row_bytes`. Once: what is written is let
  // go, field by field.
  absl::Status Write(size_t row_bytes, IngestFiles& files) {
    for (const IndexField field : Fields::kAll) {
      LEDGERD_RETURN_IF_ERROR(
          groups_.front().Write(field, timestamps_, row_bytes, files));
      groups_.pop_front();
    }
    return absl::OkStatus();
  }

 private:
  using Fields = IndexedFields<Row>;

  std::vector<Timestamp> timestamps_;
  // Of each field; none of them moves.
  std::deque<ValueGroups> groups_;
};

template <typename Row>
absl::Status WriteIndex(const IndexedRows<Row>& rows, size_t row_bytes,
                        IngestFiles& files) {
  constexpr size_t kRowsAtOnce = 512;
  static_assert(IndexedRows<Row>::kChunk % kRowsAtOnce == 0);
  IndexBuilder<Row> index(rows.size());
  for (size_t i = 0; i < rows.size(); i += kRowsAtOnce) {
    index.Add(
        absl::MakeConstSpan(&rows[i], std::min(kRowsAtOnce, rows.size() - i)));
  }
  return index.Write(row_bytes, files);
}

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_INDEX_WRITER_H_
