#include "server/grpc/peer_questions.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel_posix.h"

#include "proto/base/status_macros.h"
#include "replication/v1/replication.grpc.pb.h"
#include "server/checkpoint_messages.h"
#include "server/peer_socket.h"

namespace ledgerd::server {
namespace {

namespace v1 = ::replication::v1;

using Stub = v1::ReplicationService::Stub;

absl::Status FromGrpc(const grpc::Status& status) {
  return {static_cast<absl::StatusCode>(status.error_code()),
          status.error_message()};
}

absl::StatusOr<std::unique_ptr<Stub>> Connect(const PeerCall& call) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      call.deadline - std::chrono::steady_clock::now());
  if (left <= left.zero()) return absl::DeadlineExceededError("no time left");
  Dialled dialled = Dial(call.address, left, call.stopping);
  if (!dialled.socket.valid()) return absl::UnavailableError(dialled.error);
  return v1::ReplicationService::NewStub(
      grpc::CreateInsecureChannelFromFd("replica", dialled.socket.Release()));
}

// gRPC's deadlines are of the wall clock.
void SetDeadline(const PeerCall& call, grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() +
                       std::max<std::chrono::steady_clock::duration>(
                           call.deadline - std::chrono::steady_clock::now(),
                           std::chrono::steady_clock::duration(0)));
}

}  // namespace

absl::StatusOr<replication::StateMark> AskStateHash(const PeerCall& call,
                                                    Sequence sequence) {
  LEDGERD_ASSIGN_OR_RETURN(const auto stub, Connect(call));
  v1::GetStateHashRequest request;
  *request.mutable_hello() = call.hello;
  request.set_sequence(sequence.value());
  grpc::ClientContext context;
  SetDeadline(call, context);
  v1::GetStateHashResponse response;
  LEDGERD_RETURN_IF_ERROR(
      FromGrpc(stub->GetStateHash(&context, request, &response)));
  absl::StatusOr<replication::StateMark> mark = FromProto(response);
  if (!mark.ok() || mark->entry.sequence != sequence) {
    return absl::InternalError("it answered something else");
  }
  return mark;
}

absl::StatusOr<std::vector<Entry>> AskEntries(const PeerCall& call,
                                              Sequence from, Sequence through) {
  LEDGERD_ASSIGN_OR_RETURN(const auto stub, Connect(call));
  v1::GetEntriesRequest request;
  *request.mutable_hello() = call.hello;
  request.set_from_sequence(from.value());
  request.set_through_sequence(through.value());
  grpc::ClientContext context;
  SetDeadline(call, context);
  v1::GetEntriesResponse response;
  LEDGERD_RETURN_IF_ERROR(
      FromGrpc(stub->GetEntries(&context, request, &response)));
  std::vector<Entry> entries;
  Sequence next = from;
  for (std::string& bytes : *response.mutable_entries()) {
    absl::StatusOr<Entry> entry = Entry::Parse(std::move(bytes));
    if (!entry.ok() || entry->sequence() != next || next > through) break;
    entries.push_back(*std::move(entry));
    next = next.Next();
  }
  if (entries.empty()) return absl::InternalError("it answered no entry");
  return entries;
}

}  // namespace ledgerd::server
