#include "server/grpc/replication_service.h"

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "proto/base/happens_before.h"
#include "proto/base/status_macros.h"
#include "replication/wire.h"
#include "server/checkpoint_messages.h"
#include "server/replica_hello.h"

namespace ledgerd::server {
namespace {

namespace v1 = ::replication::v1;

using ConnectReactor =
    grpc::ServerBidiReactor<v1::ConnectRequest, v1::ConnectResponse>;

// Until an entry that is waited for is applied.
constexpr std::chrono::milliseconds kLookAgain{10};
// Until there is a checkpoint that is asked for; who asks does so again.
constexpr std::chrono::seconds kCheckpointPatience{10};

grpc::Status ToGrpc(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()),
          std::string(status.message())};
}

// What one replica says, from its hello on. All of it is one chain of reads,
// each begun by the one before, so it needs no mutex. Deletes itself.
class IncomingStream final : public ConnectReactor {
 public:
  explicit IncomingStream(const ReplicationHost& host) : host_(host) {
    Listen();
  }

  void OnReadDone(bool ok) override {
    LEDGERD_ACQUIRE(this);
    // Its process or connection is gone, or this server is stopping.
    if (!ok) return Finish(grpc::Status::OK);
    const absl::Status taken = hello_.replica_id() == 0 ? Greet() : Take();
    if (!taken.ok()) return Finish(ToGrpc(taken));
    Listen();
  }

  void OnDone() override { delete this; }

 private:
  void Listen() {
    LEDGERD_RELEASE(this);
    StartRead(&request_);
  }

  absl::Status Greet() {
    if (!request_.has_hello() || request_.has_message()) {
      return absl::InvalidArgumentError("a replica says hello first");
    }
    LEDGERD_RETURN_IF_ERROR(host_.admit(request_.hello()));
    hello_ = request_.hello();
    *response_.mutable_hello() = host_.hello(ReplicaId(hello_.replica_id()));
    StartWrite(&response_);
    return absl::OkStatus();
  }

  absl::Status Take() {
    LEDGERD_ASSIGN_OR_RETURN(replication::Message message,
                             replication::Decode(std::move(request_)));
    if (message.from.value() != hello_.replica_id() ||
        message.from_incarnation.value() != hello_.incarnation()) {
      return absl::InvalidArgumentError(
          absl::StrCat("a message from replica ", message.from.value(),
                       " on replica ", hello_.replica_id(), "'s stream"));
    }
    host_.deliver(replication::Received{std::move(message)});
    request_.Clear();
    return absl::OkStatus();
  }

  const ReplicationHost& host_;
  v1::ConnectRequest request_;
  v1::ConnectResponse response_;
  // Its replica is 0 until it has come.
  v1::Hello hello_;
};

}  // namespace

ConnectReactor* ReplicationService::Connect(
    grpc::CallbackServerContext* /*context*/) {
  return new IncomingStream(host_);
}

// ---- checkpoints

grpc::Status ReplicationService::SendCheckpoint(grpc::ServerContext* context,
                                                CheckpointStream* stream) {
  BeginReceiving(context);
  const absl::Status received = Receive(*stream);
  EndReceiving();
  return received.ok() ? grpc::Status::OK : ToGrpc(received);
}

void ReplicationService::BeginReceiving(grpc::ServerContext* context) {
  const MutexLock lock(mutex_);
  while (receiving_ != nullptr) {
    receiving_->TryCancel();
    changed_.Wait(mutex_);
  }
  receiving_ = context;
}

void ReplicationService::EndReceiving() {
  {
    const MutexLock lock(mutex_);
    receiving_ = nullptr;
  }
  changed_.SignalAll();
}

absl::Status ReplicationService::Receive(CheckpointStream& stream) {
  v1::SendCheckpointRequest request;
  if (!stream.Read(&request) || !request.has_offer()) {
    return absl::InvalidArgumentError("a transfer begins with an offer");
  }
  const v1::CheckpointOffer offer = std::move(*request.mutable_offer());
  LEDGERD_RETURN_IF_ERROR(host_.admit(offer.hello()));
  LEDGERD_ASSIGN_OR_RETURN(Membership membership,
                           replication::FromProto(offer.membership()));
  LEDGERD_ASSIGN_OR_RETURN(const storage::CheckpointManifest manifest,
                           FromProto(offer.manifest()));
  // A witness takes the checkpoint's place in the journal, and no state.
  storage::CheckpointPosition next{.file = manifest.files.size()};
  if (host_.receiver != nullptr) {
    LEDGERD_ASSIGN_OR_RETURN(next, host_.receiver->Begin(manifest));
  }
  v1::SendCheckpointResponse response;
  ToProto(next, *response.mutable_next());
  stream.Write(response);
  while (next.file < manifest.files.size()) {
    if (!stream.Read(&request)) {
      return absl::UnavailableError("the transfer was cut short");
    }
    LEDGERD_ASSIGN_OR_RETURN(next, AddChunk(request.chunk(), *host_.receiver));
  }
  if (host_.receiver != nullptr) {
    LEDGERD_RETURN_IF_ERROR(host_.receiver->Finish());
  }
  host_.deliver(replication::CheckpointReceived{
      .from = ReplicaId(offer.hello().replica_id()),
      .epoch = Epoch(offer.epoch()),
      .checkpoint = manifest.applied.entry,
      .timestamp = manifest.applied.timestamp,
      .membership = std::move(membership)});
  return absl::OkStatus();
}

