#include "server/grpc/checkpoint_sender.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/channel.h"
#include "grpcpp/create_channel_posix.h"
#include "grpcpp/support/channel_arguments.h"

#include "proto/base/status_macros.h"
#include "replication/v1/replication.grpc.pb.h"
#include "replication/wire.h"
#include "server/checkpoint_messages.h"
#include "server/peer_socket.h"

namespace ledgerd::server {
namespace {

namespace v1 = ::replication::v1;

constexpr std::chrono::seconds kDialPatience(1);

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxSendMessageSize(
      static_cast<int>(replication::kWireMessageBytesMax));
  // Else it would wait for a machine that is gone for as long as TCP does.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 5'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  return arguments;
}

using Stream = grpc::ClientReaderWriter<v1::SendCheckpointRequest,
                                        v1::SendCheckpointResponse>;

}  // namespace

CheckpointSender::CheckpointSender(CheckpointSenderOptions options,
                                   Logger& logger)
    : options_(std::move(options)),
      logger_(logger),
      thread_([this] { Loop(); }) {}

CheckpointSender::~CheckpointSender() { Stop(); }

void CheckpointSender::Send(replication::CheckpointOrder order,
                            std::string address) {
  {
    const MutexLock lock(mutex_);
    next_ = Order{order, std::move(address)};
    if (context_ != nullptr) context_->TryCancel();
  }
  changed_.SignalAll();
}

void CheckpointSender::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    if (context_ != nullptr) context_->TryCancel();
  }
  changed_.SignalAll();
  if (thread_.joinable()) thread_.join();
}

void CheckpointSender::Loop() {
  while (true) {
    Order order;
    {
      const MutexLock lock(mutex_);
      while (!next_.has_value() && !stopping_) changed_.Wait(mutex_);
      if (stopping_) return;
      order = *std::move(next_);
      next_.reset();
    }
    const absl::Status brought = Bring(order);
    logger_.Info("checkpoint sent",
                 {{"replica_id", order.order.to.value()},
                  {"outcome", brought.ok() ? "ok" : brought.ToString()}});
    bool is_replaced = false;
    {
      const MutexLock lock(mutex_);
      is_replaced = next_.has_value() || stopping_;
    }
    if (!is_replaced) options_.ended();
  }
}

bool CheckpointSender::Begin(grpc::ClientContext* context) {
  const MutexLock lock(mutex_);
  if (next_.has_value() || stopping_) return false;
  context_ = context;
  return true;
}

absl::Status CheckpointSender::Bring(const Order& order) {
  Dialled dialled = Dial(order.address, kDialPatience, stopping_);
  if (!dialled.socket.valid()) return absl::UnavailableError(dialled.error);
  const auto channel = grpc::CreateCustomInsecureChannelFromFd(
      "replica", dialled.socket.Release(), Arguments());
  grpc::ClientContext context;
  if (!Begin(&context)) return absl::CancelledError("a later order came");
  const absl::Status brought = BringTo(channel, order, context);
  const MutexLock lock(mutex_);
  context_ = nullptr;
  return brought;
}

absl::Status CheckpointSender::BringTo(
    const std::shared_ptr<grpc::Channel>& channel, const Order& order,
    grpc::ClientContext& context) {
  LEDGERD_ASSIGN_OR_RETURN(const CheckpointToSend checkpoint,
                           options_.newest());
  const auto stub = v1::ReplicationService::NewStub(channel);
  const std::unique_ptr<Stream> stream = stub->SendCheckpoint(&context);
  v1::SendCheckpointRequest request;
  v1::CheckpointOffer& offer = *request.mutable_offer();
  *offer.mutable_hello() = options_.hello();
  offer.set_epoch(order.order.epoch.value());
  replication::ToProto(checkpoint.membership, *offer.mutable_membership());
  ToProto(checkpoint.files->manifest(), *offer.mutable_manifest());
  stream->Write(request);
  v1::SendCheckpointResponse response;
  absl::Status read;
  if (stream->Read(&response)) {
    const auto write = [&stream](v1::CheckpointChunk chunk) {
      v1::SendCheckpointRequest part;
      *part.mutable_chunk() = std::move(chunk);
      return stream->Write(part);
    };
    read = WriteChunks(*checkpoint.files, FromProto(response.next()), write);
  }
  if (!read.ok()) context.TryCancel();
  stream->WritesDone();
  const grpc::Status ended = stream->Finish();
  if (!read.ok() || ended.ok()) return read;
  return absl::Status(static_cast<absl::StatusCode>(ended.error_code()),
                      ended.error_message());
}

}  // namespace ledgerd::server
