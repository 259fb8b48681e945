// Staleness says how far behind the primary a standby's state may be.
//
//   staleness.OnHeartbeat(epoch, heartbeat, now);    // of the primary followed
//   if (staleness.IsWithin(max, applied, wall, steady)) ...   // fresh enough
//
// Rule     A heartbeat carries what had been answered when it was sent. It
//          counts once its round, or a later one, is known to be completed:
//          only then was its sender still primary as it sent it. All that had
//          been answered up to then is in a state that has applied so much.
// Units    An age is the longer of two: by the own steady clock since the
//          heartbeat came, and by the wall clocks since it was sent. So a late
//          message is old as far as the two wall clocks agree.
// Threads  Belongs to the replica thread.
// Source   ledger.proto, ReadConsistency; replication.md, rule 4.
#ifndef LEDGERD_REPLICATION_STALENESS_H_
#define LEDGERD_REPLICATION_STALENESS_H_

#include <chrono>
#include <cstddef>
#include <deque>

#include "proto/types.h"
#include "replication/core/message.h"

namespace ledgerd::replication {

class Staleness {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // Some seconds of heartbeats.
  static constexpr size_t kMarksMax = 128;
  // What is answered is counted once a tick.
  static constexpr std::chrono::milliseconds kTick{10};

  void OnHeartbeat(Epoch epoch, const Heartbeat& heartbeat, SteadyTime now);

  // Whether a state as of `applied` is at most `max` behind.
  bool IsWithin(std::chrono::milliseconds max, Sequence applied, Timestamp wall,
                SteadyTime steady) const;

 private:
  struct Mark {
    Round round;
    Sequence answered;
    Timestamp sent;
    SteadyTime heard;
  };

  Epoch epoch_;
  Round completed_;
  // Ascending by round.
  std::deque<Mark> marks_;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_STALENESS_H_
