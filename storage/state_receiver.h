// A StateReceiver takes the files of another replica's checkpoint, and puts
// them below state/ when the replica wants them (state_directories.h).
//
// Shape    `incoming` has the files while they come. A file that is whole is
//          one with the announced size and hash, whoever has sent it: so a
//          transfer that was cut short is gone on with, also of a newer
//          checkpoint that has files in common with it. A file that was half
//          here when the process ended comes again.
// Finish   Opens the files to read them, compares what they are the state of
//          with what was announced, and puts them into `incoming/finished`,
//          where the next transfer leaves them alone. Until Claim they are not
//          below state/: a replica that does not want them, since it has got
//          further by itself, must not find them at its next start.
// Threads  Any, one call at a time.
#ifndef LEDGERD_STORAGE_STATE_RECEIVER_H_
#define LEDGERD_STORAGE_STATE_RECEIVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "rocksdb/env.h"
#include "rocksdb/file_system.h"

#include "proto/base/mutex.h"
#include "proto/base/sha256.h"
#include "proto/entry.h"
#include "proto/types.h"
#include "storage/checkpoint_transfer.h"

namespace ledgerd::storage {

class StateReceiver final : public CheckpointReceiver {
 public:
  // Below `incoming`: what is finished, until it is claimed.
  static constexpr absl::string_view kFinished = "finished";

  struct Options {
    // On the same file system as `state`.
    std::string incoming;
    std::string state;
    ClusterId cluster;
    std::shared_ptr<rocksdb::FileSystem> files;
    // RESOURCE_EXHAUSTED unless there is space for so many bytes.
    std::function<absl::Status(uint64_t)> check_space;
  };

  explicit StateReceiver(Options options);
  ~StateReceiver() override;

  absl::StatusOr<CheckpointPosition> Begin(
      const CheckpointManifest& manifest) override LEDGERD_EXCLUDES(mutex_);
  absl::StatusOr<CheckpointPosition> Add(const CheckpointPosition& at,
                                         absl::string_view chunk,
                                         const Hash256& hash) override
      LEDGERD_EXCLUDES(mutex_);
  absl::Status Finish() override LEDGERD_EXCLUDES(mutex_);

  // Moves the checkpoint that was finished to state/db-N; the name. May be
  // repeated. NOT_FOUND when there is no such one.
  absl::StatusOr<std::string> Claim(const EntryId& checkpoint)
      LEDGERD_EXCLUDES(mutex_);

  // Removes what was finished: it is not wanted.
  absl::Status Discard() LEDGERD_EXCLUDES(mutex_);

 private:
  std::string PathOf(const CheckpointFile& file) const;
  absl::Status CheckFits(const CheckpointManifest& manifest) const;
  absl::Status TakeOver(const CheckpointManifest& manifest)
      LEDGERD_REQUIRES(mutex_);
  absl::StatusOr<bool> IsWhole(const CheckpointFile& file) const;
  // Moves the position to the first file, from `file` on, that is missing.
  void GoTo(size_t file) LEDGERD_REQUIRES(mutex_);
  absl::Status Append(const CheckpointFile& file, absl::string_view chunk)
      LEDGERD_REQUIRES(mutex_);
  absl::Status FinishFile(const CheckpointFile& file) LEDGERD_REQUIRES(mutex_);
  absl::Status Verify(const CheckpointManifest& manifest) const;
  // What a process before has finished comes back.
  absl::Status TakeBackFinished() LEDGERD_REQUIRES(mutex_);
  // Moves all files from one directory to another, and syncs both.
  absl::Status MoveFiles(const std::string& from, const std::string& to) const;
  std::string FinishedPath() const;

  const Options options_;
  const std::unique_ptr<rocksdb::Env> env_;

  Mutex mutex_;
  std::optional<CheckpointManifest> manifest_ LEDGERD_GUARDED_BY(mutex_);
  // Of its files, which are whole.
  std::vector<bool> whole_ LEDGERD_GUARDED_BY(mutex_);
  CheckpointPosition position_ LEDGERD_GUARDED_BY(mutex_);
  // The file at position_, once something of it is here.
  std::unique_ptr<rocksdb::WritableFile> file_ LEDGERD_GUARDED_BY(mutex_);
  std::optional<CheckpointManifest> finished_ LEDGERD_GUARDED_BY(mutex_);
  std::optional<EntryId> claimed_ LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_RECEIVER_H_
