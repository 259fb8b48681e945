// Recomputes from what is on the disk all that must hold of a checkpoint.
//
//   LEDGERD_RETURN_IF_ERROR(VerifyState(*disk));
//
// Shape    The blocks of every file, from the disk itself; then a scan of each
//          table: the state hash; the books of every ledger; and that each
//          table that leads to another one (ids, timestamps, expiries) names
//          just what is there.
// Errors   DATA_LOSS  names the first that does not hold.
// Threads  Any.
#ifndef LEDGERD_STORAGE_STATE_VERIFIER_H_
#define LEDGERD_STORAGE_STATE_VERIFIER_H_

#include "absl/status/status.h"

#include "storage/disk_state.h"
#include "storage/pace.h"

namespace ledgerd::storage {

// `pace` may be empty. What it returns ends the scan; it is told of files,
// then of keys and values, about.
absl::Status VerifyState(const DiskState& disk, const Pace& pace = nullptr);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_VERIFIER_H_
