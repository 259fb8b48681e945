#include "proto/errors.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace ledgerd {
namespace {

constexpr char kReasonUrl[] = "ledgerd.reason";
constexpr char kFieldUrl[] = "ledgerd.field";

struct ReasonRow {
  Reason reason = Reason::kNotPrimary;
  absl::string_view name;
  absl::StatusCode code = absl::StatusCode::kUnknown;
};

constexpr ReasonRow kReasons[] = {
    {Reason::kNotPrimary, "NOT_PRIMARY", absl::StatusCode::kUnavailable},
    {Reason::kNoPrimary, "NO_PRIMARY", absl::StatusCode::kUnavailable},
    {Reason::kNoQuorum, "NO_QUORUM", absl::StatusCode::kUnavailable},
    {Reason::kTooStale, "TOO_STALE", absl::StatusCode::kUnavailable},
    {Reason::kDraining, "DRAINING", absl::StatusCode::kUnavailable},
    {Reason::kOutcomeUnknown, "OUTCOME_UNKNOWN",
     absl::StatusCode::kUnavailable},
    {Reason::kOverloaded, "OVERLOADED", absl::StatusCode::kResourceExhausted},
    {Reason::kDiskFull, "DISK_FULL", absl::StatusCode::kResourceExhausted},
    {Reason::kInvalidField, "INVALID_FIELD",
     absl::StatusCode::kInvalidArgument},
    {Reason::kNoHistory, "NO_HISTORY", absl::StatusCode::kFailedPrecondition},
    {Reason::kCompacted, "COMPACTED", absl::StatusCode::kOutOfRange},
};

const ReasonRow& RowOf(Reason reason) {
  return kReasons[static_cast<size_t>(reason)];
}

}  // namespace

absl::string_view Name(Reason reason) { return RowOf(reason).name; }

std::optional<Reason> ParseReason(absl::string_view name) {
  for (const ReasonRow& row : kReasons) {
    if (row.name == name) return row.reason;
  }
  return std::nullopt;
}

absl::Status WithReason(absl::Status status, Reason reason) {
  status.SetPayload(kReasonUrl, absl::Cord(Name(reason)));
  return status;
}

absl::Status MakeError(Reason reason, absl::string_view message) {
  return WithReason(absl::Status(RowOf(reason).code, message), reason);
}

absl::Status MakeFieldError(absl::string_view field,
                            absl::string_view message) {
  absl::Status status =
      MakeError(Reason::kInvalidField, absl::StrCat(field, ": ", message));
  status.SetPayload(kFieldUrl, absl::Cord(field));
  return status;
}

std::optional<Reason> ReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kReasonUrl);
  if (!payload.has_value()) return std::nullopt;
  return ParseReason(std::string(*payload));
}

std::string FieldOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kFieldUrl);
  return payload.has_value() ? std::string(*payload) : std::string();
}

bool MayHaveBeenExecuted(const absl::Status& status) {
  if (status.ok()) return true;
  const auto reason = ReasonOf(status);
  return !reason.has_value() || *reason == Reason::kOutcomeUnknown;
}

}  // namespace ledgerd
