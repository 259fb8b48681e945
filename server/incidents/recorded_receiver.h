// A RecordedReceiver records a resync before its checkpoint is received.
//
//   RecordedReceiver receiver(store.checkpoint_receiver(), watch);
//   ends.receiver = &receiver;
//
// Threads  As what it wraps.
#ifndef LEDGERD_SERVER_INCIDENTS_RECORDED_RECEIVER_H_
#define LEDGERD_SERVER_INCIDENTS_RECORDED_RECEIVER_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "proto/base/sha256.h"
#include "proto/types.h"
#include "server/incidents/group_watch.h"
#include "storage/checkpoint_transfer.h"

namespace ledgerd::server {

class RecordedReceiver final : public storage::CheckpointReceiver {
 public:
  // Both outlive it.
  RecordedReceiver(storage::CheckpointReceiver& receiver, GroupWatch& watch)
      : receiver_(receiver), watch_(watch) {}

  absl::StatusOr<storage::CheckpointPosition> Begin(
      const storage::CheckpointManifest& manifest) override {
    through_ = manifest.applied.entry.sequence;
    watch_.BeforeResync(through_);
    return receiver_.Begin(manifest);
  }

  absl::StatusOr<storage::CheckpointPosition> Add(
      const storage::CheckpointPosition& at, absl::string_view chunk,
      const Hash256& hash) override {
    return receiver_.Add(at, chunk, hash);
  }

  absl::Status Finish() override {
    absl::Status finished = receiver_.Finish();
    if (finished.ok()) watch_.AfterResync(through_);
    return finished;
  }

 private:
  storage::CheckpointReceiver& receiver_;
  GroupWatch& watch_;
  Sequence through_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_INCIDENTS_RECORDED_RECEIVER_H_
