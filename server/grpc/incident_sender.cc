#include "server/grpc/incident_sender.h"

#include "grpcpp/client_context.h"
#include "grpcpp/create_channel_posix.h"

#include "replication/v1/replication.grpc.pb.h"
#include "server/peer_socket.h"

namespace ledgerd::server {

namespace v1 = ::replication::v1;

absl::Status BringIncidents(const std::string& address, const v1::Hello& hello,
                            const std::vector<Incident>& incidents,
                            const std::atomic<bool>& stopping) {
  Dialled dialled = Dial(address, kIncidentPatience, stopping);
  if (!dialled.socket.valid()) return absl::UnavailableError(dialled.error);
  const auto stub = v1::ReplicationService::NewStub(
      grpc::CreateInsecureChannelFromFd("replica", dialled.socket.Release()));
  v1::ReportIncidentsRequest request;
  *request.mutable_hello() = hello;
  request.set_incidents(EncodeIncidents(incidents));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kIncidentPatience);
  v1::ReportIncidentsResponse response;
  const grpc::Status status =
      stub->ReportIncidents(&context, request, &response);
  return {static_cast<absl::StatusCode>(status.error_code()),
          status.error_message()};
}

}  // namespace ledgerd::server
