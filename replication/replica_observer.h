// A ReplicaObserver is told what a replica is about to do, so that it can be
// recorded before it is done.
//
//   ReplicaOptions options;
//   options.observer = &observer;
//
// Threads  The replica's own. It may wait for the disk: none of this happens
//          while a primary serves.
#ifndef LEDGERD_REPLICATION_REPLICA_OBSERVER_H_
#define LEDGERD_REPLICATION_REPLICA_OBSERVER_H_

#include <chrono>
#include <cstdint>

#include "proto/types.h"

namespace ledgerd::replication {

struct PromotionBegun {
  enum class Why {
    kPrimaryLost,    // Nothing was heard of it, or there was none.
    kPrimaryFailed,  // Its disk has failed, or is too slow, as it says.
    kWanted,         // By an operator, or the primary itself.
    kForced,         // By an operator, without a majority.
  };

  // That it is to begin.
  Epoch epoch;
  Why why = Why::kPrimaryLost;
  // The primary before, as far as this process knows; 0: none, or itself.
  ReplicaId old_primary;
  // For how long nothing was heard of that one.
  std::chrono::nanoseconds silence{0};
  // The connection to that one has not been seen to break.
  bool connected = false;
};

class ReplicaObserver {
 public:
  virtual ~ReplicaObserver() = default;

  // Its promise of that epoch is not durable yet, and nobody was asked.
  virtual void BeforePromotion(const PromotionBegun& begun) = 0;

  // So many uncommitted entries are to be copied aside and cut off.
  virtual void BeforeRollback(uint64_t entries) = 0;
  // They are.
  virtual void AfterRollback() = 0;

  // The first word of a primary since the start: entries up to `through` are
  // committed, and not all in this journal, which has some.
  virtual void BeforeCatchUp(Sequence through) = 0;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_REPLICA_OBSERVER_H_
