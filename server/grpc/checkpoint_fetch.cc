#include "server/grpc/checkpoint_fetch.h"

#include <chrono>
#include <memory>

#include "absl/strings/str_cat.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
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

using Stream = grpc::ClientReaderWriter<v1::GetCheckpointRequest,
                                        v1::GetCheckpointResponse>;

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(
      static_cast<int>(replication::kWireMessageBytesMax));
  // Else it would wait for a machine that is gone for as long as TCP does.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 5'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  return arguments;
}

// The other side has ended it: Finish says why.
absl::Status CutShort() {
  return absl::UnavailableError("the transfer was cut short");
}

absl::StatusOr<EntryId> Receive(const v1::GetCheckpointRequest& first,
                                storage::CheckpointReceiver& receiver,
                                Stream& stream) {
  v1::GetCheckpointResponse response;
  if (!stream.Write(first) || !stream.Read(&response)) return CutShort();
  LEDGERD_ASSIGN_OR_RETURN(const storage::CheckpointManifest manifest,
                           FromProto(response.manifest()));
  // This replica's applied point would go back with it.
  if (manifest.applied.entry.sequence < Sequence(first.at_least_sequence())) {
    return absl::FailedPreconditionError(
        absl::StrCat("its checkpoint is of sequence ",
                     manifest.applied.entry.sequence.value(), ", and one of ",
                     first.at_least_sequence(), " or above was asked for"));
  }
  LEDGERD_ASSIGN_OR_RETURN(storage::CheckpointPosition next,
                           receiver.Begin(manifest));
  v1::GetCheckpointRequest request;
  ToProto(next, *request.mutable_next());
  if (!stream.Write(request)) return CutShort();
  while (next.file < manifest.files.size()) {
    if (!stream.Read(&response)) return CutShort();
    LEDGERD_ASSIGN_OR_RETURN(next, AddChunk(response.chunk(), receiver));
  }
  LEDGERD_RETURN_IF_ERROR(receiver.Finish());
  return manifest.applied.entry;
}

}  // namespace

absl::StatusOr<EntryId> FetchCheckpoint(const PeerCall& call, Sequence at_least,
                                        storage::CheckpointReceiver& receiver,
                                        const std::stop_token& stop) {
  const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(
      call.deadline - std::chrono::steady_clock::now());
  Dialled dialled = Dial(call.address, patience, call.stopping);
  if (!dialled.socket.valid()) return absl::UnavailableError(dialled.error);
  const auto stub =
      v1::ReplicationService::NewStub(grpc::CreateCustomInsecureChannelFromFd(
          "replica", dialled.socket.Release(), Arguments()));
  grpc::ClientContext context;
  const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
  const std::unique_ptr<Stream> stream = stub->GetCheckpoint(&context);
  v1::GetCheckpointRequest request;
  *request.mutable_hello() = call.hello;
  request.set_at_least_sequence(at_least.value());
  absl::StatusOr<EntryId> received = Receive(request, receiver, *stream);
  // What is not received to its end, it need not send.
  const bool cut_short = absl::IsUnavailable(received.status());
  if (!received.ok() && !cut_short) context.TryCancel();
  stream->WritesDone();
  const grpc::Status ended = stream->Finish();
  if (!cut_short || ended.ok()) return received;
  return absl::Status(static_cast<absl::StatusCode>(ended.error_code()),
                      ended.error_message());
}

}  // namespace ledgerd::server
