// What ledgerctl's exit codes mean, for scripts.
//
//   return Code(ExitCodeOf(status));
#ifndef LEDGERD_CLIENT_LEDGERCTL_EXIT_CODE_H_
#define LEDGERD_CLIENT_LEDGERCTL_EXIT_CODE_H_

#include "absl/status/status.h"

namespace ledgerd::client {

enum class ExitCode {
  kOk = 0,
  kError = 1,  // Also: the ledger refused a payment.
  kNoConnection = 2,
  kUsage = 3,
  kPrecondition = 4,
  kUnhealthy = 5,   // It answers, and cannot serve (now).
  kCorruption = 6,  // Balances or hashes that do not hold.
};

// For --help and the manual.
struct ExitCodeMeaning {
  ExitCode code;
  const char* words;
};

inline constexpr ExitCodeMeaning kExitCodeMeanings[] = {
    {ExitCode::kOk, "ok"},
    {ExitCode::kError, "error or refused"},
    {ExitCode::kNoConnection, "no connection"},
    {ExitCode::kUsage, "usage"},
    {ExitCode::kPrecondition, "precondition"},
    {ExitCode::kUnhealthy, "unhealthy"},
    {ExitCode::kCorruption, "corruption"},
};

constexpr int Code(ExitCode code) { return static_cast<int>(code); }

ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_EXIT_CODE_H_
