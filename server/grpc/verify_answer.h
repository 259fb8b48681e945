// The answer to VerifyReplicas: each replica's state as of one entry.
//
//   LEDGERD_RETURN_IF_ERROR(VerifyReplicas(group, deadline, now, response));
//
// Shape    As replica_comparison.h says. Replicas that differ are an alarm of
//          the one that is asked, STATE_MISMATCH, which names them, and an
//          incident; both end when it finds all equal. Each comparison that
//          found either is noted for the group.
// Errors   NOT_PRIMARY: a witness has no state to compare, and names who has.
#ifndef LEDGERD_SERVER_GRPC_VERIFY_ANSWER_H_
#define LEDGERD_SERVER_GRPC_VERIFY_ANSWER_H_

#include "absl/status/status.h"

#include "admin/v1/admin.pb.h"
#include "proto/types.h"
#include "server/peers.h"
#include "server/served_group.h"

namespace ledgerd::server {

absl::Status VerifyReplicas(const ServedGroup& group, Peers::Deadline deadline,
                            Timestamp now,
                            admin::v1::VerifyReplicasResponse& response);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_VERIFY_ANSWER_H_
