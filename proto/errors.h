// Errors with a reason that programs understand, as ledger.proto lists them.
//
//   return MakeError(Reason::kOverloaded, "64 MiB of requests wait already");
//   if (ReasonOf(status) == Reason::kOutcomeUnknown) AskAgainWithTheSameIds();
//
// A reason travels as a payload of the absl::Status; server/ turns it into
// google.rpc.ErrorInfo on the wire, client/ back again.
#ifndef LEDGERD_PROTO_ERRORS_H_
#define LEDGERD_PROTO_ERRORS_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace ledgerd {

// The domain of our ErrorInfo.
inline constexpr absl::string_view kErrorDomain = "ledgerd";

enum class Reason {
  kNotPrimary,      // UNAVAILABLE
  kNoPrimary,       // UNAVAILABLE
  kNoQuorum,        // UNAVAILABLE
  kTooStale,        // UNAVAILABLE
  kDraining,        // UNAVAILABLE
  kOutcomeUnknown,  // UNAVAILABLE (or DEADLINE_EXCEEDED): may have been
                    // executed
  kOverloaded,      // RESOURCE_EXHAUSTED
  kDiskFull,        // RESOURCE_EXHAUSTED
  kInvalidField,    // INVALID_ARGUMENT
  kNoHistory,       // FAILED_PRECONDITION
  kCompacted,       // OUT_OF_RANGE
};

// As on the wire: "NOT_PRIMARY".
absl::string_view Name(Reason reason);
std::optional<Reason> ParseReason(absl::string_view name);

// A status of the reason's usual code.
absl::Status MakeError(Reason reason, absl::string_view message);

// `status` with `reason` attached, its code and message unchanged.
absl::Status WithReason(absl::Status status, Reason reason);

// INVALID_FIELD, with a path like transfers[3].code.
absl::Status MakeFieldError(absl::string_view field, absl::string_view message);

std::optional<Reason> ReasonOf(const absl::Status& status);

// The field of a MakeFieldError; empty otherwise.
std::string FieldOf(const absl::Status& status);

// Whether the call may have been executed: OUTCOME_UNKNOWN, or an error without
// reason (from the transport).
bool MayHaveBeenExecuted(const absl::Status& status);

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_ERRORS_H_
