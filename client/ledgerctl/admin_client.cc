#include "client/ledgerctl/admin_client.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/channel.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

#include "client/rpc_status.h"
#include "proto/base/status_macros.h"
#include "proto/errors.h"
#include "proto/system_limits.h"

namespace ledgerd::client {

namespace v1 = ::admin::v1;

namespace {

// Each address is asked once: unlike for a client that asks again, a connection
// may take its time to come about, where the server is busy or far.
constexpr int kConnectTimeMs = 2'000;

std::shared_ptr<grpc::Channel> MakePatientChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt("grpc.min_reconnect_backoff_ms", kConnectTimeMs);
  // Also while a journal is followed in which nothing happens.
  arguments.SetInt("grpc.keepalive_time_ms", 1'000);
  arguments.SetInt("grpc.keepalive_timeout_ms", 1'000);
  arguments.SetInt("grpc.http2.max_pings_without_data", 0);
  arguments.SetInt("grpc.use_local_subchannel_pool", 1);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(kMessageBytesMax));
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(),
                                   arguments);
}

}  // namespace

AdminClient::AdminClient(std::vector<std::string> addresses,
                         std::chrono::milliseconds timeout)
    : addresses_(std::move(addresses)), timeout_(timeout) {
  ConnectTo(addresses_.front());
}

void AdminClient::ConnectTo(const std::string& address) {
  address_ = address;
  stub_ = v1::AdminService::NewStub(MakePatientChannel(address));
}

absl::Status AdminClient::Located(const absl::Status& status) const {
  absl::Status located(status.code(),
                       absl::StrCat(address_, ": ", status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    located.SetPayload(url, payload);
  });
  return located;
}

absl::Status AdminClient::Failed(const grpc::Status& status) const {
  const absl::Status error = FromGrpc(status).status;
  const bool refused = absl::IsUnimplemented(error) ||
                       absl::IsPermissionDenied(error) ||
                       absl::IsUnauthenticated(error);
  if (refused || ReasonOf(error).has_value()) {
    return Located(error);
  }
  return Located(WithReason(
      absl::Status(error.code(), absl::StrCat("no answer, it may have been "
                                              "done: ",
                                              error.message())),
      Reason::kOutcomeUnknown));
}

template <typename Request, typename Response>
grpc::Status AdminClient::Ask(grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                           const Request&,
                                                           Response*),
                              const Request& request, Response& response) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout_);
  return (*stub_.*method)(&context, request, &response);
}

absl::StatusOr<v1::GetStatusResponse> AdminClient::GetStatus() {
  absl::Status error;
  for (const std::string& address : addresses_) {
    if (address != address_) ConnectTo(address);
    v1::GetStatusResponse response;
    const grpc::Status status =
        Ask<v1::GetStatusRequest, v1::GetStatusResponse>(&Stub::GetStatus, {},
                                                         response);
    if (status.ok()) return response;
    error = Located(FromGrpc(status).status);
    if (!absl::IsUnavailable(error) && !absl::IsDeadlineExceeded(error)) break;
  }
  return error;
}

template <typename Request, typename Response>
absl::StatusOr<Response> AdminClient::AskAny(
    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                 Response*),
    const Request& request) {
  LEDGERD_RETURN_IF_ERROR(GetStatus().status());
  Response response;
  const grpc::Status status = Ask(method, request, response);
  if (!status.ok()) return Located(FromGrpc(status).status);
  return response;
}

absl::StatusOr<v1::ListRolledBackResponse> AdminClient::ListRolledBack() {
  return AskAny(&Stub::ListRolledBack, v1::ListRolledBackRequest());
}

absl::StatusOr<v1::ListAlarmsResponse> AdminClient::ListAlarms() {
  return AskAny(&Stub::ListAlarms, v1::ListAlarmsRequest());
}

absl::StatusOr<v1::GetRecoveryCountersResponse>
AdminClient::GetRecoveryCounters(
    const v1::GetRecoveryCountersRequest& request) {
  return AskAny(&Stub::GetRecoveryCounters, request);
}

// A witness names the primary, which keeps a state.
absl::StatusOr<v1::VerifyReplicasResponse> AdminClient::VerifyReplicas() {
  return AskPrimary(&Stub::VerifyReplicas, v1::VerifyReplicasRequest());
}

absl::Status AdminClient::NoteVerifiedBackup(
    const v1::NoteVerifiedBackupRequest& request) {
  return AskAny(&Stub::NoteVerifiedBackup, request).status();
}

