#include "server/standing.h"

#include <utility>

namespace ledgerd::server {

using replication::Alarm;
using replication::ReplicaStatus;
using replication::Role;

Standing StandingOf(const ReplicaStatus& status, const Standing& before) {
  Standing now;
  if (status.role == Role::kPrimary) return {true, true, true};
  const bool follows =
      status.primary != ReplicaId(0) && status.primary != status.replica &&
      (status.role == Role::kStandby || status.role == Role::kLearner ||
       status.role == Role::kWitness);
  now.ready = follows;
  // What it applies trails the commit point by a moment, always.
  const bool has_caught_up = (before.reads && !before.writes) ||
                             status.applied >= status.commit.sequence;
  now.reads = follows && status.role == Role::kStandby && has_caught_up;
  return now;
}

bool IsWithTheGroup(const Standing& standing, Role role) {
  return standing.reads ||
         (standing.ready && (role == Role::kWitness || role == Role::kLearner));
}

absl::string_view Name(Role role) {
  switch (role) {
    case Role::kRecovering:
      return "recovering";
    case Role::kPrimary:
      return "primary";
    case Role::kHalted:
      return "halted";
    case Role::kStandby:
      return "standby";
    case Role::kWitness:
      return "witness";
    case Role::kLearner:
      return "learner";
    case Role::kPromoting:
      return "promoting";
  }
  return "unknown";
}

absl::string_view WordsFor(Alarm alarm) {
  switch (alarm) {
    case Alarm::kDiffersBelowCommit:
      return "this replica's journal differs from the group's where both are "
             "committed: it takes no part any more; keep its data directory, "
             "and replace it by an empty one";
    case Alarm::kForkedOff:
      return "the group was forced to go on without this replica: remove it "
             "there and add it again with an empty data directory";
    case Alarm::kWaitsForDamaged:
      return "an entry is damaged here and only a replica that is missing may "
             "have it whole: bring that one back";
    case Alarm::kDiskIsOld:
      return "the disk is older than what others have seen of this replica: it "
             "does not vote before it has caught up";
    case Alarm::kPairWithoutPrimary:
      return "no primary, and a pair never promotes by itself: the one that is "
             "left cannot know whether the other goes on. Bring the other "
             "back, or have this one promoted: `ledgerctl switchover`, or "
             "`ledgerctl promote --accept-loss` when the other is lost";
    case Alarm::kFourVoters:
      return "four voters survive no more than three: add one, or remove one";
  }
  return "unknown";
}

void StandingLog::Note(const ReplicaStatus& status) {
  const bool is_new = role_ != status.role || epoch_ != status.epoch ||
                      primary_ != status.primary;
  if (is_new) {
    role_ = status.role;
    epoch_ = status.epoch;
    primary_ = status.primary;
    logger_.Info("role", {{"role", Name(status.role)},
                          {"epoch", status.epoch.value()},
                          {"primary_id", status.primary.value()},
                          {"commit_sequence", status.commit.sequence.value()}});
  }
  std::set<Alarm> alarms(status.alarms.begin(), status.alarms.end());
  for (const Alarm alarm : alarms) {
    if (alarms_.contains(alarm)) continue;
    logger_.Warning("alarm", {{"what", WordsFor(alarm)}});
  }
  alarms_ = std::move(alarms);
}

}  // namespace ledgerd::server
