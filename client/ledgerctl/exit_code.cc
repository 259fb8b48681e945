#include "client/ledgerctl/exit_code.h"

#include "proto/errors.h"

namespace ledgerd::client {
namespace {

ExitCode ExitCodeOf(Reason reason) {
  switch (reason) {
    case Reason::kNotPrimary:
    case Reason::kNoPrimary:
    case Reason::kNoQuorum:
    case Reason::kTooStale:
    case Reason::kDraining:
    case Reason::kOverloaded:
    case Reason::kDiskFull:
      return ExitCode::kUnhealthy;
    case Reason::kOutcomeUnknown:
      return ExitCode::kError;
    case Reason::kInvalidField:
      return ExitCode::kUsage;
    case Reason::kNoHistory:
    case Reason::kCompacted:
      return ExitCode::kPrecondition;
  }
  return ExitCode::kError;
}

}  // namespace

ExitCode ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return ExitCode::kOk;
  // Whatever its reason: it only tells that nothing was done.
  if (absl::IsFailedPrecondition(status)) return ExitCode::kPrecondition;
  const auto reason = ReasonOf(status);
  if (reason.has_value()) return ExitCodeOf(*reason);
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return ExitCode::kNoConnection;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
      return ExitCode::kUsage;
    case absl::StatusCode::kDataLoss:
      return ExitCode::kCorruption;
    default:
      return ExitCode::kError;
  }
}

}  // namespace ledgerd::client
