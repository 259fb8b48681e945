// A CheckpointRecord is the row that makes a checkpoint one: what the state on
// the disk is the state of.
//
//   files.Put(MetaKey(), EncodeCheckpoint(record));
//
// Source  FORMAT.md, "The state".
#ifndef LEDGERD_STORAGE_CHECKPOINT_RECORD_H_
#define LEDGERD_STORAGE_CHECKPOINT_RECORD_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "proto/types.h"
#include "storage/state_hash.h"

namespace ledgerd::storage {

// What this build writes. 1 had no index (state_upgrade.h), 2 no incidents: it
// becomes a 3 with the next checkpoint.
inline constexpr uint32_t kStateFormatVersion = 3;

struct CheckpointRecord {
  uint32_t format_version = kStateFormatVersion;
  AppliedPoint applied;
  Uint128 state_hash = 0;
  Timestamp newest_account;
  Timestamp newest_transfer;
  // The highest of all ids; 0 while there is none.
  AccountId highest_account;

  friend bool operator==(const CheckpointRecord&,
                         const CheckpointRecord&) = default;
};

std::string EncodeCheckpoint(const CheckpointRecord& record);

// FAILED_PRECONDITION for the format of a newer build, DATA_LOSS for no record.
absl::StatusOr<CheckpointRecord> DecodeCheckpoint(absl::string_view row);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_CHECKPOINT_RECORD_H_
