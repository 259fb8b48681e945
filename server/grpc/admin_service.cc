#include "server/grpc/admin_service.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "proto/errors.h"
#include "replication/clock.h"
#include "server/cluster_id.h"
#include "server/damage_alarms.h"
#include "server/grpc/alarm_answers.h"
#include "server/grpc/backup_stream.h"
#include "server/grpc/call_context.h"
#include "server/grpc/incident_messages.h"
#include "server/grpc/journal_message.h"
#include "server/grpc/rolled_back_message.h"
#include "server/grpc/status_message.h"
#include "server/grpc/verify_answer.h"
#include "server/incidents/incident_keeper.h"

namespace ledgerd::server {
namespace {

constexpr uint64_t kReadBytes = uint64_t{4} << 20;
// How soon a reader that follows sees what is new, or that it was cancelled.
constexpr std::chrono::milliseconds kFollowWait{100};

// An entry can go while it is read, as the journal's beginning moves.
absl::Status WithReadReason(const absl::Status& status) {
  if (!absl::IsOutOfRange(status)) return status;
  return WithReason(status, Reason::kCompacted);
}

std::chrono::nanoseconds ToChrono(const google::protobuf::Duration& time) {
  return std::chrono::seconds(time.seconds()) +
         std::chrono::nanoseconds(time.nanos());
}

void SetDuration(std::chrono::nanoseconds time,
                 google::protobuf::Duration& message) {
  message.set_seconds(time.count() / 1'000'000'000);
  message.set_nanos(static_cast<int32_t>(time.count() % 1'000'000'000));
}

// For how long writes are held at most.
absl::StatusOr<std::chrono::milliseconds> HoldOf(
    const admin::v1::SwitchoverRequest& request) {
  constexpr std::chrono::milliseconds kLeast{10};
  constexpr std::chrono::seconds kMost{60};
  if (!request.has_timeout()) return kSwitchoverHold;
  const auto hold = ToChrono(request.timeout());
  if (hold >= kLeast && hold <= kMost) {
    return std::chrono::ceil<std::chrono::milliseconds>(hold);
  }
  return MakeFieldError(
      "timeout", absl::StrCat("writes are held for ", kLeast.count(), " ms to ",
                              kMost.count(), " s; without it for ",
                              kSwitchoverHold.count(), " ms"));
}

absl::Status CheckAcceptsLoss(const admin::v1::ForcePromoteRequest& request) {
  if (request.accept_loss()) return absl::OkStatus();
  return MakeFieldError(
      "accept_loss",
      "a forced promotion loses what only the lost replicas hold, and shuts "
      "the others out: it must be accepted. With a majority of the voters "
      "there, a switchover loses nothing");
}

// When a pause that is asked for now ends; 0: never.
absl::StatusOr<Timestamp> PauseEnd(
    const admin::v1::PauseFailoverRequest& request, Timestamp now) {
  if (!request.has_expires_after()) return Timestamp(0);
  const auto after = ToChrono(request.expires_after());
  constexpr std::chrono::hours kLongest{24 * 366};
  if (after <= after.zero() || after > kLongest) {
    return MakeFieldError("expires_after",
                          "is more than nothing and at most 366 days; without "
                          "it the pause has no end");
  }
  return Timestamp(now.value() + static_cast<uint64_t>(after.count()));
}

// When a backup was made, which must be one of this group.
absl::StatusOr<Timestamp> MadeAt(
    const admin::v1::NoteVerifiedBackupRequest& request, ClusterId cluster) {
  if (ParseClusterId(request.cluster_id()) != cluster) {
    return MakeFieldError("cluster_id", "the backup is not one of this group");
  }
  const google::protobuf::Timestamp& made = request.created_at();
  if (made.seconds() <= 0 || made.nanos() < 0) {
    return MakeFieldError("created_at", "when the backup was made, after 1970");
  }
  return Timestamp(static_cast<uint64_t>(made.seconds()) * kNanosPerSecond +
                   static_cast<uint64_t>(made.nanos()));
}

absl::Status CheckId(uint64_t id) {
  if (id != 0) return absl::OkStatus();
  return MakeFieldError("replica_id", "0 is nobody's: ids begin at 1");
}

}  // namespace

grpc::Status AdminService::GetStatus(
    grpc::ServerContext* /*context*/,
    const admin::v1::GetStatusRequest* /*request*/,
    admin::v1::GetStatusResponse* response) {
  FillStatus(group_, replication::SystemClock().WallNow(), *response);
  return grpc::Status::OK;
}

grpc::Status AdminService::ReadJournal(
    grpc::ServerContext* context, const admin::v1::ReadJournalRequest* request,
    grpc::ServerWriter<admin::v1::ReadJournalResponse>* writer) {
  const Sequence first = group_.journal.first();
  const Sequence from = request->from_sequence() == 0
                            ? first
                            : Sequence(request->from_sequence());
  if (from < first) {
    return Wire(group_,
                MakeError(Reason::kCompacted,
                          absl::StrCat("from_sequence: ", from.value(),
                                       " is no longer in the journal, which "
                                       "begins at ",
                                       first.value())));
  }
  const Sequence last = request->to_sequence() == 0
                            ? Sequence(~uint64_t{0})
                            : Sequence(request->to_sequence());
  return Wire(group_,
              SendRange({from, last, request->follow()}, *context, *writer));
}

absl::Status AdminService::SendRange(Range range,
                                     const grpc::ServerContext& context,
                                     JournalWriter& writer) const {
  Sequence commit = group_.replica.status().commit.sequence;
  while (true) {
    LEDGERD_ASSIGN_OR_RETURN(
        const bool listening,
        SendThrough(std::min(commit, range.last), range, writer));
    if (!listening) return absl::OkStatus();
    if (!range.follow || range.next > range.last) return absl::OkStatus();
    if (context.IsCancelled()) return absl::OkStatus();
    LEDGERD_RETURN_IF_ERROR(WhyToEnd());
    commit = group_.replica.WaitForCommit(
        commit, std::chrono::steady_clock::now() + kFollowWait);
  }
}

absl::Status AdminService::WhyToEnd() const {
  if (draining_) {
    return MakeError(Reason::kDraining, "this replica is stopping");
  }
  if (group_.replica.status().role == replication::Role::kHalted) {
    return MakeError(Reason::kNoPrimary, "this replica has halted");
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> AdminService::SendThrough(Sequence through, Range& range,
                                               JournalWriter& writer) const {
  while (range.next <= through) {
    const auto entries = group_.journal.Read(range.next, kReadBytes);
    if (absl::IsDataLoss(entries.status())) {
      group_.damage.Raise(DamageAlarms::Place::kJournal, entries.status(),
                          replication::SystemClock().WallNow());
      // After the alarm, which ends as it is mended.
      if (look_at_journal_ != nullptr) look_at_journal_();
    }
    if (!entries.ok()) return WithReadReason(entries.status());
    for (const Entry& entry : *entries) {
      if (entry.sequence() > through) break;
      admin::v1::ReadJournalResponse response;
      ToMessage(entry, *response.mutable_entry());
      if (!writer.Write(response)) return false;
      range.next = entry.sequence().Next();
    }
  }
  return true;
}

grpc::Status AdminService::ListRolledBack(
    grpc::ServerContext* /*context*/,
    const admin::v1::ListRolledBackRequest* /*request*/,
    admin::v1::ListRolledBackResponse* response) {
  return Wire(group_, FillRolledBack(group_, *response));
}

// ---- incidents

grpc::Status AdminService::GetRecoveryCounters(
    grpc::ServerContext* context,
    const admin::v1::GetRecoveryCountersRequest* request,
    admin::v1::GetRecoveryCountersResponse* response) {
  return Wire(group_,
              incidents_.Count(*request, replication::SystemClock().WallNow(),
                               WaitOf(*context).deadline, *response));
}

grpc::Status AdminService::ListIncidents(
    grpc::ServerContext* context,
    const admin::v1::ListIncidentsRequest* request,
    admin::v1::ListIncidentsResponse* response) {
  return Wire(group_,
              incidents_.List(*request, WaitOf(*context).deadline, *response));
}

grpc::Status AdminService::WatchIncidents(
    grpc::ServerContext* context,
    const admin::v1::WatchIncidentsRequest* /*request*/,
    grpc::ServerWriter<admin::v1::WatchIncidentsResponse>* writer) {
  return Wire(group_, SendIncidents(*context, *writer));
}

absl::Status AdminService::SendIncidents(
    const grpc::ServerContext& context,
    grpc::ServerWriter<admin::v1::WatchIncidentsResponse>& writer) const {
  Sequence seen = group_.replica.status().applied;
  // So that its reader knows that what comes from now on is not missed.
  writer.SendInitialMetadata();
  for (; !context.IsCancelled(); std::this_thread::sleep_for(kFollowWait)) {
    LEDGERD_RETURN_IF_ERROR(WhyToEnd());
    if (group_.replica.status().applied <= seen) continue;
    LEDGERD_ASSIGN_OR_RETURN(
        const auto read,
        incidents_.ReadAfter(
            seen, std::chrono::steady_clock::now() + std::chrono::seconds(10)));
    for (const Incident& incident : read.records) {
      if (IsNote(incident.kind)) continue;
      admin::v1::WatchIncidentsResponse response;
      ToMessage(incident, *response.mutable_incident());
      if (!writer.Write(response)) return absl::OkStatus();
    }
    seen = std::max(seen, read.through);
  }
  return absl::OkStatus();
}

// ---- alarms

grpc::Status AdminService::ListAlarms(
    grpc::ServerContext* /*context*/,
    const admin::v1::ListAlarmsRequest* /*request*/,
    admin::v1::ListAlarmsResponse* response) {
  server::ListAlarms(group_, replication::SystemClock().WallNow(), *response);
  return grpc::Status::OK;
}

grpc::Status AdminService::ClearAlarm(
    grpc::ServerContext* context, const admin::v1::ClearAlarmRequest* request,
    admin::v1::ClearAlarmResponse* /*response*/) {
  const std::string name = request->name().substr(0, kAlarmNameMax);
  return Run(*context, {.call = "ClearAlarm", .what = name}, [&] {
    return server::ClearAlarm(group_, *request,
                              replication::SystemClock().WallNow());
  });
}

// ---- verification

grpc::Status AdminService::VerifyReplicas(
    grpc::ServerContext* context,
    const admin::v1::VerifyReplicasRequest* /*request*/,
    admin::v1::VerifyReplicasResponse* response) {
  const auto deadline =
      std::min(WaitOf(*context).deadline,
               std::chrono::steady_clock::now() + kVerifyPatience);
  return Wire(group_, server::VerifyReplicas(
                          group_, deadline,
                          replication::SystemClock().WallNow(), *response));
}

// ---- backup

grpc::Status AdminService::CreateBackup(
    grpc::ServerContext* context,
    const admin::v1::CreateBackupRequest* /*request*/,
    grpc::ServerWriter<admin::v1::CreateBackupResponse>* writer) {
  return Run(*context, {.call = "CreateBackup"}, [&] {
    BackupStream stream(
        group_, [this] { return WhyToEnd(); },
        [writer](const admin::v1::CreateBackupResponse& response) {
          return writer->Write(response);
        });
    return stream.Send(replication::SystemClock().WallNow());
  });
}

grpc::Status AdminService::NoteVerifiedBackup(
    grpc::ServerContext* context,
    const admin::v1::NoteVerifiedBackupRequest* request,
    admin::v1::NoteVerifiedBackupResponse* /*response*/) {
  const std::string what =
      absl::StrCat("up to sequence ", request->last_sequence());
  return Run(*context, {.call = "NoteVerifiedBackup", .what = what},
             [&]() -> absl::Status {
               LEDGERD_ASSIGN_OR_RETURN(const Timestamp made,
                                        MadeAt(*request, group_.cluster));
               if (group_.incidents == nullptr) return absl::OkStatus();
               group_.incidents->AddNote(
                   {.kind = IncidentKind::kVerifiedBackup,
                    .what = absl::StrCat("a backup ", what, " was verified"),
                    .at = made});
               return group_.incidents->fault();
             });
}

// ---- what changes the group

OperatorRequests::Wait AdminService::WaitOf(
    const grpc::ServerContext& context) const {
  constexpr std::chrono::seconds kLongest{60};
  // What is said at the deadline itself is not heard.
  constexpr std::chrono::milliseconds kToAnswer{50};
  const auto latest = std::chrono::steady_clock::now() + kLongest;
  const auto asked = DeadlineOf(context.deadline()).value_or(latest);
  return {.deadline = std::min(asked, latest) - kToAnswer,
          .abandoned = [this, &context] {
            return draining_ || context.IsCancelled();
          }};
}

grpc::Status AdminService::Run(const grpc::ServerContext& context,
                               OperatorRequestWords words,
                               const std::function<absl::Status()>& act) {
  words.who = context.peer();
  return Wire(group_, LogRequest(logger_, words, act));
}

grpc::Status AdminService::Switchover(
    grpc::ServerContext* context, const admin::v1::SwitchoverRequest* request,
    admin::v1::SwitchoverResponse* response) {
  const ReplicaId target(request->target_replica_id());
  const std::string what = target == ReplicaId(0)
                               ? "to the voter that is furthest ahead"
                               : absl::StrCat("to replica ", target.value());
  return Run(*context, {.call = "Switchover", .what = what},
             [&]() -> absl::Status {
               LEDGERD_ASSIGN_OR_RETURN(const auto hold, HoldOf(*request));
               LEDGERD_ASSIGN_OR_RETURN(
                   const auto moved,
                   requests_.Switchover(target, hold, WaitOf(*context)));
               response->set_primary_id(moved.primary.value());
               response->set_epoch(moved.epoch.value());
               SetDuration(moved.write_pause, *response->mutable_write_pause());
               return absl::OkStatus();
             });
}

grpc::Status AdminService::ForcePromote(
    grpc::ServerContext* context, const admin::v1::ForcePromoteRequest* request,
    admin::v1::ForcePromoteResponse* response) {
  const OperatorRequestWords words = {
      .call = "ForcePromote",
      .what = request->accept_loss() ? "loss accepted" : "loss not accepted",
      .why = request->reason()};
  return Run(*context, words, [&]() -> absl::Status {
    LEDGERD_RETURN_IF_ERROR(CheckAcceptsLoss(*request));
    LEDGERD_ASSIGN_OR_RETURN(const auto forced,
                             requests_.ForcePromote(WaitOf(*context)));
    response->set_epoch(forced.epoch.value());
    response->set_last_sequence(forced.last.value());
    return absl::OkStatus();
  });
}

grpc::Status AdminService::PauseFailover(
    grpc::ServerContext* context,
    const admin::v1::PauseFailoverRequest* request,
    admin::v1::PauseFailoverResponse* /*response*/) {
  const OperatorRequestWords words = {
      .call = "PauseFailover",
      .what =
          request->has_expires_after()
              ? absl::StrCat("for ", request->expires_after().seconds(), " s")
              : "without an end",
      .why = request->reason()};
  return Run(*context, words, [&]() -> absl::Status {
    LEDGERD_ASSIGN_OR_RETURN(
        const Timestamp until,
        PauseEnd(*request, replication::SystemClock().WallNow()));
    return requests_.Pause(/*paused=*/true, until, WaitOf(*context));
  });
}

grpc::Status AdminService::ResumeFailover(
    grpc::ServerContext* context,
    const admin::v1::ResumeFailoverRequest* /*request*/,
    admin::v1::ResumeFailoverResponse* /*response*/) {
  return Run(*context, {.call = "ResumeFailover"}, [&] {
    return requests_.Pause(/*paused=*/false, Timestamp(0), WaitOf(*context));
  });
}

grpc::Status AdminService::AddReplica(
    grpc::ServerContext* context, const admin::v1::AddReplicaRequest* request,
    admin::v1::AddReplicaResponse* /*response*/) {
  const OperatorRequestWords words = {
      .call = "AddReplica",
      .what = absl::StrCat("replica ", request->replica_id(),
                           request->witness() ? ", a witness" : "")};
  return Run(*context, words, [&]() -> absl::Status {
    LEDGERD_RETURN_IF_ERROR(CheckId(request->replica_id()));
    ReplicaAddresses given;
    given.client = request->client_address();
    given.admin = request->admin_address();
    given.replication = request->peer_address();
    return requests_.Add(ReplicaId(request->replica_id()), given,
                         request->witness(), WaitOf(*context));
  });
}

grpc::Status AdminService::RemoveReplica(
    grpc::ServerContext* context,
    const admin::v1::RemoveReplicaRequest* request,
    admin::v1::RemoveReplicaResponse* /*response*/) {
  const OperatorRequestWords words = {
      .call = "RemoveReplica",
      .what = absl::StrCat("replica ", request->replica_id())};
  return Run(*context, words, [&]() -> absl::Status {
    LEDGERD_RETURN_IF_ERROR(CheckId(request->replica_id()));
    return requests_.Remove(ReplicaId(request->replica_id()), WaitOf(*context));
  });
}

}  // namespace ledgerd::server
