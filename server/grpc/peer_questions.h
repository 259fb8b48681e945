// What one replica asks another one, each on a connection of its own.
//
//   absl::StatusOr<StateMark> mark = AskStateHash(call, Sequence(7));
//
// Errors   As Peers says; what is no answer is INTERNAL.
// Threads  Any; waits until the call's deadline at most.
#ifndef LEDGERD_SERVER_GRPC_PEER_QUESTIONS_H_
#define LEDGERD_SERVER_GRPC_PEER_QUESTIONS_H_

#include <atomic>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/entry.h"
#include "proto/types.h"
#include "replication/state_marks.h"
#include "replication/v1/messages.pb.h"
#include "server/peers.h"

namespace ledgerd::server {

// Whom to ask, and for how long.
struct PeerCall {
  std::string address;
  ::replication::v1::Hello hello;
  Peers::Deadline deadline;
  // Given up when this becomes true while it is dialled.
  const std::atomic<bool>& stopping;
};

absl::StatusOr<replication::StateMark> AskStateHash(const PeerCall& call,
                                                    Sequence sequence);

absl::StatusOr<std::vector<Entry>> AskEntries(const PeerCall& call,
                                              Sequence from, Sequence through);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_PEER_QUESTIONS_H_
