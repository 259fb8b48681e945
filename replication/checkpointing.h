// Checkpointing decides when the delta becomes a checkpoint, and carries it
// through.
//
//   checkpointing.Advance();        // after entries were applied
//   if (checkpointing.full()) ...   // apply nothing until the running one ends
//
// Shape    Starts when the delta's bytes or the events since the last one pass
//          their limits: memory, and the time that a restart replays. One at a
//          time; while it runs, a second delta fills; when that is full too,
//          full().
// Errors   RESOURCE_EXHAUSTED: tried again by Retry(); the old checkpoint
//          stands. Anything else is returned and fatal.
// Threads  Belongs to the replica thread.
// Source   architecture.md, "State"; storage/state_store.h.
#ifndef LEDGERD_REPLICATION_CHECKPOINTING_H_
#define LEDGERD_REPLICATION_CHECKPOINTING_H_

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

#include "replication/replica_work.h"
#include "storage/state_store.h"

namespace ledgerd::replication {

struct CheckpointLimits {
  // Of one delta; two may be in memory.
  uint64_t delta_bytes = uint64_t{80} << 20;
  // About 4 s of replay.
  uint64_t events = 1'000'000;
};

class Checkpointing {
 public:
  static constexpr std::chrono::milliseconds kRetryAfter{500};

  Checkpointing(CheckpointLimits limits, storage::StateStore& store,
                ReplicaWork& work)
      : limits_(limits), store_(store), work_(work) {}

  // Counts `events` applied, and begins a checkpoint when it is time.
  void Advance(size_t events);

  // Begins one now if anything was applied since the last; for a clean stop.
  void Begin();

  // Tries one again that found too little space, once in kRetryAfter.
  void Retry(std::chrono::steady_clock::time_point now);

  absl::Status OnWritten(const absl::Status& status);

  bool full() const { return running() && Due(); }

  bool running() const { return state_ != State::kNone; }

  // The last one found too little space, also while it is being tried again.
  bool out_of_space() const { return out_of_space_; }

 private:
  enum class State { kNone, kWriting, kOutOfSpace };

  bool Due() const;

  const CheckpointLimits limits_;
  storage::StateStore& store_;
  ReplicaWork& work_;
  State state_ = State::kNone;
  bool out_of_space_ = false;
  uint64_t events_ = 0;
  std::chrono::steady_clock::time_point retry_at_;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_CHECKPOINTING_H_
