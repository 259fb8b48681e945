// What a primary does before a clean stop: its role goes to another replica, so
// that clients wait for milliseconds and not for a promotion.
//
//   HandOverBeforeStop(replica, addresses, now, {.patience = ...}, logger);
//
// Shape    As AdminService.Switchover to the voter that is furthest ahead, when
//          the others can go on without this one (successor.h). Returns when
//          another is primary, or this one keeps its role; the log says which,
//          and why. A standby, and a lone voter, do nothing.
// Threads  The caller's, which waits.
#ifndef LEDGERD_SERVER_GRPC_HAND_OVER_H_
#define LEDGERD_SERVER_GRPC_HAND_OVER_H_

#include <chrono>

#include "proto/types.h"
#include "replication/replica_handle.h"
#include "server/logging.h"
#include "server/served_group.h"

namespace ledgerd::server {

struct HandOverTerms {
  std::chrono::milliseconds patience{};
  // Why it stops: its disk is too slow. Then nobody has planned it.
  bool disk_fails = false;
};

void HandOverBeforeStop(replication::ReplicaHandle& replica,
                        SharedAddresses& addresses, Timestamp now,
                        const HandOverTerms& terms, Logger& logger);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_HAND_OVER_H_
