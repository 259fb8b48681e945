// Who may take the primary's role over, as the primary sees it.
//
//   const ReplicaId next = SuccessorOf(status);           // 0: nobody
//   const std::string why = WhyRoleIsKept(status, now);   // empty: hand over
//
// Source  replication.md, rules 12 and 13.
#ifndef LEDGERD_SERVER_GRPC_SUCCESSOR_H_
#define LEDGERD_SERVER_GRPC_SUCCESSOR_H_

#include <chrono>
#include <cstddef>
#include <string>

#include "proto/types.h"
#include "replication/replica_handle.h"

namespace ledgerd::server {

// Who was heard so lately is alive. A process that is stopped, or a machine
// that fell silent, keeps its connection for longer.
inline constexpr std::chrono::milliseconds kAlive{2'000};

bool IsAlive(const replication::PeerStatus& peer);

// The other voters that are alive.
size_t OthersAlive(const replication::ReplicaStatus& status);

// The voter that is furthest ahead, of those that are alive and may be primary;
// one that still replays its journal only where there is no other.
ReplicaId SuccessorOf(const replication::ReplicaStatus& status);

// Why a primary that is about to stop does not hand its role over. It does so
// only when the others can go on without it: in a pair the other one would be
// primary of a group that commits nothing, and step down. While failover is
// paused, operators alone say who is primary: a stop comes from the service
// manager as well.
std::string WhyRoleIsKept(const replication::ReplicaStatus& status,
                          Timestamp now);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_SUCCESSOR_H_
