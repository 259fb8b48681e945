#include "server/checkpoint_messages.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "proto/base/uint128.h"
#include "replication/wire.h"
#include "server/replica_hello.h"

namespace ledgerd::server {
namespace {

namespace v1 = ::replication::v1;

absl::StatusOr<Uint128> NumberOf(const std::string& bytes) {
  if (bytes.size() != 16) {
    return absl::InvalidArgumentError(
        absl::StrCat("a 128-bit number of ", bytes.size(), " bytes"));
  }
  Uint128 number = 0;
  for (const char byte : bytes) {
    number = number << 8 | static_cast<uint8_t>(byte);
  }
  return number;
}

}  // namespace

absl::StatusOr<Hash256> HashFromBytes(const std::string& bytes) {
  Hash256 hash{};
  if (bytes.size() != hash.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a hash of ", bytes.size(), " bytes"));
  }
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

void ToProto(const storage::CheckpointManifest& manifest,
             v1::CheckpointManifest& proto) {
  proto.set_cluster_id(ClusterBytes(manifest.cluster));
  proto.set_format_version(manifest.format_version);
  replication::ToProto(manifest.applied.entry, *proto.mutable_applied());
  proto.set_applied_timestamp(manifest.applied.timestamp.value());
  proto.set_state_hash(ClusterBytes(ClusterId(manifest.state_hash)));
  for (const storage::CheckpointFile& file : manifest.files) {
    v1::CheckpointFile& added = *proto.add_files();
    added.set_name(file.name);
    added.set_bytes(file.bytes);
    added.set_hash(std::string(AsBytes(file.hash)));
  }
}

absl::StatusOr<storage::CheckpointManifest> FromProto(
    const v1::CheckpointManifest& proto) {
  if (static_cast<size_t>(proto.files_size()) >
      storage::CheckpointManifest::kFilesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a checkpoint of ", proto.files_size(), " files"));
  }
  storage::CheckpointManifest manifest;
  LEDGERD_ASSIGN_OR_RETURN(const Uint128 cluster, NumberOf(proto.cluster_id()));
  manifest.cluster = ClusterId(cluster);
  manifest.format_version = proto.format_version();
  LEDGERD_ASSIGN_OR_RETURN(manifest.applied.entry,
                           replication::FromProto(proto.applied()));
  manifest.applied.timestamp = Timestamp(proto.applied_timestamp());
  LEDGERD_ASSIGN_OR_RETURN(manifest.state_hash, NumberOf(proto.state_hash()));
  for (const v1::CheckpointFile& file : proto.files()) {
    LEDGERD_ASSIGN_OR_RETURN(const Hash256 hash, HashFromBytes(file.hash()));
    manifest.files.push_back({file.name(), file.bytes(), hash});
  }
  return manifest;
}

void ToProto(const replication::StateMark& mark,
             v1::GetStateHashResponse& proto) {
  replication::ToProto(mark.entry, *proto.mutable_entry());
  proto.set_state_hash(ClusterBytes(ClusterId(mark.state_hash)));
}

absl::StatusOr<replication::StateMark> FromProto(
    const v1::GetStateHashResponse& proto) {
  replication::StateMark mark;
  LEDGERD_ASSIGN_OR_RETURN(mark.entry, replication::FromProto(proto.entry()));
  LEDGERD_ASSIGN_OR_RETURN(mark.state_hash, NumberOf(proto.state_hash()));
  return mark;
}

void ToProto(const storage::CheckpointPosition& position,
             v1::CheckpointPosition& proto) {
  proto.set_file(position.file);
  proto.set_offset(position.offset);
}

storage::CheckpointPosition FromProto(const v1::CheckpointPosition& proto) {
  return {.file = proto.file(), .offset = proto.offset()};
}

storage::CheckpointPosition After(const storage::CheckpointPosition& at,
                                  uint64_t bytes,
                                  const storage::CheckpointManifest& manifest) {
  if (at.offset + bytes < manifest.files[at.file].bytes) {
    return {at.file, at.offset + bytes};
  }
  return {at.file + 1, 0};
}

absl::Status WriteChunks(
    const storage::ExportedCheckpoint& files, storage::CheckpointPosition next,
    const std::function<bool(v1::CheckpointChunk)>& write) {
  const storage::CheckpointManifest& manifest = files.manifest();
  while (next.file < manifest.files.size()) {
    LEDGERD_ASSIGN_OR_RETURN(std::string data,
                             files.Read(next, storage::kCheckpointChunkBytes));
    v1::CheckpointChunk chunk;
    ToProto(next, *chunk.mutable_at());
    chunk.set_hash(std::string(AsBytes(Sha256(data))));
    next = After(next, data.size(), manifest);
    chunk.set_data(std::move(data));
    if (!write(std::move(chunk))) return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::StatusOr<storage::CheckpointPosition> AddChunk(
    const v1::CheckpointChunk& chunk, storage::CheckpointReceiver& receiver) {
  LEDGERD_ASSIGN_OR_RETURN(const Hash256 hash, HashFromBytes(chunk.hash()));
  return receiver.Add(FromProto(chunk.at()), chunk.data(), hash);
}

}  // namespace ledgerd::server
