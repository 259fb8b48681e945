// How the daemon ends, for whoever starts it again.
//
//   0  ok
//   1  an error that is none of those below, as a port that is taken
//   3  usage or configuration, or a processor that the build is not for
//      (proto/base/cpu_check.h): starting again will not help
//   6  corruption: what is on the disk does not add up; the message says where
//   7  a storage fault: a write or a sync failed, or a read that a start or an
//      entry needs, and the page cache can no longer be trusted; the next start
//      reads from the disk itself. Or too many writes in a row were slow
//      (journal.slow_writes_max)
//   8  the data directory is in use by another process
#ifndef LEDGERD_SERVER_EXIT_CODE_H_
#define LEDGERD_SERVER_EXIT_CODE_H_

#include "absl/status/status.h"

namespace ledgerd::server {

enum class ExitCode : int {
  kOk = 0,
  kError = 1,
  kUsage = 3,
  kCorruption = 6,
  kStorageFault = 7,
  kInUse = 8,
};

// Of a format or a start that failed.
inline ExitCode ExitCodeOfStart(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
      return ExitCode::kUsage;
    case absl::StatusCode::kDataLoss:
      return ExitCode::kCorruption;
    case absl::StatusCode::kAborted:
      return ExitCode::kInUse;
    case absl::StatusCode::kInternal:  // What storage/file.h makes of EIO.
      return ExitCode::kStorageFault;
    default:
      return ExitCode::kError;
  }
}

// Of a replica that stopped itself.
inline ExitCode ExitCodeOfHalt(const absl::Status& fault) {
  if (fault.ok()) return ExitCode::kOk;
  return absl::IsDataLoss(fault) ? ExitCode::kCorruption
                                 : ExitCode::kStorageFault;
}

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_EXIT_CODE_H_
