// A HistoryView is the balance history of one delta as it was at a moment, in
// the order of its transfers.
//
//   HistoryView view(delta.history);                          // replica thread
//   const AccountBalances* b = view.Find(account, timestamp);  // any thread
//
// Threads  Made by the replica thread between two entries; then any. Its owner
//          keeps the delta alive.
#ifndef LEDGERD_STORAGE_HISTORY_VIEW_H_
#define LEDGERD_STORAGE_HISTORY_VIEW_H_

#include <cstddef>
#include <vector>

#include "proto/types.h"
#include "storage/chunked_vector.h"
#include "storage/history_row.h"

namespace ledgerd::storage {

class HistoryView {
 public:
  HistoryView() = default;

  explicit HistoryView(const ChunkedVector<HistoryRow>& history)
      : size_(history.size()) {
    for (size_t i = 0; i < size_; i += kChunk) chunks_.push_back(&history[i]);
  }

  // The balances of `account` after the transfer of just this timestamp; null
  // when there are none.
  const AccountBalances* Find(AccountId account, Timestamp timestamp) const {
    size_t low = 0;
    size_t high = size_;
    while (low < high) {
      const size_t middle = (low + high) / 2;
      if (At(middle).balances.timestamp < timestamp) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    for (; low < size_ && At(low).balances.timestamp == timestamp; ++low) {
      if (At(low).account == account) return &At(low).balances;
    }
    return nullptr;
  }

 private:
  static constexpr size_t kChunk = ChunkedVector<HistoryRow>::kChunk;

  const HistoryRow& At(size_t i) const {
    return chunks_[i / kChunk][i % kChunk];
  }

  size_t size_ = 0;
  std::vector<const HistoryRow*> chunks_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_HISTORY_VIEW_H_