// ---- incidents

grpc::Status ReplicationService::ReportIncidents(
    grpc::ServerContext* /*context*/, const v1::ReportIncidentsRequest* request,
    v1::ReportIncidentsResponse* /*response*/) {
  const absl::Status journalled = Journal(*request);
  return journalled.ok() ? grpc::Status::OK : ToGrpc(journalled);
}

absl::Status ReplicationService::Journal(
    const v1::ReportIncidentsRequest& request) {
  LEDGERD_RETURN_IF_ERROR(host_.admit(request.hello()));
  const auto incidents = DecodeIncidents(request.incidents());
  if (!incidents.ok() || incidents->empty() ||
      incidents->size() > kIncidentsAtOnceMax) {
    return absl::InvalidArgumentError("no incidents");
  }
  for (const Incident& incident : *incidents) {
    if (incident.id.replica.value() != request.hello().replica_id()) {
      return absl::InvalidArgumentError(
          "a replica speaks of its own incidents alone");
    }
  }
  return host_.journal_incidents(*incidents);
}

// ---- comparison

grpc::Status ReplicationService::GetStateHash(
    grpc::ServerContext* context, const v1::GetStateHashRequest* request,
    v1::GetStateHashResponse* response) {
  const auto mark = WaitForState(*context, *request);
  if (!mark.ok()) return ToGrpc(mark.status());
  ToProto(*mark, *response);
  return grpc::Status::OK;
}

// A standby hears of what is committed with the next heartbeat.
absl::StatusOr<replication::StateMark> ReplicationService::WaitForState(
    const grpc::ServerContext& context,
    const v1::GetStateHashRequest& request) const {
  LEDGERD_RETURN_IF_ERROR(host_.admit(request.hello()));
  const Sequence sequence(request.sequence());
  auto mark = host_.state_at(sequence);
  while (absl::IsUnavailable(mark.status()) && !context.IsCancelled()) {
    std::this_thread::sleep_for(kLookAgain);
    mark = host_.state_at(sequence);
  }
  return mark;
}

// ---- repair

grpc::Status ReplicationService::GetEntries(
    grpc::ServerContext* /*context*/, const v1::GetEntriesRequest* request,
    v1::GetEntriesResponse* response) {
  const auto entries = ReadEntries(*request);
  if (!entries.ok()) return ToGrpc(entries.status());
  for (const Entry& entry : *entries) {
    response->add_entries(std::string(entry.bytes()));
  }
  return grpc::Status::OK;
}

absl::StatusOr<std::vector<Entry>> ReplicationService::ReadEntries(
    const v1::GetEntriesRequest& request) const {
  LEDGERD_RETURN_IF_ERROR(host_.admit(request.hello()));
  const Sequence from(request.from_sequence());
  const Sequence through(request.through_sequence());
  if (from == Sequence(0) || from > through) {
    return absl::InvalidArgumentError("no entries are asked for");
  }
  return host_.entries(ReplicaId(request.hello().replica_id()), from, through);
}

grpc::Status ReplicationService::GetCheckpoint(grpc::ServerContext* context,
                                               RepairStream* stream) {
  const absl::Status sent = Send(*context, *stream);
  return sent.ok() ? grpc::Status::OK : ToGrpc(sent);
}

absl::Status ReplicationService::Send(const grpc::ServerContext& context,
                                      RepairStream& stream) const {
  v1::GetCheckpointRequest request;
  if (!stream.Read(&request)) {
    return absl::InvalidArgumentError("no checkpoint is asked for");
  }
  LEDGERD_RETURN_IF_ERROR(host_.admit(request.hello()));
  LEDGERD_ASSIGN_OR_RETURN(
      const auto files,
      WaitForCheckpoint(context, Sequence(request.at_least_sequence())));
  v1::GetCheckpointResponse response;
  ToProto(files->manifest(), *response.mutable_manifest());
  if (!stream.Write(response) || !stream.Read(&request)) {
    return absl::UnavailableError("the transfer was cut short");
  }
  return WriteChunks(*files, FromProto(request.next()),
                     [&stream](v1::CheckpointChunk chunk) {
                       v1::GetCheckpointResponse part;
                       *part.mutable_chunk() = std::move(chunk);
                       return stream.Write(part);
                     });
}

absl::StatusOr<std::shared_ptr<const storage::ExportedCheckpoint>>
ReplicationService::WaitForCheckpoint(const grpc::ServerContext& context,
                                      Sequence at_least) const {
  const auto until = std::chrono::steady_clock::now() + kCheckpointPatience;
  auto files = host_.checkpoint(at_least);
  while (absl::IsUnavailable(files.status()) && !context.IsCancelled() &&
         std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(kLookAgain);
    files = host_.checkpoint(at_least);
  }
  return files;
}

}  // namespace ledgerd::server