absl::StatusOr<v1::ListIncidentsResponse> AdminClient::ListIncidents(
    const v1::ListIncidentsRequest& request) {
  return AskAny(&Stub::ListIncidents, request);
}

template <typename Response, typename OnResponse>
absl::Status AdminClient::ReadAll(grpc::ClientContext& context,
                                  grpc::ClientReader<Response>& reader,
                                  OnResponse on_response) {
  Response response;
  while (reader.Read(&response)) {
    const absl::Status status = on_response(response);
    if (status.ok()) continue;
    context.TryCancel();
    while (reader.Read(&response)) continue;
    reader.Finish();
    return status;
  }
  const grpc::Status status = reader.Finish();
  return status.ok() ? absl::OkStatus() : Located(FromGrpc(status).status);
}

absl::Status AdminClient::WatchIncidents(
    const std::function<void(const v1::Incident&)>& on_incident) {
  LEDGERD_RETURN_IF_ERROR(GetStatus().status());
  grpc::ClientContext context;
  return ReadAll(context, *stub_->WatchIncidents(&context, {}),
                 [&](const v1::WatchIncidentsResponse& response) {
                   on_incident(response.incident());
                   return absl::OkStatus();
                 });
}

absl::Status AdminClient::ReadJournal(const Range& range,
                                      const OnEntry& on_entry) {
  // Sees that somebody is there within the timeout: the reading itself may take
  // as long as the journal is, or for ever.
  LEDGERD_RETURN_IF_ERROR(GetStatus().status());
  grpc::ClientContext context;
  v1::ReadJournalRequest request;
  request.set_from_sequence(range.from.value());
  request.set_to_sequence(range.to.value());
  request.set_follow(range.follow);
  return ReadAll(context, *stub_->ReadJournal(&context, request),
                 [&](const v1::ReadJournalResponse& response) {
                   return on_entry(response.entry());
                 });
}

absl::Status AdminClient::CreateBackup(const OnChunk& on_chunk) {
  // Somebody is there; a backup may take hours.
  LEDGERD_RETURN_IF_ERROR(GetStatus().status());
  grpc::ClientContext context;
  return ReadAll(context, *stub_->CreateBackup(&context, {}),
                 [&](const v1::CreateBackupResponse& response) {
                   return on_chunk(response.chunk());
                 });
}

// ---- what changes a group

template <typename Request, typename Response>
absl::StatusOr<Response> AdminClient::AskPrimary(
    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                 Response*),
    const Request& request) {
  // Who it was may be another one by the time that it is asked.
  constexpr int kHopsMax = 3;
  LEDGERD_RETURN_IF_ERROR(GetStatus().status());
  for (int hop = 0;; ++hop) {
    Response response;
    const grpc::Status status = Ask(method, request, response);
    if (status.ok()) return response;
    const std::string primary = FromGrpc(status).primary_admin_address;
    if (hop == kHopsMax || primary.empty() || primary == address_) {
      return Failed(status);
    }
    ConnectTo(primary);
  }
}

absl::StatusOr<v1::SwitchoverResponse> AdminClient::Switchover(
    const v1::SwitchoverRequest& request) {
  return AskPrimary(&Stub::Switchover, request);
}

absl::StatusOr<v1::ForcePromoteResponse> AdminClient::ForcePromote(
    const v1::ForcePromoteRequest& request) {
  LEDGERD_RETURN_IF_ERROR(GetStatus().status());
  v1::ForcePromoteResponse response;
  const grpc::Status status = Ask(&Stub::ForcePromote, request, response);
  if (!status.ok()) return Failed(status);
  return response;
}

absl::Status AdminClient::ClearAlarm(const v1::ClearAlarmRequest& request) {
  LEDGERD_RETURN_IF_ERROR(GetStatus().status());
  v1::ClearAlarmResponse response;
  const grpc::Status status = Ask(&Stub::ClearAlarm, request, response);
  return status.ok() ? absl::OkStatus() : Failed(status);
}

absl::Status AdminClient::PauseFailover(
    const v1::PauseFailoverRequest& request) {
  return AskPrimary(&Stub::PauseFailover, request).status();
}

absl::Status AdminClient::ResumeFailover() {
  return AskPrimary(&Stub::ResumeFailover, v1::ResumeFailoverRequest())
      .status();
}

absl::Status AdminClient::AddReplica(const v1::AddReplicaRequest& request) {
  return AskPrimary(&Stub::AddReplica, request).status();
}

absl::Status AdminClient::RemoveReplica(
    const v1::RemoveReplicaRequest& request) {
  return AskPrimary(&Stub::RemoveReplica, request).status();
}

}  // namespace ledgerd::client
