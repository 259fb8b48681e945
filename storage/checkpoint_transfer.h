// A checkpoint on its way from one replica's state store to another's.
//
//   // Sender, any thread:
//   LEDGERD_ASSIGN_OR_RETURN(auto sent, store.ExportCheckpoint());
//   // Receiver, one thread at a time:
//   CheckpointReceiver& receiver = store.checkpoint_receiver();
//   LEDGERD_ASSIGN_OR_RETURN(auto at, receiver.Begin(sent->manifest()));
//   while (at.file < sent->manifest().files.size()) {
//     LEDGERD_ASSIGN_OR_RETURN(auto chunk, sent->Read(at, kChunkBytes));
//     LEDGERD_ASSIGN_OR_RETURN(at, receiver.Add(at, chunk, Sha256(chunk)));
//   }
//   LEDGERD_RETURN_IF_ERROR(receiver.Finish());
//
// Shape       Files with sizes and hashes, moved in chunks, in order. What was
//             received stays aside until StateStore::PrepareInstall takes it.
// Durability  A Begin with the manifest of a transfer that was cut short, also
//             by a restart, goes on where that ended. After Finish all is
//             synced, and the same as what was announced.
// Errors      INVALID_ARGUMENT     a chunk is not what its hash says, or not
//                                  the next one.
//             FAILED_PRECONDITION  another cluster's, a newer build's, or names
//                                  that no checkpoint has.
//             DATA_LOSS            a file is not what was announced, or all of
//                                  them are no such state. What was received is
//                                  given up: the next Begin starts anew.
//             RESOURCE_EXHAUSTED   no space; may be tried again later.
//             OUT_OF_RANGE         (Read) no such place.
// Threads     An ExportedCheckpoint: any. A CheckpointReceiver: one at a time,
//             never the replica's.
// Source      replication.md, rule 9.
#ifndef LEDGERD_STORAGE_CHECKPOINT_TRANSFER_H_
#define LEDGERD_STORAGE_CHECKPOINT_TRANSFER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "proto/base/sha256.h"
#include "proto/base/uint128.h"
#include "proto/types.h"
#include "storage/state_hash.h"

namespace ledgerd::storage {

struct CheckpointFile {
  std::string name;
  uint64_t bytes = 0;
  Hash256 hash = {};

  friend bool operator==(const CheckpointFile&,
                         const CheckpointFile&) = default;
};

struct CheckpointManifest {
  // Files that a checkpoint may have at most; a bound for who reads one.
  static constexpr size_t kFilesMax = 1'000'000;

  ClusterId cluster;
  // Of the state's format.
  uint32_t format_version = 0;
  AppliedPoint applied;
  Uint128 state_hash = 0;
  std::vector<CheckpointFile> files;

  friend bool operator==(const CheckpointManifest&,
                         const CheckpointManifest&) = default;
};

// Where a chunk begins; at the end, `file` is the number of files.
struct CheckpointPosition {
  size_t file = 0;
  uint64_t offset = 0;

  friend bool operator==(const CheckpointPosition&,
                         const CheckpointPosition&) = default;
};

// What of a file one chunk has, at most.
inline constexpr size_t kCheckpointChunkBytes = size_t{1} << 20;

// Its files stay as they are until this is destroyed.
class ExportedCheckpoint {
 public:
  virtual ~ExportedCheckpoint() = default;

  virtual const CheckpointManifest& manifest() const = 0;

  // Bytes of one file from there on; at least one, at most `bytes_max`.
  virtual absl::StatusOr<std::string> Read(const CheckpointPosition& from,
                                           size_t bytes_max) const = 0;
};

class CheckpointReceiver {
 public:
  virtual ~CheckpointReceiver() = default;

  // Goes on with the transfer of this checkpoint, or begins it in place of
  // another one. Returns where the next chunk begins.
  virtual absl::StatusOr<CheckpointPosition> Begin(
      const CheckpointManifest& manifest) = 0;

  // Takes the chunk at `at`. Returns where the next one begins.
  virtual absl::StatusOr<CheckpointPosition> Add(const CheckpointPosition& at,
                                                 absl::string_view chunk,
                                                 const Hash256& hash) = 0;

  // Verifies and syncs all of it. Requires: the position is the end.
  virtual absl::Status Finish() = 0;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_CHECKPOINT_TRANSFER_H_
