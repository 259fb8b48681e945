// A TransferTable holds the transfers that were created in one delta, in the
// order of their timestamps.
//
//   table.Append(transfer);
//   const Transfer* found = table.Find(transfer.id);
//
// Threads  Not thread-safe while it changes.
#ifndef LEDGERD_STORAGE_TRANSFER_TABLE_H_
#define LEDGERD_STORAGE_TRANSFER_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "proto/types.h"
#include "storage/indexed_rows.h"
#include "storage/row_index.h"

namespace ledgerd::storage {

class TransferTable {
 public:
  TransferTable() : index_(&rows_) {}

  TransferTable(const TransferTable&) = delete;
  TransferTable& operator=(const TransferTable&) = delete;

  const Transfer* Find(TransferId id) const {
    const std::optional<size_t> found = index_.Find(id);
    return found.has_value() ? &rows_[*found] : nullptr;
  }

  // Makes room in the index for so many.
  void Reserve(size_t transfers) { index_.Reserve(transfers); }

  // Requires: the id is new, the timestamp above all others.
  void Append(const Transfer& transfer) {
    rows_.Append(transfer);
    index_.Add(rows_.size() - 1);
  }

  // Requires: not empty.
  void RemoveLast() {
    index_.Remove(rows_.back().id);
    rows_.RemoveLast();
  }

  const IndexedRows<Transfer>& rows() const { return rows_; }

  uint64_t bytes() const {
    return rows_.size() * (sizeof(Transfer) + Index::kBytesPerRow);
  }

 private:
  struct IdOf {
    TransferId operator()(const Transfer& row) const { return row.id; }
  };

  using Index = RowIndex<IndexedRows<Transfer>, IdOf>;

  IndexedRows<Transfer> rows_;
  Index index_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_TRANSFER_TABLE_H_
