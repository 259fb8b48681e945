// Brings the newest checkpoint of another replica to a receiver here.
//
//   absl::StatusOr<EntryId> checkpoint =
//       FetchCheckpoint(call, Sequence(70), receiver, stop);
//
// Shape    A connection of its own. What is at the receiver already, from a
//          transfer that was cut short, is not brought again.
// Errors   Those of the receiver, and of GetCheckpoint (replication.proto).
//          FAILED_PRECONDITION: what the other one sends is older than was
//          asked for. CANCELLED: it was stopped.
// Threads  Any; waits until all of it is here and finished, or it has failed.
#ifndef LEDGERD_SERVER_GRPC_CHECKPOINT_FETCH_H_
#define LEDGERD_SERVER_GRPC_CHECKPOINT_FETCH_H_

#include <stop_token>

#include "absl/status/statusor.h"

#include "proto/entry.h"
#include "proto/types.h"
#include "server/grpc/peer_questions.h"
#include "storage/checkpoint_transfer.h"

namespace ledgerd::server {

// The call's deadline is that of the connection alone.
absl::StatusOr<EntryId> FetchCheckpoint(const PeerCall& call, Sequence at_least,
                                        storage::CheckpointReceiver& receiver,
                                        const std::stop_token& stop);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_CHECKPOINT_FETCH_H_
