// Compares the states of all replicas as of one entry.
//
//   const Comparison compared =
//       CompareReplicas(membership, self, marks, peers, deadline);
//   if (!compared.match()) ... compared.Differing() ...
//
// Shape    The entry is the last one that this replica has applied; the others
//          answer once they have applied it, too. Witnesses keep no state, and
//          are left out.
// Threads  Any; asks all others at a time, and waits until `deadline` at most.
#ifndef LEDGERD_SERVER_REPLICA_COMPARISON_H_
#define LEDGERD_SERVER_REPLICA_COMPARISON_H_

#include <vector>

#include "absl/status/statusor.h"

#include "proto/membership.h"
#include "proto/types.h"
#include "replication/state_marks.h"
#include "server/peers.h"

namespace ledgerd::server {

struct ComparedReplica {
  ReplicaId replica;
  // Or why it could not be asked.
  absl::StatusOr<replication::StateMark> mark;
};

struct Comparison {
  Sequence sequence;
  std::vector<ComparedReplica> replicas;

  // All answered, and all are equal.
  bool match() const;

  // Those whose state or journal is not the one that most have; all that
  // answered, when none is that of more replicas than any other.
  std::vector<ReplicaId> Differing() const;
};

// `peers` may be null when `membership` names no others. FAILED_PRECONDITION:
// this replica keeps no state.
absl::StatusOr<Comparison> CompareReplicas(const Membership& membership,
                                           ReplicaId self,
                                           const replication::StateMarks& marks,
                                           Peers* peers,
                                           Peers::Deadline deadline);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_REPLICA_COMPARISON_H_
