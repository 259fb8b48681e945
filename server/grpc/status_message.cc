#include "server/grpc/status_message.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"

#include "proto/errors.h"
#include "proto/membership.h"
#include "server/cluster_id.h"
#include "server/grpc/call_context.h"
#include "server/grpc/successor.h"
#include "server/version.h"

namespace ledgerd::server {
namespace {

using replication::ReplicaStatus;

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

admin::v1::Role ToMessage(MemberRole role) {
  switch (role) {
    case MemberRole::kVoter:
      return admin::v1::ROLE_STANDBY;
    case MemberRole::kWitness:
      return admin::v1::ROLE_WITNESS;
    case MemberRole::kLearner:
      return admin::v1::ROLE_LEARNER;
  }
  return admin::v1::ROLE_UNSPECIFIED;
}

std::string ToBytes(const Hash256& hash) { return std::string(AsBytes(hash)); }

void SetTime(Timestamp time, google::protobuf::Timestamp& message) {
  message.set_seconds(static_cast<int64_t>(time.value() / kNanosPerSecond));
  message.set_nanos(static_cast<int32_t>(time.value() % kNanosPerSecond));
}

void SetDuration(std::chrono::milliseconds time,
                 google::protobuf::Duration& message) {
  message.set_seconds(time.count() / 1'000);
  message.set_nanos(static_cast<int32_t>(time.count() % 1'000 * 1'000'000));
}

// ---- the members

void FillSelf(const ReplicaStatus& status, const ReplicaAddresses& addresses,
              admin::v1::ReplicaStatus& self) {
  self.set_replica_id(status.replica.value());
  self.set_role(ToMessage(status.role));
  self.set_client_address(addresses.client);
  self.set_admin_address(addresses.admin);
  self.set_peer_address(addresses.replication);
  self.set_connected(true);
  self.set_acknowledged_sequence(status.journal_last.value());
  self.set_applied_sequence(status.applied.value());
}

// For how long the oldest entry that `known` lacks has been here.
std::chrono::milliseconds LagOf(const replication::PeerStatus& known,
                                const storage::Journal& journal,
                                Timestamp now) {
  // What is no longer kept is older still.
  const Sequence lacked = std::max(known.acknowledged.Next(), journal.first());
  const auto entries = journal.Read(lacked, /*bytes_max=*/1);
  if (!entries.ok() || entries->empty()) return {};
  const uint64_t since = entries->front().timestamp().value();
  return std::chrono::milliseconds(
      (now.value() - std::min(now.value(), since)) / 1'000'000);
}

void FillPeer(const ReplicaStatus& status, const replication::PeerStatus& known,
              const storage::Journal& journal, Timestamp now,
              admin::v1::ReplicaStatus& peer) {
  peer.set_connected(known.connected);
  if (known.since_heard.has_value()) {
    SetDuration(*known.since_heard, *peer.mutable_since_heartbeat());
  }
  if (status.role != replication::Role::kPrimary) return;
  peer.set_acknowledged_sequence(known.acknowledged.value());
  // What was appended since this was looked at is not its lag.
  peer.set_lag_entries(
      status.journal_last.value() -
      std::min(status.journal_last, known.acknowledged).value());
  SetDuration(peer.lag_entries() == 0 ? std::chrono::milliseconds(0)
                                      : LagOf(known, journal, now),
              *peer.mutable_lag());
}

void FillMember(const ReplicaStatus& status, const Member& member,
                const ServedGroup& group, Timestamp now,
                admin::v1::ReplicaStatus& message) {
  const ReplicaAddresses addresses = group.addresses.Of(member.id);
  message.set_replica_id(member.id.value());
  message.set_role(member.id == status.primary ? admin::v1::ROLE_PRIMARY
                                               : ToMessage(member.role));
  message.set_client_address(addresses.client);
  message.set_admin_address(addresses.admin);
  message.set_peer_address(addresses.replication);
  const auto known = std::find_if(
      status.peers.begin(), status.peers.end(),
      [&member](const auto& peer) { return peer.id == member.id; });
  if (known == status.peers.end()) return;
  FillPeer(status, *known, group.journal, now, message);
}

void AddReplicas(const ReplicaStatus& status, const ServedGroup& group,
                 Timestamp now, admin::v1::GetStatusResponse& response) {
  for (const Member& member : status.membership.members) {
    admin::v1::ReplicaStatus& message = *response.add_replicas();
    if (member.id == status.replica) {
      FillSelf(status, group.addresses.Get(), message);
    } else {
      FillMember(status, member, group, now, message);
    }
    message.set_incarnation(member.incarnation.value());
  }
  // One that is no member, or does not know yet.
  if (status.membership.Find(status.replica) == nullptr) {
    FillSelf(status, group.addresses.Get(), *response.add_replicas());
  }
}

// How many voters may fail before there is no majority. Only a primary hears
// all of them; others know that there is one.
int32_t FaultMargin(const ReplicaStatus& status) {
  if (status.role != replication::Role::kPrimary) {
    return status.primary == ReplicaId(0) ? -1 : 0;
  }
  const auto there = static_cast<int32_t>(1 + OthersAlive(status));
  return there - static_cast<int32_t>(status.membership.majority());
}

// ---- alarms

void AddFault(const ReplicaStatus& status,
              admin::v1::GetStatusResponse& response) {
  if (status.fault.ok()) return;
  admin::v1::Alarm& alarm = *response.add_alarms();
  alarm.set_name("REPLICA_HALTED");
  alarm.set_replica_id(status.replica.value());
  alarm.set_message(status.fault.ToString());
  alarm.set_blocks("all");
}

void AddDiskFull(const ReplicaStatus& status,
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

struct AlarmWords {
  const char* name;
  const char* blocks;
  const char* message;
};

AlarmWords WordsOf(replication::Alarm alarm) {
  switch (alarm) {
    case replication::Alarm::kDiffersBelowCommit:
      return {"JOURNAL_DIFFERS", "all",
              "the primary's journal differs from what was committed here: two "
              "groups have gone on apart. Compare 'ledgerctl journal dump' of "
              "both, and decide which one holds"};
    case replication::Alarm::kForkedOff:
      return {"FORKED_OFF", "all",
              "another replica was promoted by force and has gone on without "
              "this one. Format this one anew, and add it again"};
    case replication::Alarm::kWaitsForDamaged:
      return {"WAITS_FOR_DAMAGED_ENTRY", "writes",
              "an entry is damaged here, and only a replica that does not "
              "answer may have it whole: start that one"};
    case replication::Alarm::kDiskIsOld:
      return {"DISK_IS_OLD", "",
              "this disk is older than what others have seen from this "
              "replica: it has no vote until it has caught up"};
    case replication::Alarm::kPairWithoutPrimary:
      return {"PAIR_WITHOUT_PRIMARY", "writes",
              "one of two voters cannot know whether the other one goes on, so "
              "it never promotes by itself. Start the other one, or promote "
              "this one with 'ledgerctl promote --accept-loss'"};
    case replication::Alarm::kFourVoters:
      return {"FOUR_VOTERS", "",
              "an even number of voters survives no more than one fewer would: "
              "add one, or remove one"};
  }
  return {"UNKNOWN", "", ""};
}

void AddProtocolAlarms(const ReplicaStatus& status,
                       admin::v1::GetStatusResponse& response) {
  for (const replication::Alarm raised : status.alarms) {
    const AlarmWords words = WordsOf(raised);
    admin::v1::Alarm& alarm = *response.add_alarms();
    alarm.set_name(words.name);
    alarm.set_replica_id(status.replica.value());
    alarm.set_message(words.message);
    alarm.set_blocks(words.blocks);
  }
}

// It blocks nothing until the primary goes; one that was forgotten does then.
void AddPause(const ReplicaStatus& status, Timestamp now,
              admin::v1::GetStatusResponse& response) {
  if (!status.membership.IsPausedAt(now)) return;
  const Timestamp until = status.membership.paused_until;
  const std::string left =
      until == Timestamp(0)
          ? ""
          : absl::StrCat(", or for ",
                         (until.value() - now.value()) / kNanosPerSecond,
                         " s more");
  admin::v1::Alarm& alarm = *response.add_alarms();
  alarm.set_name("FAILOVER_PAUSED");
  alarm.set_replica_id(status.replica.value());
  alarm.set_message(absl::StrCat(
      "no replica promotes by itself until 'ledgerctl resume'", left,
      "; if the primary goes, 'ledgerctl switchover' at a standby promotes "
      "that one. Who paused it, and why, is in the log of the replica that was "
      "the primary then: \"call=PauseFailover\""));
}

// They block nothing: what is damaged is never used, the rest goes on. A state
// that is held for a repair answers no reads, which `blocks` has no word for:
// "writes" and "all" are what stops payments.
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

// It blocks nothing yet: the journal grows until the archive has caught up.
void AddArchiveBehind(ReplicaId replica, const ServedGroup& group,
                      admin::v1::GetStatusResponse& response) {
  if (group.archiver == nullptr) return;
  const auto failure = group.archiver->failure();
  if (!failure.has_value()) return;
  admin::v1::Alarm& alarm = *response.add_alarms();
  alarm.set_name("ARCHIVE_BEHIND");
  alarm.set_replica_id(replica.value());
  alarm.set_message(absl::StrCat(
      "entries from ", failure->missing_from.value(),
      " on are not in the archive ", failure->directory, ": ",
      failure->error.message(),
      ". The journal keeps them, and fills its disk, until they are: make the "
      "archive writable, or give it space"));
  alarm.mutable_raised_at()->set_seconds(
      std::chrono::duration_cast<std::chrono::seconds>(
          failure->since.time_since_epoch())
          .count());
}

void FillPrimary(const ServedGroup& group, const ReplicaStatus& status,
                 admin::v1::GetStatusResponse& response) {
  const ledger::v1::PrimaryHint hint = HintOf(group);
  response.set_primary_id(status.primary.value());
  response.set_primary_address(hint.address());
  response.set_primary_admin_address(hint.admin_address());
}

}  // namespace

void FillStatus(const ServedGroup& group, Timestamp now,
                admin::v1::GetStatusResponse& response) {
  const ReplicaStatus status = group.replica.status();
  response.set_replica_id(status.replica.value());
  response.set_cluster_id(ToText(group.cluster));
  response.set_role(ToMessage(status.role));
  response.set_epoch(status.epoch.value());
  FillPrimary(group, status, response);
  response.set_journal_first_sequence(status.journal_first.value());
  response.set_journal_last_sequence(status.journal_last.value());
  response.set_commit_sequence(status.commit.sequence.value());
  response.set_commit_hash(ToBytes(status.commit.hash));
  response.set_applied_sequence(status.applied.value());
  response.set_checkpoint_sequence(status.checkpoint.value());
  response.set_version(kVersion);
  AddReplicas(status, group, now, response);
  response.set_fault_margin(FaultMargin(status));
  response.set_failover_paused(status.membership.IsPausedAt(now));
  AddFault(status, response);
  AddDiskFull(status, response);
  AddProtocolAlarms(status, response);
  AddPause(status, now, response);
  AddDamage(status.replica, group.damage, response);
  AddArchiveBehind(status.replica, group, response);
  const auto since = group.started_at.time_since_epoch();
  response.mutable_started_at()->set_seconds(
      std::chrono::duration_cast<std::chrono::seconds>(since).count());
  std::error_code error;
  const auto space = std::filesystem::space(group.data_dir, error);
  if (!error) response.set_disk_free_bytes(space.available);
  const Timestamp scrubbed =
      group.scrub_passes == nullptr ? Timestamp(0) : group.scrub_passes().last;
  if (scrubbed > Timestamp(0)) {
    SetTime(scrubbed, *response.mutable_last_scrub_at());
  }
}

}  // namespace ledgerd::server
