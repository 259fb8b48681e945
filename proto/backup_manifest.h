// A backup's manifest: what it is of, and which files it has.
//
//   manifest.files.push_back({"state/000012.sst", bytes, Sha256(content)});
//   const std::string json = ToJson(manifest);
//   LEDGERD_ASSIGN_OR_RETURN(manifest, ParseBackupManifest(json));
//
// Shape    A state as of `checkpoint` (no files of it when that is sequence 0),
//          and the entries after it up to `last`, all committed. Numbers of 64
//          bits are text in JSON: programs lose digits otherwise.
// Errors   FAILED_PRECONDITION  a newer build has written it.
//          DATA_LOSS            it is no manifest, or is damaged.
// Source   storage/FORMAT.md, "A backup".
#ifndef LEDGERD_PROTO_BACKUP_MANIFEST_H_
#define LEDGERD_PROTO_BACKUP_MANIFEST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "proto/base/sha256.h"
#include "proto/base/uint128.h"
#include "proto/entry.h"
#include "proto/types.h"

namespace ledgerd {

inline constexpr uint64_t kBackupVersion = 1;

struct BackupFile {
  // state/NAME or journal/NAME.
  std::string path;
  uint64_t bytes = 0;
  Hash256 hash = {};

  friend bool operator==(const BackupFile&, const BackupFile&) = default;
};

struct BackupManifest {
  ClusterId cluster;
  ReplicaId replica;
  Timestamp created_at;
  // Of the state's format, and as of the checkpoint.
  uint32_t state_format = 0;
  Uint128 state_hash = 0;
  EntryId checkpoint;
  // Of the checkpoint's entry.
  Timestamp checkpoint_timestamp;
  EntryId last;
  // Those of `journal` in the order of their entries.
  std::vector<BackupFile> files;

  friend bool operator==(const BackupManifest&,
                         const BackupManifest&) = default;
};

std::string ToJson(const BackupManifest& manifest);
absl::StatusOr<BackupManifest> ParseBackupManifest(absl::string_view json);

// Whether it can be the path of a backup's file: never one outside of it.
bool IsBackupPath(absl::string_view path);

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_BACKUP_MANIFEST_H_
