// A PendingLog remembers what became of pending transfers in one delta, in the
// order in which it did, so that the state of a transfer is known for any
// moment.
//
//   log.Append({transfer.timestamp, PendingState::kPosted});  // replica thread
//   PendingLogView view = log.View();                         // replica thread
//   PendingState state = view.Find(transfer.timestamp);       // any thread
//
// Shape    As IndexedRows: blocks that never move, the index of a full one made
//          by the first look-up.
// Threads  The log belongs to the replica thread; a view, which sees what was
//          there when it was made, to one thread at a time. Its owner keeps the
//          log alive.
#ifndef LEDGERD_STORAGE_PENDING_LOG_H_
#define LEDGERD_STORAGE_PENDING_LOG_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "proto/base/mutex.h"
#include "proto/types.h"
#include "storage/chunked_vector.h"

namespace ledgerd::storage {

// A pending transfer's state, from some moment on.
struct PendingChange {
  Timestamp transfer;
  PendingState state = PendingState::kNone;
};

// The numbers of a block's changes, by transfer, the oldest change first.
class PendingBlockIndex {
 public:
  // Any thread.
  PendingState Find(const PendingChange* changes, size_t count,
                    Timestamp transfer);

 private:
  Mutex mutex_;
  // Made once; then it does not change any more.
  std::vector<uint16_t> sorted_ LEDGERD_GUARDED_BY(mutex_);
};

class PendingLogView {
 public:
  // The state since the newest change; kNone when there was none.
  PendingState Find(Timestamp transfer);

 private:
  friend class PendingLog;

  size_t size_ = 0;
  std::vector<const PendingChange*> blocks_;
  std::vector<PendingBlockIndex*> indexes_;
  // Of the last block, as long as it is not full.
  std::unique_ptr<PendingBlockIndex> last_;
};

class PendingLog {
 public:
  static constexpr size_t kBlock = 4096;

  void Append(const PendingChange& change) { changes_.Append(change); }

  size_t size() const { return changes_.size(); }

  PendingLogView View() const;

 private:
  ChunkedVector<PendingChange, kBlock> changes_;
  // Of the full blocks that a view has seen.
  mutable std::vector<std::unique_ptr<PendingBlockIndex>> indexes_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_PENDING_LOG_H_
