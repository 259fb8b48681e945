#include "client/rpc_status.h"

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

#include "ledger/v1/ledger.pb.h"

namespace ledgerd::client {
namespace {

void ReadErrorInfo(const google::rpc::ErrorInfo& info, RpcError* error) {
  if (info.domain() != std::string(kErrorDomain)) return;
  const auto reason = ParseReason(info.reason());
  if (reason.has_value()) error->status = WithReason(error->status, *reason);
}

void ReadRetryInfo(const google::rpc::RetryInfo& info, RpcError* error) {
  const auto& delay = info.retry_delay();
  error->retry_delay = std::chrono::milliseconds(delay.seconds() * 1'000 +
                                                 delay.nanos() / 1'000'000);
}

void ReadBadRequest(const google::rpc::BadRequest& bad, RpcError* error) {
  if (bad.field_violations().empty()) return;
  const auto& violation = bad.field_violations(0);
  error->status = MakeFieldError(violation.field(), violation.description());
}

void ReadDetail(const google::protobuf::Any& detail, RpcError* error) {
  google::rpc::ErrorInfo info;
  google::rpc::RetryInfo retry;
  google::rpc::BadRequest bad;
  ::ledger::v1::PrimaryHint hint;
  if (detail.UnpackTo(&info)) {
    ReadErrorInfo(info, error);
  } else if (detail.UnpackTo(&retry)) {
    ReadRetryInfo(retry, error);
  } else if (detail.UnpackTo(&bad)) {
    ReadBadRequest(bad, error);
  } else if (detail.UnpackTo(&hint)) {
    error->primary_address = hint.address();
    error->primary_admin_address = hint.admin_address();
    error->primary_epoch = hint.epoch();
  }
}

}  // namespace

RpcError FromGrpc(const grpc::Status& status) {
  RpcError error;
  error.status =
      absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                   status.error_message());
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return error;
  for (const auto& detail : details.details()) ReadDetail(detail, &error);
  return error;
}

}  // namespace ledgerd::client
