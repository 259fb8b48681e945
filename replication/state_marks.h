// StateMarks remember what the state's hash was after each of the last entries,
// so that replicas which go on are compared as of one and the same entry.
//
//   ReplicaOptions options;
//   options.marks = &marks;
//   ...
//   absl::StatusOr<StateMark> mark = marks.At(Sequence(7));
//
// Shape    The last kKept entries that were applied, dense. What is noted that
//          does not follow the one before begins anew: the state was opened, or
//          replaced by a checkpoint.
// Errors   UNAVAILABLE   not applied yet.
//          OUT_OF_RANGE  too long ago, or before this process applied any.
// Threads  Any. Note takes a mutex that is held for a few instructions alone.
#ifndef LEDGERD_REPLICATION_STATE_MARKS_H_
#define LEDGERD_REPLICATION_STATE_MARKS_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/base/mutex.h"
#include "proto/base/uint128.h"
#include "proto/entry.h"
#include "proto/types.h"

namespace ledgerd::replication {

// The state as of an entry. It depends on the entries up to there alone: two
// replicas that have another one there are not replicas of each other.
struct StateMark {
  EntryId entry;
  Uint128 state_hash = 0;

  friend bool operator==(const StateMark&, const StateMark&) = default;
};

class StateMarks {
 public:
  // What a busy group applies in some seconds; 1 MiB.
  static constexpr size_t kKept = 16'384;

  StateMarks() : ring_(kKept) {}

  void Note(const StateMark& mark) LEDGERD_EXCLUDES(mutex_);

  absl::StatusOr<StateMark> At(Sequence sequence) const
      LEDGERD_EXCLUDES(mutex_);

  // Nothing before the state was opened, and on a witness.
  std::optional<StateMark> newest() const LEDGERD_EXCLUDES(mutex_);

 private:
  const StateMark& Of(uint64_t sequence) const LEDGERD_REQUIRES(mutex_) {
    return ring_[sequence % kKept];
  }

  mutable Mutex mutex_;
  // That of sequence s is at s % kKept.
  std::vector<StateMark> ring_ LEDGERD_GUARDED_BY(mutex_);
  bool empty_ LEDGERD_GUARDED_BY(mutex_) = true;
  uint64_t first_ LEDGERD_GUARDED_BY(mutex_) = 0;
  uint64_t last_ LEDGERD_GUARDED_BY(mutex_) = 0;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_STATE_MARKS_H_
