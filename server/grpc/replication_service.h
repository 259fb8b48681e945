// The port of the other replicas: what they say, and the checkpoints that they
// bring.
//
//   ReplicationService service(host);
//   options.services = {&service};
//
// Shape    Every stream begins with a hello, and is refused or welcomed; then
//          each message is checked, decoded and delivered on gRPC's thread, one
//          stream's in their order. A stream that says what is no message ends.
// Errors   FAILED_PRECONDITION, INVALID_ARGUMENT: as replication.proto says.
// Threads  gRPC's.
#ifndef LEDGERD_SERVER_GRPC_REPLICATION_SERVICE_H_
#define LEDGERD_SERVER_GRPC_REPLICATION_SERVICE_H_

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "grpcpp/grpcpp.h"

#include "proto/base/mutex.h"
#include "proto/entry.h"
#include "proto/incident.h"
#include "proto/types.h"
#include "replication/core/event.h"
#include "replication/state_marks.h"
#include "replication/v1/replication.grpc.pb.h"
#include "storage/checkpoint_transfer.h"

namespace ledgerd::server {

// What the service needs of its replica. Any thread.
struct ReplicationHost {
  // Whether whoever says this may speak; FAILED_PRECONDITION says why not.
  std::function<absl::Status(const ::replication::v1::Hello&)> admit;
  // This replica's hello to it.
  std::function<::replication::v1::Hello(ReplicaId to)> hello;
  std::function<void(replication::Event)> deliver;
  // Journals another one's incidents, and waits for it.
  std::function<absl::Status(const std::vector<Incident>&)> journal_incidents;
  // Its state after that entry, for comparison. UNAVAILABLE: not yet.
  std::function<absl::StatusOr<replication::StateMark>(Sequence)> state_at;
  // Of its journal from the first on, for that replica, which has them damaged.
  // DATA_LOSS: the first is damaged here, too.
  std::function<absl::StatusOr<std::vector<Entry>>(
      ReplicaId asker, Sequence from, Sequence through)>
      entries;
  // Its newest checkpoint, at that sequence or above. UNAVAILABLE: not yet;
  // quick.
  std::function<absl::StatusOr<
      std::shared_ptr<const storage::ExportedCheckpoint>>(Sequence at_least)>
      checkpoint;
  // Used by one stream at a time; null for a witness, which keeps no state.
  storage::CheckpointReceiver* receiver = nullptr;
};

class ReplicationService final
    : public ::replication::v1::ReplicationService::WithCallbackMethod_Connect<
          ::replication::v1::ReplicationService::Service> {
 public:
  using CheckpointStream =
      grpc::ServerReaderWriter<::replication::v1::SendCheckpointResponse,
                               ::replication::v1::SendCheckpointRequest>;

  using RepairStream =
      grpc::ServerReaderWriter<::replication::v1::GetCheckpointResponse,
                               ::replication::v1::GetCheckpointRequest>;

  explicit ReplicationService(ReplicationHost host) : host_(std::move(host)) {}

  grpc::ServerBidiReactor<::replication::v1::ConnectRequest,
                          ::replication::v1::ConnectResponse>*
  Connect(grpc::CallbackServerContext* context) override;

  grpc::Status SendCheckpoint(grpc::ServerContext* context,
                              CheckpointStream* stream) override;

  grpc::Status ReportIncidents(
      grpc::ServerContext* context,
      const ::replication::v1::ReportIncidentsRequest* request,
      ::replication::v1::ReportIncidentsResponse* response) override;

  grpc::Status GetStateHash(
      grpc::ServerContext* context,
      const ::replication::v1::GetStateHashRequest* request,
      ::replication::v1::GetStateHashResponse* response) override;

  grpc::Status GetEntries(
      grpc::ServerContext* context,
      const ::replication::v1::GetEntriesRequest* request,
      ::replication::v1::GetEntriesResponse* response) override;

  grpc::Status GetCheckpoint(grpc::ServerContext* context,
                             RepairStream* stream) override;

 private:
  // Ends the transfer that is going on, whose sender has given it up, or is no
  // longer to send.
  void BeginReceiving(grpc::ServerContext* context) LEDGERD_EXCLUDES(mutex_);
  void EndReceiving() LEDGERD_EXCLUDES(mutex_);
  absl::Status Receive(CheckpointStream& stream);
  absl::Status Journal(
      const ::replication::v1::ReportIncidentsRequest& request);
  absl::StatusOr<replication::StateMark> WaitForState(
      const grpc::ServerContext& context,
      const ::replication::v1::GetStateHashRequest& request) const;
  absl::Status Send(const grpc::ServerContext& context,
                    RepairStream& stream) const;
  absl::StatusOr<std::shared_ptr<const storage::ExportedCheckpoint>>
  WaitForCheckpoint(const grpc::ServerContext& context,
                    Sequence at_least) const;
  absl::StatusOr<std::vector<Entry>> ReadEntries(
      const ::replication::v1::GetEntriesRequest& request) const;

  const ReplicationHost host_;
  Mutex mutex_;
  CondVar changed_;
  grpc::ServerContext* receiving_ LEDGERD_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_REPLICATION_SERVICE_H_
