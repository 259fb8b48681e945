// A checkpoint's manifest and chunks, and a state's mark, as messages and back.
//
// Errors   INVALID_ARGUMENT  the sender's message is none: an id, a hash or a
//                            number of files that cannot be.
#ifndef LEDGERD_SERVER_CHECKPOINT_MESSAGES_H_
#define LEDGERD_SERVER_CHECKPOINT_MESSAGES_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/base/sha256.h"
#include "replication/state_marks.h"
#include "replication/v1/messages.pb.h"
#include "storage/checkpoint_transfer.h"

namespace ledgerd::server {

void ToProto(const storage::CheckpointManifest& manifest,
             ::replication::v1::CheckpointManifest& proto);
absl::StatusOr<storage::CheckpointManifest> FromProto(
    const ::replication::v1::CheckpointManifest& proto);

void ToProto(const storage::CheckpointPosition& position,
             ::replication::v1::CheckpointPosition& proto);
storage::CheckpointPosition FromProto(
    const ::replication::v1::CheckpointPosition& proto);

// Where the next chunk begins after `bytes` from `at` on.
storage::CheckpointPosition After(const storage::CheckpointPosition& at,
                                  uint64_t bytes,
                                  const storage::CheckpointManifest& manifest);

void ToProto(const replication::StateMark& mark,
             ::replication::v1::GetStateHashResponse& proto);
absl::StatusOr<replication::StateMark> FromProto(
    const ::replication::v1::GetStateHashResponse& proto);

// Reads the chunks from `next` on and gives them to `write`, until that says
// false: the other side has ended it, and its status says why.
absl::Status WriteChunks(
    const storage::ExportedCheckpoint& files, storage::CheckpointPosition next,
    const std::function<bool(::replication::v1::CheckpointChunk)>& write);

// Gives a chunk to `receiver`; where the next one begins.
absl::StatusOr<storage::CheckpointPosition> AddChunk(
    const ::replication::v1::CheckpointChunk& chunk,
    storage::CheckpointReceiver& receiver);

absl::StatusOr<Hash256> HashFromBytes(const std::string& bytes);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_CHECKPOINT_MESSAGES_H_
