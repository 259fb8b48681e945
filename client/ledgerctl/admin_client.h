// The operators' API, as far as ledgerctl uses it.
//
//   AdminClient admin({"127.0.0.1:7301", "127.0.0.1:7311"}, 10s);
//   const auto status = admin.GetStatus();
//   const auto moved = admin.Switchover(request);
//
// Shape    Of several addresses the first one is asked that answers at all.
//          What changes a group goes from there to the primary, where a replica
//          names one; a forced promotion does not.
// Errors   As in proto/errors.h; without a reason when nobody answers. What was
//          sent and not answered is OUTCOME_UNKNOWN.
#ifndef LEDGERD_CLIENT_LEDGERCTL_ADMIN_CLIENT_H_
#define LEDGERD_CLIENT_LEDGERCTL_ADMIN_CLIENT_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "grpcpp/support/sync_stream.h"

#include "admin/v1/admin.grpc.pb.h"
#include "proto/types.h"

namespace ledgerd::client {

class AdminClient {
 public:
  struct Range {
    Sequence from{1};
    Sequence to{0};  // 0: through the commit point.
    bool follow = false;
  };

  // An error ends the reading, and is returned.
  using OnEntry = std::function<absl::Status(const ::admin::v1::JournalEntry&)>;

  // The timeout is of each call, and of the first entry. Requires: at least one
  // address.
  AdminClient(std::vector<std::string> addresses,
              std::chrono::milliseconds timeout);

  absl::StatusOr<::admin::v1::GetStatusResponse> GetStatus();

  absl::StatusOr<::admin::v1::ListRolledBackResponse> ListRolledBack();

  // Of the replica at the first address that answers, and of no other.
  absl::StatusOr<::admin::v1::ListAlarmsResponse> ListAlarms();
  absl::Status ClearAlarm(const ::admin::v1::ClearAlarmRequest& request);

  // An error ends the backup, and is returned.
  using OnChunk = std::function<absl::Status(const ::admin::v1::BackupChunk&)>;

  // Of the replica at the first address that answers, and of no other.
  absl::Status CreateBackup(const OnChunk& on_chunk);

  absl::Status ReadJournal(const Range& range, const OnEntry& on_entry);

  absl::StatusOr<::admin::v1::GetRecoveryCountersResponse> GetRecoveryCounters(
      const ::admin::v1::GetRecoveryCountersRequest& request);
  absl::StatusOr<::admin::v1::ListIncidentsResponse> ListIncidents(
      const ::admin::v1::ListIncidentsRequest& request);
  // Until the server ends it.
  absl::Status WatchIncidents(
      const std::function<void(const ::admin::v1::Incident&)>& on_incident);

  absl::StatusOr<::admin::v1::VerifyReplicasResponse> VerifyReplicas();
  absl::Status NoteVerifiedBackup(
      const ::admin::v1::NoteVerifiedBackupRequest& request);

  absl::StatusOr<::admin::v1::SwitchoverResponse> Switchover(
      const ::admin::v1::SwitchoverRequest& request);
  // Of the replica at the first address that answers, and of no other.
  absl::StatusOr<::admin::v1::ForcePromoteResponse> ForcePromote(
      const ::admin::v1::ForcePromoteRequest& request);
  absl::Status PauseFailover(const ::admin::v1::PauseFailoverRequest& request);
  absl::Status ResumeFailover();
  absl::Status AddReplica(const ::admin::v1::AddReplicaRequest& request);
  absl::Status RemoveReplica(const ::admin::v1::RemoveReplicaRequest& request);

 private:
  using Stub = ::admin::v1::AdminService::Stub;

  void ConnectTo(const std::string& address);
  absl::Status Located(const absl::Status& status) const;
  // Of a call that may change something.
  absl::Status Failed(const grpc::Status& status) const;

  // Asks the first that answers at all; it changes nothing.
  template <typename Request, typename Response>
  absl::StatusOr<Response> AskAny(
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      const Request& request);
  // Asks the one that is connected, then, when it names the primary, that one.
  template <typename Request, typename Response>
  absl::StatusOr<Response> AskPrimary(
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      const Request& request);
  template <typename Request, typename Response>
  grpc::Status Ask(grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                const Request&, Response*),
                   const Request& request, Response& response);
  // Until the stream ends, or `on_response` says that it is enough: its error.
  template <typename Response, typename OnResponse>
  absl::Status ReadAll(grpc::ClientContext& context,
                       grpc::ClientReader<Response>& reader,
                       OnResponse on_response);

  const std::vector<std::string> addresses_;
  const std::chrono::milliseconds timeout_;
  // The one that is asked now.
  std::string address_;
  std::unique_ptr<Stub> stub_;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_ADMIN_CLIENT_H_
