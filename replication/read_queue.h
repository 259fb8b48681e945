// A ReadQueue holds reads until the state is as fresh as they want it, and the
// reader has room for them.
//
//   reads.Add(std::move(request));            // needs nobody else's word
//   reads.Ask(id, std::move(request));        // linearizable: until
//   reads.Ready(id, at_least);                // the protocol has said
//   reads.Advance(applied);                   // begins those that may
//   reads.Done(kind, count, applied);         // room for as many more
//   reads.Expire(now);                        // ends those that are late
//
// Memory   A read fixes what it reads when it begins, and keeps that: so few
//          have begun at a time. The others wait here, where their deadline
//          counts.
// Order    Reads that wait for the same sequence begin in the order in which
//          they came to wait for it.
// Errors   Given to the request's begin(): TOO_STALE for at_least_sequence not
//          reached in time, OVERLOADED for the others.
// Threads  Belongs to the replica thread.
// Source   replication.md, rule 10.
#ifndef LEDGERD_REPLICATION_READ_QUEUE_H_
#define LEDGERD_REPLICATION_READ_QUEUE_H_

#include <array>
#include <cstddef>
#include <list>
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

  // Of one kind at a time. A look-up keeps no more than its own rows.
  static constexpr size_t BegunMax(ReadKind kind) {
    return kind == ReadKind::kLookup ? 64 : 4;
  }

  // Nobody will say Ready or Refuse any more: ends those with `why`.
  void AbandonAsked(const absl::Status& why);

  // Begins what the state as of `applied` may answer.
  void Advance(Sequence applied);

  // So many of those that have begun are done; begins others.
  void Done(ReadKind kind, size_t count, Sequence applied);

  // Whether a read is held back by BegunMax alone.
  bool waits(ReadKind kind) const { return !lanes_[Index(kind)].ready.empty(); }

  // Ends what its deadline has passed for.
  void Expire(Deadline now);

  // Ends all with `why`.
  void Abandon(const absl::Status& why);

  size_t size() const;

 private:
  struct Lane {
    // Fresh enough.
    std::list<ReadRequest> ready;
    size_t begun = 0;
  };

  static size_t Index(ReadKind kind) { return static_cast<size_t>(kind); }

  void BeginReady(ReadKind kind, Sequence applied);

  ReplicaWork& work_;
  // Linearizable ones of which the sequence is not known yet.
  std::map<ReadId, ReadRequest> asked_;
  // By the sequence that must have been applied.
  std::multimap<Sequence, ReadRequest> waiting_;
  std::array<Lane, kReadKinds.size()> lanes_;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_READ_QUEUE_H_
