// The AdminService: what operators call. Served are GetStatus, ReadJournal,
// ListRolledBack, incidents and recovery counters, alarms, VerifyReplicas,
// CreateBackup, NoteVerifiedBackup, and what changes a group: switchover,
// forced promotion, pause, members.
//
//   AdminService service(group, logger, [&] { running.LookAtJournal(); });
//   ...
//   service.Drain();  // ends those who wait, or follow the journal
//
// Shape    What an operator wants is begun and waited for in
//          operator_requests.h, and is in the log, with the reason that was
//          given (operator_log.h); a learner's vote comes by itself
//          (learner_promoter.h).
// Threads  gRPC's own, one for each call. Outlives its server.
#ifndef LEDGERD_SERVER_GRPC_ADMIN_SERVICE_H_
#define LEDGERD_SERVER_GRPC_ADMIN_SERVICE_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/sync_stream.h"

#include "admin/v1/admin.grpc.pb.h"
#include "proto/entry.h"
#include "proto/types.h"
#include "server/grpc/error_details.h"
#include "server/grpc/incident_answers.h"
#include "server/grpc/learner_promoter.h"
#include "server/grpc/operator_log.h"
#include "server/grpc/operator_requests.h"
#include "server/logging.h"
#include "server/served_group.h"

namespace ledgerd::server {

class AdminService final : public admin::v1::AdminService::Service {
 public:
  // For replicas that are compared, within the caller's deadline.
  static constexpr std::chrono::seconds kVerifyPatience{5};

  // Has the journal looked through, soon; any thread. Null: nobody does.
  using LookAtJournal = std::function<void()>;

  // `logger` outlives the service.
  AdminService(ServedGroup& group, Logger& logger,
               LookAtJournal look_at_journal = nullptr)
      : group_(group),
        logger_(logger),
        look_at_journal_(std::move(look_at_journal)),
        incidents_(group),
        requests_(group.replica, group.addresses),
        promoter_(group.replica) {}

  // Those who wait for new entries get DRAINING, those who wait for the end of
  // what they asked for OUTCOME_UNKNOWN.
  void Drain() {
    draining_ = true;
    promoter_.Stop();
  }

  grpc::Status GetStatus(grpc::ServerContext* context,
                         const admin::v1::GetStatusRequest* request,
                         admin::v1::GetStatusResponse* response) override;

  // from_sequence 0 is the oldest kept. OUT_OF_RANGE (COMPACTED) when it has
  // been let go of. DATA_LOSS: it is damaged there, which is an alarm, and has
  // it looked through.
  grpc::Status ReadJournal(
      grpc::ServerContext* context,
      const admin::v1::ReadJournalRequest* request,
      grpc::ServerWriter<admin::v1::ReadJournalResponse>* writer) override;

  // Writes are held for kSwitchoverHold at most, or for `timeout`: 10 ms to
  // 60 s.
  grpc::Status Switchover(grpc::ServerContext* context,
                          const admin::v1::SwitchoverRequest* request,
                          admin::v1::SwitchoverResponse* response) override;

  grpc::Status ForcePromote(grpc::ServerContext* context,
                            const admin::v1::ForcePromoteRequest* request,
                            admin::v1::ForcePromoteResponse* response) override;

  grpc::Status PauseFailover(
      grpc::ServerContext* context,
      const admin::v1::PauseFailoverRequest* request,
      admin::v1::PauseFailoverResponse* response) override;
  grpc::Status ResumeFailover(
      grpc::ServerContext* context,
      const admin::v1::ResumeFailoverRequest* request,
      admin::v1::ResumeFailoverResponse* response) override;

  // Answers when the replica is a member; its vote follows.
  grpc::Status AddReplica(grpc::ServerContext* context,
                          const admin::v1::AddReplicaRequest* request,
                          admin::v1::AddReplicaResponse* response) override;
  grpc::Status RemoveReplica(
      grpc::ServerContext* context,
      const admin::v1::RemoveReplicaRequest* request,
      admin::v1::RemoveReplicaResponse* response) override;

  // As rolled_back_message.h says.
  grpc::Status ListRolledBack(
      grpc::ServerContext* context,
      const admin::v1::ListRolledBackRequest* request,
      admin::v1::ListRolledBackResponse* response) override;

  // Of what the group has journalled and this replica has applied
  // (incident_answers.h).
  grpc::Status GetRecoveryCounters(
      grpc::ServerContext* context,
      const admin::v1::GetRecoveryCountersRequest* request,
      admin::v1::GetRecoveryCountersResponse* response) override;
  grpc::Status ListIncidents(
      grpc::ServerContext* context,
      const admin::v1::ListIncidentsRequest* request,
      admin::v1::ListIncidentsResponse* response) override;

  // Each record that is applied from now on: when an incident is raised, and
  // again when it ends.
  grpc::Status WatchIncidents(
      grpc::ServerContext* context,
      const admin::v1::WatchIncidentsRequest* request,
      grpc::ServerWriter<admin::v1::WatchIncidentsResponse>* writer) override;

  // As alarm_answers.h says.
  grpc::Status ListAlarms(grpc::ServerContext* context,
                          const admin::v1::ListAlarmsRequest* request,
                          admin::v1::ListAlarmsResponse* response) override;
  grpc::Status ClearAlarm(grpc::ServerContext* context,
                          const admin::v1::ClearAlarmRequest* request,
                          admin::v1::ClearAlarmResponse* response) override;

  // Waits for the others for kVerifyPatience at most.
  grpc::Status VerifyReplicas(
      grpc::ServerContext* context,
      const admin::v1::VerifyReplicasRequest* request,
      admin::v1::VerifyReplicasResponse* response) override;

  // As backup_stream.h says.
  grpc::Status CreateBackup(
      grpc::ServerContext* context,
      const admin::v1::CreateBackupRequest* request,
      grpc::ServerWriter<admin::v1::CreateBackupResponse>* writer) override;

  // Answers when it is on this replica's disk; the group is told after that.
  grpc::Status NoteVerifiedBackup(
      grpc::ServerContext* context,
      const admin::v1::NoteVerifiedBackupRequest* request,
      admin::v1::NoteVerifiedBackupResponse* response) override;

 private:
  using JournalWriter = grpc::ServerWriter<admin::v1::ReadJournalResponse>;

  // What of a ReadJournal is left to send.
  struct Range {
    Sequence next;
    Sequence last;
    bool follow = false;
  };

  // Sends the entries through `through`; false when the reader is gone.
  absl::StatusOr<bool> SendThrough(Sequence through, Range& range,
                                   JournalWriter& writer) const;
  absl::Status SendRange(Range range, const grpc::ServerContext& context,
                         JournalWriter& writer) const;
  // Why one that follows has to end; nothing while it may go on.
  absl::Status WhyToEnd() const;
  absl::Status SendIncidents(
      const grpc::ServerContext& context,
      grpc::ServerWriter<admin::v1::WatchIncidentsResponse>& writer) const;

  // Logs what an operator asks, and does it.
  grpc::Status Run(const grpc::ServerContext& context,
                   OperatorRequestWords words,
                   const std::function<absl::Status()>& act);

  // For as long as the caller waits, but not for ever.
  OperatorRequests::Wait WaitOf(const grpc::ServerContext& context) const;

  ServedGroup& group_;
  Logger& logger_;
  const LookAtJournal look_at_journal_;
  std::atomic<bool> draining_ = false;
  IncidentAnswers incidents_;
  OperatorRequests requests_;
  LearnerPromoter promoter_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_ADMIN_SERVICE_H_
