#include "server/grpc/error_details.h"

#include <chrono>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

#include "proto/errors.h"

namespace ledgerd::server {
namespace {

// When the client may ask again. Long enough for a group commit or two; for
// somebody to free space.
constexpr std::chrono::milliseconds kRetryOverloaded{50};
constexpr std::chrono::milliseconds kRetryDiskFull{1'000};

void Pack(const google::protobuf::Message& detail, google::rpc::Status& into) {
  into.add_details()->PackFrom(detail);
}

void PackErrorInfo(absl::string_view reason, google::rpc::Status& into) {
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain(std::string(kErrorDomain));
  Pack(info, into);
}

void PackRetryInfo(std::chrono::milliseconds delay, google::rpc::Status& into) {
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(delay.count() / 1'000);
  retry.mutable_retry_delay()->set_nanos(
      static_cast<int32_t>(delay.count() % 1'000 * 1'000'000));
  Pack(retry, into);
}

void PackBadRequest(const absl::Status& status, google::rpc::Status& into) {
  google::rpc::BadRequest bad;
  auto& violation = *bad.add_field_violations();
  const std::string field = FieldOf(status);
  violation.set_field(field);
  // The message begins with it.
  violation.set_description(std::string(
      absl::StripPrefix(status.message(), absl::StrCat(field, ": "))));
  Pack(bad, into);
}

google::rpc::Status WithoutDetails(const absl::Status& status) {
  google::rpc::Status wire;
  wire.set_code(static_cast<int>(status.code()));
  wire.set_message(std::string(status.message()));
  return wire;
}

grpc::Status Finished(const google::rpc::Status& wire) {
  return {static_cast<grpc::StatusCode>(wire.code()), wire.message(),
          wire.SerializeAsString()};
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status,
                          const ledger::v1::PrimaryHint& hint) {
  if (status.ok()) return grpc::Status::OK;
  const Reason reason = ReasonOf(status).value_or(Reason::kOutcomeUnknown);
  google::rpc::Status wire = WithoutDetails(status);
  PackErrorInfo(Name(reason), wire);
  switch (reason) {
    case Reason::kOverloaded:
      PackRetryInfo(kRetryOverloaded, wire);
      break;
    case Reason::kDiskFull:
      PackRetryInfo(kRetryDiskFull, wire);
      break;
    case Reason::kInvalidField:
      PackBadRequest(status, wire);
      break;
    case Reason::kNotPrimary:
      Pack(hint, wire);
      break;
    case Reason::kDraining:
      if (!hint.address().empty()) Pack(hint, wire);
      break;
    default:
      break;
  }
  return Finished(wire);
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
  google::rpc::Status wire;
  if (!wire.ParseFromString(status.error_details())) return result;
  std::string field;
  std::optional<Reason> reason;
  for (const google::protobuf::Any& detail : wire.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    if (detail.UnpackTo(&info)) reason = ParseReason(info.reason());
    if (detail.UnpackTo(&bad) && bad.field_violations_size() > 0) {
      field = bad.field_violations(0).field();
    }
  }
  if (!reason.has_value()) return result;
  if (field.empty()) return WithReason(result, *reason);
  // MakeFieldError puts the path before the message; it is there already.
  const std::string prefix = absl::StrCat(field, ": ");
  return MakeFieldError(field, status.error_message().substr(prefix.size()));
}

}  // namespace ledgerd::server
