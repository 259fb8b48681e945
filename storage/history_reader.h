// Reads the balances of an account after its transfers from the disk.
//
//   HistoryReader reader(*disk, account);
//   LEDGERD_ASSIGN_OR_RETURN(auto balances, reader.Find(transfer.timestamp));
//
// Shape    Timestamps that ascend or descend are found without a new search
//          most of the time.
// Errors   As DiskState.
// Threads  One at a time; the disk outlives it.
#ifndef LEDGERD_STORAGE_HISTORY_READER_H_
#define LEDGERD_STORAGE_HISTORY_READER_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "rocksdb/iterator.h"

#include "proto/types.h"
#include "storage/disk_state.h"
#include "storage/history_row.h"

namespace ledgerd::storage {

class HistoryReader {
 public:
  HistoryReader(const DiskState& disk, AccountId account)
      : disk_(disk),
        account_(account),
        rows_(disk.NewIterator(/*fill_cache=*/true)) {}

  // After the transfer of just this timestamp; nothing when there are none.
  absl::StatusOr<std::optional<AccountBalances>> Find(Timestamp timestamp);

 private:
  bool Covers(Timestamp timestamp) const {
    return !row_.empty() && row_.front().timestamp <= timestamp &&
           timestamp <= row_.back().timestamp;
  }

  const DiskState& disk_;
  const AccountId account_;
  const std::unique_ptr<rocksdb::Iterator> rows_;
  std::vector<AccountBalances> row_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_HISTORY_READER_H_
