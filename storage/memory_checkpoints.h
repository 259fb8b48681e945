// MemoryCheckpoints are what MemoryStateStores send to each other: a checkpoint
// travels as its number here, in one step.
//
//   auto pool = std::make_shared<MemoryCheckpoints>();
//   MemoryStateStore sender({.checkpoints = pool});
//   MemoryStateStore receiver({.checkpoints = pool});
//
// Fault model  As the real one's: chunks that are damaged, or do not come next,
//              are refused; what was not finished is lost with the process.
// Threads      Any.
#ifndef LEDGERD_STORAGE_MEMORY_CHECKPOINTS_H_
#define LEDGERD_STORAGE_MEMORY_CHECKPOINTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "proto/base/mutex.h"
#include "proto/base/sha256.h"
#include "proto/entry.h"
#include "storage/checkpoint_transfer.h"
#include "storage/memory_state.h"

namespace ledgerd::storage {

class MemoryCheckpoints {
 public:
  using State = std::shared_ptr<const MemoryState>;

  // NOT_FOUND when nothing was applied to it.
  absl::StatusOr<std::shared_ptr<const ExportedCheckpoint>> Export(State state)
      LEDGERD_EXCLUDES(mutex_);

  // Null when `content` is not that of a file that Export made.
  State Find(absl::string_view content) const LEDGERD_EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  std::vector<State> states_ LEDGERD_GUARDED_BY(mutex_);
};

class MemoryCheckpointReceiver final : public CheckpointReceiver {
 public:
  explicit MemoryCheckpointReceiver(std::shared_ptr<MemoryCheckpoints> pool)
      : pool_(std::move(pool)) {}

  absl::StatusOr<CheckpointPosition> Begin(
      const CheckpointManifest& manifest) override;
  absl::StatusOr<CheckpointPosition> Add(const CheckpointPosition& at,
                                         absl::string_view chunk,
                                         const Hash256& hash) override;
  absl::Status Finish() override;

  // Null when this is not what was finished.
  MemoryCheckpoints::State Claim(const EntryId& checkpoint)
      LEDGERD_EXCLUDES(mutex_);

  // The process is gone.
  void Forget() LEDGERD_EXCLUDES(mutex_);

 private:
  CheckpointPosition PositionLocked() const LEDGERD_REQUIRES(mutex_);

  const std::shared_ptr<MemoryCheckpoints> pool_;
  Mutex mutex_;
  std::optional<CheckpointManifest> manifest_ LEDGERD_GUARDED_BY(mutex_);
  std::string content_ LEDGERD_GUARDED_BY(mutex_);
  MemoryCheckpoints::State finished_ LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_MEMORY_CHECKPOINTS_H_
