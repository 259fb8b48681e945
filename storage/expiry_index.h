// The ExpiryIndex orders the pending transfers by when they expire: those of
// the deltas in memory, and of those on the disk as far as they have been read.
//
//   index.Add(expiry, transfer.id);
//   if (!index.Covers(now, limit)) {
//     // elsewhere: page = ReadExpiries(index.disk_begin(), now, ...)
//     if (!index.Load(page)) ...  // plan again
//   }
//   const std::vector<TransferId> due = index.Find(now, limit);
//
// Shape    What is on the disk and was removed since stays there until the next
//          checkpoint. So the index keeps where the disk's part begins that is
//          not all removed: reads start there, and next() is never late. Adding
//          an expiry back (undo) moves that place back.
// Threads  Belongs to the replica thread.
#ifndef LEDGERD_STORAGE_EXPIRY_INDEX_H_
#define LEDGERD_STORAGE_EXPIRY_INDEX_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "proto/types.h"
#include "storage/state_delta.h"

namespace ledgerd::storage {

// After all expiries.
inline constexpr Expiry kNoExpiry = {Timestamp(~uint64_t{0}),
                                     Timestamp(~uint64_t{0})};

// A piece of the disk's expiries: all that are in from .. rest, without rest.
struct ExpiryPage {
  Expiry from;
  std::vector<std::pair<Expiry, TransferId>> expiries;
  // The next one on the disk, or kNoExpiry.
  Expiry rest = kNoExpiry;
};

class ExpiryIndex {
 public:
  // `disk_begin` is at or before the first one on the disk.
  explicit ExpiryIndex(Expiry disk_begin) : rest_(disk_begin) {}

  // What the deltas above the disk are. `frozen` may be null.
  void SetDeltas(StateDelta* active, const StateDelta* frozen);

  // The frozen delta is on the disk now, and is not looked at any more.
  void MoveFrozenToDisk();

  void Add(const Expiry& expiry, TransferId id);
  void Remove(const Expiry& expiry);

  // The earliest, or an earlier time; kNoExpiry when there is none.
  Expiry next();

  // All expiries on the disk before it are removed.
  Expiry disk_begin();

  // How many expiries on the disk from disk_begin() to `now` are removed.
  size_t CountRemoved(Timestamp now);

  // False when the page begins after disk_begin().
  bool Load(ExpiryPage page);

  // Whether Find(now, limit) knows all that it needs.
  bool Covers(Timestamp now, size_t limit);

  // The transfers that are due at `now`, in order; at most `limit`.
  // Requires: Covers(now, limit).
  std::vector<TransferId> Find(Timestamp now, size_t limit);

 private:
  using Added = absl::btree_map<Expiry, TransferId>;

  bool RemovedFromDisk(const Expiry& expiry) const;
  // Moves at_ and frozen_at_ over what is removed.
  void Skip();

  StateDelta* active_ = nullptr;
  const StateDelta* frozen_ = nullptr;
  // The first of frozen_->added_expiries that may not be removed.
  Added::const_iterator frozen_at_;

  // What has been read of the disk, from at_ on, and where it goes on.
  std::vector<std::pair<Expiry, TransferId>> known_;
  size_t at_ = 0;
  Expiry rest_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_EXPIRY_INDEX_H_
