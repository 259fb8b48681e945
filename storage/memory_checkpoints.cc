#include "storage/memory_checkpoints.h"

#include <algorithm>
#include <utility>

#include "proto/base/little_endian.h"
#include "proto/base/status_macros.h"

namespace ledgerd::storage {
namespace {

class MemoryExport final : public ExportedCheckpoint {
 public:
  MemoryExport(const MemoryState& state, std::string content)
      : content_(std::move(content)) {
    manifest_.applied = state.applied();
    manifest_.state_hash = state.hash();
    manifest_.files = {{"memory", content_.size(), Sha256(content_)}};
  }

  const CheckpointManifest& manifest() const override { return manifest_; }

  absl::StatusOr<std::string> Read(const CheckpointPosition& from,
                                   size_t bytes_max) const override {
    if (from.file != 0 || from.offset >= content_.size() || bytes_max == 0) {
      return absl::OutOfRangeError("not in the checkpoint");
    }
    return content_.substr(from.offset, bytes_max);
  }

 private:
  const std::string content_;
  CheckpointManifest manifest_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const ExportedCheckpoint>>
MemoryCheckpoints::Export(State state) {
  if (state->applied().entry.sequence == Sequence(0)) {
    return absl::NotFoundError("there is no checkpoint yet");
  }
  const MutexLock lock(mutex_);
  states_.push_back(state);
  std::string content(sizeof(uint64_t), '\0');
  PutLittle(content.data(), uint64_t{states_.size()});
  return std::make_shared<MemoryExport>(*state, std::move(content));
}

MemoryCheckpoints::State MemoryCheckpoints::Find(
    absl::string_view content) const {
  if (content.size() != sizeof(uint64_t)) return nullptr;
  const auto number = GetLittle<uint64_t>(content.data());
  const MutexLock lock(mutex_);
  if (number == 0 || number > states_.size()) return nullptr;
  return states_[number - 1];
}

absl::StatusOr<CheckpointPosition> MemoryCheckpointReceiver::Begin(
    const CheckpointManifest& manifest) {
  const MutexLock lock(mutex_);
  if (manifest.cluster != ClusterId(0)) {
    return absl::FailedPreconditionError("it is of another cluster");
  }
  if (manifest_ != manifest) {
    manifest_ = manifest;
    content_.clear();
  }
  return PositionLocked();
}

CheckpointPosition MemoryCheckpointReceiver::PositionLocked() const {
  if (content_.size() >= manifest_->files.front().bytes) return {1, 0};
  return {0, content_.size()};
}

absl::StatusOr<CheckpointPosition> MemoryCheckpointReceiver::Add(
    const CheckpointPosition& at, absl::string_view chunk,
    const Hash256& hash) {
  const MutexLock lock(mutex_);
  if (!manifest_.has_value() || at != PositionLocked() || at.file > 0 ||
      chunk.empty() || Sha256(chunk) != hash ||
      content_.size() + chunk.size() > manifest_->files.front().bytes) {
    return absl::InvalidArgumentError("not what comes next");
  }
  content_.append(chunk.data(), chunk.size());
  if (content_.size() == manifest_->files.front().bytes &&
      Sha256(content_) != manifest_->files.front().hash) {
    content_.clear();
    return absl::DataLossError("memory is not what was announced");
  }
  return PositionLocked();
}

absl::Status MemoryCheckpointReceiver::Finish() {
  const MutexLock lock(mutex_);
  if (!manifest_.has_value() || PositionLocked().file == 0) {
    return absl::InvalidArgumentError("the checkpoint is not all here");
  }
  const CheckpointManifest manifest = *std::exchange(manifest_, std::nullopt);
  MemoryCheckpoints::State state = pool_->Find(content_);
  content_.clear();
  if (state == nullptr || state->applied() != manifest.applied ||
      state->hash() != manifest.state_hash) {
    return absl::DataLossError("it is not the state that was announced");
  }
  finished_ = std::move(state);
  return absl::OkStatus();
}

MemoryCheckpoints::State MemoryCheckpointReceiver::Claim(
    const EntryId& checkpoint) {
  const MutexLock lock(mutex_);
  if (finished_ == nullptr || finished_->applied().entry != checkpoint) {
    return nullptr;
  }
  return std::exchange(finished_, nullptr);
}

void MemoryCheckpointReceiver::Forget() {
  const MutexLock lock(mutex_);
  manifest_.reset();
  content_.clear();
  finished_ = nullptr;
}

}  // namespace ledgerd::storage
