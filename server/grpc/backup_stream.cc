#include "server/grpc/backup_stream.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "proto/base/sha256.h"
#include "proto/base/status_macros.h"
#include "replication/replica_handle.h"

namespace ledgerd::server {
namespace {

constexpr uint64_t kReadBytes = uint64_t{4} << 20;
// The first one reads all tables for their hashes, and may take minutes; the
// later ones only those that are new.
constexpr int kTries = 3;

absl::Status CheckHasState(const replication::ReplicaStatus& status) {
  if (status.role != replication::Role::kWitness) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "a witness has no accounts to back up: ask another replica");
}

}  // namespace

absl::Status BackupStream::Send(Timestamp now) {
  const replication::ReplicaStatus status = group_.replica.status();
  LEDGERD_RETURN_IF_ERROR(CheckHasState(status));
  manifest_.cluster = group_.cluster;
  manifest_.replica = status.replica;
  manifest_.created_at = now;
  absl::Status begun = Begin();
  for (int i = 1; i < kTries && absl::IsOutOfRange(begun); ++i) begun = Begin();
  if (absl::IsOutOfRange(begun)) {
    return absl::AbortedError(
        absl::StrCat(begun.message(),
                     ": the journal lets go of entries sooner than they are "
                     "read. Set journal.retention_bytes higher"));
  }
  LEDGERD_RETURN_IF_ERROR(begun);
  LEDGERD_RETURN_IF_ERROR(SendState());
  admin::v1::CreateBackupResponse response;
  response.mutable_chunk()->set_manifest(ToJson(manifest_));
  if (write_(response)) return absl::OkStatus();
  return absl::CancelledError("nobody reads the backup any more");
}

absl::Status BackupStream::Begin() {
  manifest_.files.clear();
  checkpoint_.reset();
  if (group_.replica.status().state_held) {
    return absl::UnavailableError(
        "this replica's state is damaged, and is being replaced with another "
        "one's: back up another replica, or try again later");
  }
  auto exported = group_.store.ExportCheckpoint();
  if (exported.ok()) {
    checkpoint_ = *std::move(exported);
    const storage::CheckpointManifest& state = checkpoint_->manifest();
    manifest_.state_format = state.format_version;
    manifest_.state_hash = state.state_hash;
    manifest_.checkpoint = state.applied.entry;
    manifest_.checkpoint_timestamp = state.applied.timestamp;
  } else if (!absl::IsNotFound(exported.status())) {
    return exported.status();
  }
  manifest_.last = manifest_.checkpoint;
  return SendJournal();
}

absl::Status BackupStream::SendJournal() {
  const Sequence through = std::min(group_.replica.status().commit.sequence,
                                    group_.journal.last().sequence);
  while (manifest_.last.sequence < through) {
    LEDGERD_RETURN_IF_ERROR(why_to_end_());
    LEDGERD_RETURN_IF_ERROR(SendEntries(through));
  }
  return absl::OkStatus();
}

absl::Status BackupStream::SendEntries(Sequence through) {
  LEDGERD_ASSIGN_OR_RETURN(
      const std::vector<Entry> entries,
      group_.journal.Read(manifest_.last.sequence.Next(), kReadBytes));
  std::string content;
  for (const Entry& entry : entries) {
    if (entry.sequence() > through) break;
    absl::StrAppend(&content, entry.bytes());
    manifest_.last = entry.id();
  }
  const std::string path =
      absl::StrFormat("journal/%020d", entries.front().sequence().value());
  manifest_.files.push_back({path, content.size(), Sha256(content)});
  const absl::string_view all = content;
  for (size_t at = 0; at < all.size(); at += storage::kCheckpointChunkBytes) {
    LEDGERD_RETURN_IF_ERROR(
        SendChunk(path, at, all.substr(at, storage::kCheckpointChunkBytes)));
  }
  return absl::OkStatus();
}

absl::Status BackupStream::SendState() {
  if (checkpoint_ == nullptr) return absl::OkStatus();
  for (size_t i = 0; i < checkpoint_->manifest().files.size(); ++i) {
    LEDGERD_RETURN_IF_ERROR(SendFile(i));
  }
  return absl::OkStatus();
}

absl::Status BackupStream::SendFile(size_t file) {
  const storage::CheckpointFile& sent = checkpoint_->manifest().files[file];
  const std::string path = absl::StrCat("state/", sent.name);
  manifest_.files.push_back({path, sent.bytes, sent.hash});
  for (uint64_t at = 0; at < sent.bytes;) {
    LEDGERD_RETURN_IF_ERROR(why_to_end_());
    LEDGERD_ASSIGN_OR_RETURN(
        const std::string data,
        checkpoint_->Read({file, at}, storage::kCheckpointChunkBytes));
    LEDGERD_RETURN_IF_ERROR(SendChunk(path, at, data));
    at += data.size();
  }
  return absl::OkStatus();
}

absl::Status BackupStream::SendChunk(const std::string& path, uint64_t offset,
                                     absl::string_view data) {
  admin::v1::CreateBackupResponse response;
  admin::v1::BackupChunk& chunk = *response.mutable_chunk();
  chunk.set_path(path);
  chunk.set_offset(offset);
  chunk.set_data(std::string(data));
  if (write_(response)) return absl::OkStatus();
  return absl::CancelledError("nobody reads the backup any more");
}

}  // namespace ledgerd::server
