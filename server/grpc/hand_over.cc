#include "server/grpc/hand_over.h"

#include <string>

#include "server/grpc/operator_requests.h"
#include "server/grpc/successor.h"

namespace ledgerd::server {

using replication::ReplicaStatus;
using replication::Role;

void HandOverBeforeStop(replication::ReplicaHandle& replica,
                        SharedAddresses& addresses, Timestamp now,
                        const HandOverTerms& terms, Logger& logger) {
  const ReplicaStatus status = replica.status();
  if (status.role != Role::kPrimary || status.membership.voter_count() <= 1) {
    return;
  }
  if (const std::string why = WhyRoleIsKept(status, now); !why.empty()) {
    logger.Info("role kept", {{"why", why}});
    return;
  }
  // All may be stopping: then there is nobody to wait for.
  const auto abandoned = [&replica] {
    const ReplicaStatus seen = replica.status();
    return seen.role == Role::kHalted ||
           OthersAlive(seen) < seen.membership.majority();
  };
  const OperatorRequests::Wait wait = {
      .deadline = std::chrono::steady_clock::now() + terms.patience,
      .abandoned = abandoned};
  using Why = OperatorRequests::Why;
  const auto moved =
      OperatorRequests(replica, addresses)
          .Switchover(ReplicaId(0), kSwitchoverHold, wait,
                      terms.disk_fails ? Why::kDiskFails : Why::kWanted);
  if (!moved.ok()) {
    logger.Warning("hand-over failed",
                   {{"error", std::string(moved.status().message())}});
    return;
  }
  logger.Info(
      "role handed over",
      {{"to", moved->primary.value()},
       {"epoch", moved->epoch.value()},
       {"pause_ms", std::chrono::duration_cast<std::chrono::milliseconds>(
                        moved->write_pause)
                        .count()}});
}

}  // namespace ledgerd::server
