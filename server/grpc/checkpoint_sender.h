// A CheckpointSender brings checkpoints to one other replica.
//
//   CheckpointSender sender(options, logger);
//   sender.Send(order, "10.0.0.2:7302");    // then options.ended(), once
//   sender.Stop();
//
// Shape    A connection of its own, so that entries and heartbeats never wait
//          behind it. A later order takes the place of one that is on its way,
//          of which `ended` says nothing then. What was brought before stays
//          there: the next transfer of the same checkpoint goes on after it.
// Threads  One of its own, which calls the functions. Send never waits.
#ifndef LEDGERD_SERVER_GRPC_CHECKPOINT_SENDER_H_
#define LEDGERD_SERVER_GRPC_CHECKPOINT_SENDER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/client_context.h"

#include "proto/base/mutex.h"
#include "proto/membership.h"
#include "proto/types.h"
#include "replication/core/update.h"
#include "replication/v1/messages.pb.h"
#include "server/logging.h"
#include "storage/checkpoint_transfer.h"

namespace ledgerd::server {

struct CheckpointToSend {
  // That which held there.
  Membership membership;
  std::shared_ptr<const storage::ExportedCheckpoint> files;
};

struct CheckpointSenderOptions {
  // This replica's, to the other.
  std::function<::replication::v1::Hello()> hello;
  // The newest; may wait for a disk.
  std::function<absl::StatusOr<CheckpointToSend>()> newest;
  // An order has come to its end, also when it failed.
  std::function<void()> ended;
};

class CheckpointSender {
 public:
  CheckpointSender(CheckpointSenderOptions options, Logger& logger);
  // Stops.
  ~CheckpointSender();

  void Send(replication::CheckpointOrder order, std::string address)
      LEDGERD_EXCLUDES(mutex_);

  void Stop() LEDGERD_EXCLUDES(mutex_);

 private:
  struct Order {
    replication::CheckpointOrder order;
    std::string address;
  };

  void Loop() LEDGERD_EXCLUDES(mutex_);
  absl::Status Bring(const Order& order) LEDGERD_EXCLUDES(mutex_);
  absl::Status BringTo(const std::shared_ptr<grpc::Channel>& channel,
                       const Order& order, grpc::ClientContext& context);
  // False when there is a later order, or a stop: it is cancelled at once.
  bool Begin(grpc::ClientContext* context) LEDGERD_EXCLUDES(mutex_);

  const CheckpointSenderOptions options_;
  Logger& logger_;
  std::atomic<bool> stopping_ = false;
  Mutex mutex_;
  CondVar changed_;
  std::optional<Order> next_ LEDGERD_GUARDED_BY(mutex_);
  grpc::ClientContext* context_ LEDGERD_GUARDED_BY(mutex_) = nullptr;
  std::thread thread_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_CHECKPOINT_SENDER_H_
