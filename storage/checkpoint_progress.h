// CheckpointProgress tells how much of a checkpoint is written already.
//
//   progress.Begin(delta.disk_bytes_max());   // replica thread
//   progress.Restart();                       // checkpointer, before each try
//   progress.Add(value.size());               // checkpointer
//   progress.share();                         // replica thread: 0 to kWritten
//   progress.End();                           // replica thread
//
// Shape    Bytes, of as many as are to be expected: a delta's bound, times what
//          the last checkpoint needed of its own. Until one has ended nothing
//          can be expected, and the share is 1.
// Threads  As above; nothing waits.
#ifndef LEDGERD_STORAGE_CHECKPOINT_PROGRESS_H_
#define LEDGERD_STORAGE_CHECKPOINT_PROGRESS_H_

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace ledgerd::storage {

class CheckpointProgress {
 public:
  // The rest is to add the files to what is on the disk.
  static constexpr double kWritten = 0.85;

  void Begin(uint64_t bytes_max) {
    bytes_max_ = bytes_max;
    written_ = 0;
  }

  void Restart() { written_ = 0; }

  void Add(uint64_t bytes) {
    written_.fetch_add(bytes, std::memory_order_relaxed);
  }

  double share() const {
    if (needed_ <= 0) return 1;
    const double expected = static_cast<double>(bytes_max_) * needed_;
    return kWritten * std::min(1.0, static_cast<double>(written_) / expected);
  }

  void End() {
    needed_ = static_cast<double>(written_) / static_cast<double>(bytes_max_);
  }

 private:
  uint64_t bytes_max_ = 1;
  // Of the bound, by the last checkpoint; 0: there was none.
  double needed_ = 0;
  std::atomic<uint64_t> written_ = 0;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_CHECKPOINT_PROGRESS_H_
