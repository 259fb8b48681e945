// What GetStatus answers, made of what this replica knows.
//
//   FillStatus(group, now, response);
//
// Shape    The members of the group in the order of their ids, this one among
//          them. What only a primary knows of the others (how far their
//          journals are) is 0 in other replicas' answers.
#ifndef LEDGERD_SERVER_GRPC_STATUS_MESSAGE_H_
#define LEDGERD_SERVER_GRPC_STATUS_MESSAGE_H_

#include "admin/v1/admin.pb.h"
#include "proto/types.h"
#include "server/served_group.h"

namespace ledgerd::server {

void FillStatus(const ServedGroup& group, Timestamp now,
                admin::v1::GetStatusResponse& response);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_STATUS_MESSAGE_H_
