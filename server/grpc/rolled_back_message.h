// What ListRolledBack answers: what rollbacks have cut off this replica's
// journal, and for which epoch.
//
//   LEDGERD_RETURN_IF_ERROR(FillRolledBack(group, response));
//
// Shape     The newest rollback first. Entries go without their bytes when they
//           are many, and are left out when they are too many for one answer.
// New epoch The first in which the group went on without the entry: that of the
//           first entry, from where the rollback began, that is of a later
//           epoch than the one that was cut. 0 while there is none, and once
//           the journal has let go of that place.
// Errors    As of storage/rolled_back.h.
// Threads   Any; a rollback may go on meanwhile.
#ifndef LEDGERD_SERVER_GRPC_ROLLED_BACK_MESSAGE_H_
#define LEDGERD_SERVER_GRPC_ROLLED_BACK_MESSAGE_H_

#include "absl/status/status.h"

#include "admin/v1/admin.pb.h"
#include "server/served_group.h"

namespace ledgerd::server {

absl::Status FillRolledBack(const ServedGroup& group,
                            admin::v1::ListRolledBackResponse& response);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_ROLLED_BACK_MESSAGE_H_
