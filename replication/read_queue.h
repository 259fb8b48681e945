// A ReadQueue holds reads until the state is as fresh as they want it.
//
//   reads.Add(std::move(request));            // needs nobody else's word
//   reads.Ask(id, std::move(request));        // linearizable: until
//   reads.Ready(id, at_least);                // the protocol has said
//   reads.Advance(applied);                   // begins those that may
//   reads.Expire(now);                        // ends those that are late
//
// Order    Reads that wait for the same sequence begin in the order in which
//          they came to wait for it.
// Errors   Given to the request's begin(): TOO_STALE for at_least_sequence not
//          reached in time, OVERLOADED for the others.
// Threads  Belongs to the replica thread.
// Source   replication.md, rule 10.
#ifndef LEDGERD_REPLICATION_READ_QUEUE_H_
#define LEDGERD_REPLICATION_READ_QUEUE_H_

#include <cstddef>
#include <map>

#include "absl/status/status.h"

#include "proto/types.h"
#include "replication/core/message.h"
#include "replication/replica_handle.h"
#include "replication/replica_work.h"

namespace ledgerd::replication {

class ReadQueue {
 public:
  explicit ReadQueue(ReplicaWork& work) : work_(work) {}

  // Requires: not a linearizable one.
  void Add(ReadRequest request);

  // A linearizable one. Requires: `id` was not used before.
  void Ask(ReadId id, ReadRequest request);

  // The state as of `at_least`, or later, answers the read. Nothing happens if
  // its deadline was first.
  void Ready(ReadId id, Sequence at_least);

  // It cannot be answered here. Nothing happens if its deadline was first.
  void Refuse(ReadId id, const absl::Status& why);

  // Begins what the state as of `applied` may answer.
  void Advance(Sequence applied);

  // Ends what its deadline has passed for.
  void Expire(Deadline now);

  // Ends all with `why`.
  void Abandon(const absl::Status& why);

  size_t size() const { return asked_.size() + waiting_.size(); }

 private:
  void Begin(ReadRequest& request, Sequence applied);

  ReplicaWork& work_;
  // Linearizable ones of which the sequence is not known yet.
  std::map<ReadId, ReadRequest> asked_;
  // By the sequence that must have been applied.
  std::multimap<Sequence, ReadRequest> waiting_;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_READ_QUEUE_H_
