// A ReadQueue holds reads until the state is as fresh as they want it.
//
//   reads.Add(std::move(request), commit);   // a linearizable one: for commit
//   reads.Advance(applied);                  // begins those that may
//   reads.Expire(now);                       // ends those that are late
//
// Order    Reads that wait for the same sequence begin in the order added.
// Errors   Given to the request's begin(): TOO_STALE for at_least_sequence not
//          reached in time, DEADLINE_EXCEEDED for the others.
// Threads  Belongs to the replica thread.
// Source   replication.md, rule 10. With one voter no other can be primary, so
//          the quorum round is this replica's own.
#ifndef LEDGERD_REPLICATION_READ_QUEUE_H_
#define LEDGERD_REPLICATION_READ_QUEUE_H_

#include <cstddef>
#include <map>

#include "absl/status/status.h"

#include "proto/types.h"
#include "replication/replica_handle.h"
#include "replication/replica_work.h"

namespace ledgerd::replication {

class ReadQueue {
 public:
  explicit ReadQueue(ReplicaWork& work) : work_(work) {}

  // `commit` is the commit point as the read arrived.
  void Add(ReadRequest request, Sequence commit);

  // Begins what the state as of `applied` may answer.
  void Advance(Sequence applied);

  // Ends what its deadline has passed for.
  void Expire(Deadline now);

  // Ends all with `why`.
  void Abandon(const absl::Status& why);

  size_t size() const { return waiting_.size(); }

 private:
  void Begin(ReadRequest& request, Sequence applied);

  ReplicaWork& work_;
  // By the sequence that must have been applied.
  std::multimap<Sequence, ReadRequest> waiting_;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_READ_QUEUE_H_
