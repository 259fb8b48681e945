// Errors on the wire: a status with its reason, as google.rpc details in the
// grpc-status-details-bin trailer.
//
//   reactor->Finish(ToGrpcStatus(status, hint));
//
// Shape    Every error carries an ErrorInfo of domain "ledgerd". OVERLOADED and
//          DISK_FULL also a RetryInfo, INVALID_FIELD a BadRequest, NOT_PRIMARY
//          the ledger.v1.PrimaryHint given; so has DRAINING, unless it is
//          empty. A status that came without a reason says OUTCOME_UNKNOWN:
//          nobody knows that it did nothing.
// Source   The table at LedgerService in ledger.proto.
#ifndef LEDGERD_SERVER_GRPC_ERROR_DETAILS_H_
#define LEDGERD_SERVER_GRPC_ERROR_DETAILS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/support/status.h"

#include "ledger/v1/ledger.pb.h"

namespace ledgerd::server {

grpc::Status ToGrpcStatus(const absl::Status& status,
                          const ledger::v1::PrimaryHint& hint);

// The inverse of ToGrpcStatus, for tests: code, message, reason and field.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_ERROR_DETAILS_H_
