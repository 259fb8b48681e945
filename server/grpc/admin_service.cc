#include "server/grpc/admin_service.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "proto/errors.h"
#include "replication/clock.h"
#include "server/cluster_id.h"
#include "server/damage_alarms.h"
#include "server/grpc/call_context.h"
#include "server/responses.h"
#include "server/version.h"

namespace ledgerd::server {
namespace {

constexpr uint64_t kReadBytes = uint64_t{4} << 20;
// How soon a reader that follows sees that it was cancelled.
constexpr std::chrono::milliseconds kFollowWait{100};

admin::v1::Role ToMessage(replication::Role role) {
  switch (role) {
    case replication::Role::kRecovering:
      return admin::v1::ROLE_RECOVERING;
    case replication::Role::kPrimary:
      return admin::v1::ROLE_PRIMARY;
    case replication::Role::kHalted:
      return admin::v1::ROLE_HALTED;
    case replication::Role::kStandby:
      return admin::v1::ROLE_STANDBY;
    case replication::Role::kWitness:
      return admin::v1::ROLE_WITNESS;
    case replication::Role::kLearner:
      return admin::v1::ROLE_LEARNER;
    case replication::Role::kPromoting:
      return admin::v1::ROLE_PROMOTING;
  }
  return admin::v1::ROLE_UNSPECIFIED;
}

std::string ToBytes(const Hash256& hash) { return std::string(AsBytes(hash)); }

void ToMessage(const Entry& entry, admin::v1::JournalEntry& message) {
  message.set_sequence(entry.sequence().value());
  message.set_epoch(entry.epoch().value());
  message.set_timestamp(entry.timestamp().value());
  message.set_previous_hash(ToBytes(entry.previous_hash()));
  message.set_hash(ToBytes(entry.hash()));
  message.set_operation(std::string(Name(entry.kind())));
  message.set_request(SerializeRequest(entry));
  message.set_raw(std::string(entry.bytes()));
}

// An entry can go while it is read, as the journal's beginning moves.
absl::Status WithReadReason(const absl::Status& status) {
  if (!absl::IsOutOfRange(status)) return status;
  return WithReason(status, Reason::kCompacted);
}

void SetTime(Timestamp time, google::protobuf::Timestamp& message) {
  message.set_seconds(static_cast<int64_t>(time.value() / kNanosPerSecond));
  message.set_nanos(static_cast<int32_t>(time.value() % kNanosPerSecond));
}

void AddSelf(const replication::ReplicaStatus& status,
             const ReplicaAddresses& addresses,
             admin::v1::GetStatusResponse& response) {
  admin::v1::ReplicaStatus& self = *response.add_replicas();
  self.set_replica_id(status.replica.value());
  self.set_role(ToMessage(status.role));
  self.set_client_address(addresses.client);
  self.set_admin_address(addresses.admin);
  self.set_connected(true);
  self.set_acknowledged_sequence(status.journal_last.value());
  self.set_applied_sequence(status.applied.value());
}

void AddFault(const replication::ReplicaStatus& status,
              admin::v1::GetStatusResponse& response) {
  if (status.fault.ok()) return;
  admin::v1::Alarm& alarm = *response.add_alarms();
  alarm.set_name("REPLICA_HALTED");
  alarm.set_replica_id(status.replica.value());
  alarm.set_message(status.fault.ToString());
  alarm.set_blocks("all");
}

void AddDiskFull(const replication::ReplicaStatus& status,
                 admin::v1::GetStatusResponse& response) {
  if (!status.journal_full && !status.state_full) return;
  admin::v1::Alarm& alarm = *response.add_alarms();
  alarm.set_name(std::string(Name(Reason::kDiskFull)));
  alarm.set_replica_id(status.replica.value());
  alarm.set_message(absl::StrCat(
      "no space on the device of the ",
      status.journal_full && status.state_full ? "journal and of the state"
      : status.journal_full                    ? "journal"
                                               : "state",
      ": free some, writes go on by themselves then"));
  alarm.set_blocks("writes");
  SetTime(status.full_since, *alarm.mutable_raised_at());
}

// They block nothing: what is damaged is never used, the rest goes on.
void AddDamage(ReplicaId replica, const DamageAlarms& damage,
               admin::v1::GetStatusResponse& response) {
  for (const DamageAlarms::Alarm& met : damage.Get()) {
    admin::v1::Alarm& alarm = *response.add_alarms();
    alarm.set_name(met.name);
    alarm.set_replica_id(replica.value());
    alarm.set_message(met.message);
    SetTime(met.raised_at, *alarm.mutable_raised_at());
  }
}

}  // namespace

grpc::Status AdminService::GetStatus(
    grpc::ServerContext* /*context*/,
    const admin::v1::GetStatusRequest* /*request*/,
    admin::v1::GetStatusResponse* response) {
  const replication::ReplicaStatus status = group_.replica.status();
  const ledger::v1::PrimaryHint hint = HintOf(group_);
  response->set_replica_id(status.replica.value());
  response->set_cluster_id(ToText(group_.cluster));
  response->set_role(ToMessage(status.role));
  response->set_epoch(status.epoch.value());
  response->set_primary_id(status.primary.value());
  response->set_primary_address(hint.address());
  response->set_primary_admin_address(hint.admin_address());
  response->set_journal_first_sequence(status.journal_first.value());
  response->set_journal_last_sequence(status.journal_last.value());
  response->set_commit_sequence(status.commit.sequence.value());
  response->set_commit_hash(ToBytes(status.commit.hash));
  response->set_applied_sequence(status.applied.value());
  response->set_checkpoint_sequence(status.checkpoint.value());
  response->set_version(kVersion);
  AddSelf(status, group_.addresses.Get(), *response);
  AddFault(status, *response);
  AddDiskFull(status, *response);
  AddDamage(status.replica, group_.damage, *response);
  const auto since = group_.started_at.time_since_epoch();
  response->mutable_started_at()->set_seconds(
      std::chrono::duration_cast<std::chrono::seconds>(since).count());
  std::error_code error;
  const auto space = std::filesystem::space(group_.data_dir, error);
  if (!error) response->set_disk_free_bytes(space.available);
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
    if (draining_) {
      return MakeError(Reason::kDraining, "this replica is stopping");
    }
    if (group_.replica.status().role == replication::Role::kHalted) {
      return MakeError(Reason::kNoPrimary, "this replica has halted");
    }
    commit = group_.replica.WaitForCommit(
        commit, std::chrono::steady_clock::now() + kFollowWait);
  }
}

absl::StatusOr<bool> AdminService::SendThrough(Sequence through, Range& range,
                                               JournalWriter& writer) const {
  while (range.next <= through) {
    const auto entries = group_.journal.Read(range.next, kReadBytes);
    if (absl::IsDataLoss(entries.status())) {
      group_.damage.Raise(DamageAlarms::Place::kJournal, entries.status(),
                          replication::SystemClock().WallNow());
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

}  // namespace ledgerd::server
