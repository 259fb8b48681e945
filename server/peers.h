// Peers is what a replica may ask of the others beside the protocol: nothing of
// it changes what they agree on.
//
//   absl::StatusOr<StateMark> mark =
//       peers.StateOf(ReplicaId(2), Sequence(7), deadline);
//
// Shape    A connection of its own for each call: there are few of them.
// Errors   UNAVAILABLE, DEADLINE_EXCEEDED  it is not reached, or not in time.
//          FAILED_PRECONDITION  it is none of the group, or of another build,
//                               or keeps no state.
//          OUT_OF_RANGE         it does not have that any more.
// Threads  Any; each call waits.
#ifndef LEDGERD_SERVER_PEERS_H_
#define LEDGERD_SERVER_PEERS_H_

#include <chrono>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/entry.h"
#include "proto/types.h"
#include "replication/state_marks.h"

namespace ledgerd::server {

class Peers {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  virtual ~Peers() = default;

  // Of its state once it has applied that entry, which it is waited for.
  virtual absl::StatusOr<replication::StateMark> StateOf(ReplicaId replica,
                                                         Sequence sequence,
                                                         Deadline deadline) = 0;

  // Some of these entries, which are damaged here; the first one at least.
  // DATA_LOSS: that is damaged there, too. OUT_OF_RANGE: no longer there.
  // UNAVAILABLE: not there yet, too.
  virtual absl::StatusOr<std::vector<Entry>> EntriesOf(ReplicaId replica,
                                                       Sequence from,
                                                       Sequence through,
                                                       Deadline deadline) = 0;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_PEERS_H_
