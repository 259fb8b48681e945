// Checkpointing decides when the delta becomes a checkpoint, and carries it
// through.
//
//   checkpointing.Advance();        // after entries were applied
//   if (checkpointing.ahead()) ...  // take no new proposals for now
//   if (checkpointing.full()) ...   // apply nothing until the running one ends
//
// Shape    Starts when the delta's bytes or the events since the last one pass
//          their limits: memory, and the time that a restart replays. One at a
//          time; while it runs, a second delta fills; when that is full too,
//          full().
// Pace     A delta that fills faster than the one before is written would end
//          in a wait of the whole difference, for all that come then. So what
//          is new waits in small pieces, evenly: the delta may be as far filled
//          as the running checkpoint is expected to be far, by the time that
//          the last ones took; and hardly further than it is, when this one
//          takes longer.
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
  static constexpr int kWorthwhile = 64;

  Checkpointing(CheckpointLimits limits, storage::StateStore& store,
                ReplicaWork& work)
      : limits_(limits), store_(store), work_(work) {}

  // Counts `events` applied, and begins a checkpoint when it is time.
  void Advance(size_t events);

  // What a start had to replay is not replayed by the next one too, if it is
  // more than a kWorthwhile'th of what makes a checkpoint due.
  void AfterReplay();

  // Begins one now if anything was applied since the last; for a clean stop.
  void Begin();

  // Every 10 ms. Tries one again that found too little space, once in
  // kRetryAfter; lets the delta fill further.
  void OnTick(std::chrono::steady_clock::time_point now);

  absl::Status OnWritten(const absl::Status& status);

  // The state is another one: what was to be written is gone with the old one.
  void Reset();

  bool full() const { return running() && Due(); }

  // The delta has filled faster than its pace.
  bool ahead() const { return running() && (Due() || Filled() > allowed_); }

  bool running() const { return state_ != State::kNone; }

  // The last one found too little space, also while it is being tried again.
  bool out_of_space() const { return out_of_space_; }

 private:
  enum class State { kNone, kWriting, kOutOfSpace };

  using Time = std::chrono::steady_clock::time_point;

  bool Due() const;

  // How much of its limits the delta has used; 1: Due().
  double Filled() const;
  double Allowed() const;
  void NoteDuration();

  const CheckpointLimits limits_;
  storage::StateStore& store_;
  ReplicaWork& work_;
  State state_ = State::kNone;
  bool out_of_space_ = false;
  uint64_t events_ = 0;
  Time now_;  // Of the last tick.
  Time begun_at_;
  Time retry_at_;
  // The delta may be filled so far until the next tick.
  double allowed_ = 1;
  // Of the last two checkpoints; 0: not known. The shorter one counts: a disk
  // that was slow once slows nothing down later.
  std::chrono::steady_clock::duration took_{};
  std::chrono::steady_clock::duration took_before_{};
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_CHECKPOINTING_H_
