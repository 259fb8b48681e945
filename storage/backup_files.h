// A backup's files, as `ledgerctl backup` keeps them.
//
//   BackupWriter writer(directory);
//   LEDGERD_RETURN_IF_ERROR(writer.Add("state/000012.sst", 0, chunk));
//   LEDGERD_RETURN_IF_ERROR(writer.Finish(json));
//   LEDGERD_ASSIGN_OR_RETURN(auto manifest, ReadBackup(directory));
//   LEDGERD_RETURN_IF_ERROR(VerifyBackup(directory, manifest));
//
// Shape       state/, journal/, manifest.json, and its own hash beside it in
//             manifest.json.sha256, as `sha256sum -c` reads it.
// Durability  After Finish all files are synced; directories are the caller's.
// Errors      DATA_LOSS           a file is not what the manifest says; which.
//             NOT_FOUND           there is no backup.
//             INVALID_ARGUMENT    (Add) no path of a backup's file, or not the
//                                 next bytes of it.
//             RESOURCE_EXHAUSTED  no space.
// Threads     One at a time.
// Source      FORMAT.md, "A backup".
#ifndef LEDGERD_STORAGE_BACKUP_FILES_H_
#define LEDGERD_STORAGE_BACKUP_FILES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "proto/backup_manifest.h"
#include "proto/entry.h"

namespace ledgerd::storage {

class BackupWriter {
 public:
  // Makes `directory`, at the first Add or Finish.
  explicit BackupWriter(std::string directory)
      : directory_(std::move(directory)) {}

  ~BackupWriter();

  BackupWriter(const BackupWriter&) = delete;
  BackupWriter& operator=(const BackupWriter&) = delete;

  // The bytes of a file from `offset` on, in order. Offset 0 begins it, also
  // once more: what was there of it before goes.
  absl::Status Add(const std::string& path, uint64_t offset,
                   absl::string_view bytes);

  // Removes what the manifest does not name, verifies the rest, and writes the
  // manifest.
  absl::StatusOr<BackupManifest> Finish(const std::string& manifest);

 private:
  absl::Status MakeDirectories() const;
  absl::Status Close();

  const std::string directory_;
  std::string path_;
  uint64_t written_ = 0;
  int descriptor_ = -1;
};

// The manifest, if its own hash holds.
absl::StatusOr<BackupManifest> ReadBackup(const std::string& directory);

// All of the backup's files, and the hash chain of its entries from the
// checkpoint to the last.
absl::Status VerifyBackup(const std::string& directory,
                          const BackupManifest& manifest);

// A whole file of a backup, verified.
absl::StatusOr<std::string> ReadBackupFile(const std::string& directory,
                                           const BackupFile& file);

// The entries of a file of journal/.
absl::StatusOr<std::vector<Entry>> EntriesOf(const BackupFile& file,
                                             absl::string_view content);

// OK when `entry` follows `last`.
absl::Status CheckFollows(const Entry& entry, const EntryId& last);

// Writes a new file, and syncs it.
absl::Status WriteSynced(const std::string& path, absl::string_view bytes);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_BACKUP_FILES_H_
