// Why an operator's request is not begun, in words that help.
//
//   LEDGERD_RETURN_IF_ERROR(
//       RefusalError(result.refusal, {"switchover to replica 2", id}, status));
//
// Shape   Pure: what was asked and what the replica knew. operator_requests.h
//         says which reasons come out.
#ifndef LEDGERD_SERVER_GRPC_REFUSALS_H_
#define LEDGERD_SERVER_GRPC_REFUSALS_H_

#include <chrono>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "proto/membership.h"
#include "proto/types.h"
#include "replication/core/update.h"
#include "replication/replica_handle.h"

namespace ledgerd::server {

struct AskedFor {
  // "switchover to replica 2".
  std::string words;
  // Whom it is about; 0: nobody.
  ReplicaId target;
};

// OK for kNone.
absl::Status RefusalError(replication::Refusal refusal, const AskedFor& asked,
                          const replication::ReplicaStatus& status);

// Only the primary can do it, and this is none.
absl::Status NotPrimary(absl::string_view asked,
                        const replication::ReplicaStatus& status);

// Whether a primary may hold writes for `target`: a voter that is there.
absl::Status CheckTarget(ReplicaId target,
                         const replication::ReplicaStatus& status);

absl::Status TargetTooSlow(ReplicaId target, std::chrono::milliseconds held,
                           const replication::ReplicaStatus& status);

// Whether `id`, which says that it is of `incarnation`, may be added.
absl::Status CheckJoiner(ReplicaId id, Incarnation incarnation,
                         const replication::ReplicaStatus& status);

// To force a promotion beside it would make two.
absl::Status PrimaryIsAlive(const replication::ReplicaStatus& status,
                            std::chrono::milliseconds since_heard);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_REFUSALS_H_
