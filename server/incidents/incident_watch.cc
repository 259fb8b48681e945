#include "server/incidents/incident_watch.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"

#include "server/incidents/write_outage.h"

namespace ledgerd::server {

using replication::Alarm;
using replication::ReplicaStatus;
using replication::Role;

namespace {

IncidentPhase PhaseOf(const char* name, std::chrono::nanoseconds duration) {
  return {.name = name, .duration_ns = static_cast<uint64_t>(duration.count())};
}

}  // namespace

void IncidentWatch::BeginReplay() {
  began_ = clock_.SteadyNow();
  halted_ = keeper_.Halted();
  restore_ = keeper_.GoOn(IncidentKind::kRestore);
  if (!keeper_.crashed()) return;
  replay_ = keeper_.Raise({.kind = IncidentKind::kCrashReplay,
                           .cause = "the process before did not end cleanly"});
}

void IncidentWatch::Note(const ReplicaStatus& status,
                         const Standing& standing) {
  if (status.role != Role::kHalted) is_primary_ = standing.writes;
  NoteReplay(status, standing);
  NoteFull(status);
  NoteStall(status);
  NoteOverload(status);
}

void IncidentWatch::NoteReplay(const ReplicaStatus& status,
                               const Standing& standing) {
  const auto now = clock_.SteadyNow();
  if (!opened_.has_value()) opened_ = now;
  if (!IsWithTheGroup(standing, status.role)) return;
  const std::string how = absl::StrCat(
      status.role == Role::kPrimary ? "primary again" : "follows the primary",
      " with sequence ", status.applied.value(), " applied");
  for (std::optional<uint64_t>* ends : {&replay_, &restore_}) {
    if (!ends->has_value()) continue;
    keeper_.Close(**ends, {.resolution = how,
                           .phases = {PhaseOf("open", *opened_ - began_),
                                      PhaseOf("replay", now - *opened_)}});
    ends->reset();
  }
  for (const Incident& halted : halted_) {
    keeper_.Close(halted.id.number, EndOfWriteOutage(OutageSince(halted), how));
  }
  halted_.clear();
}

std::chrono::nanoseconds IncidentWatch::OutageSince(
    const Incident& halted) const {
  if (!halted.of_primary) return std::chrono::nanoseconds(0);
  std::optional<Timestamp> again;
  if (epoch_after_ != nullptr) again = epoch_after_(halted.epoch);
  const Timestamp until = again.value_or(clock_.WallNow());
  // Of two machines, whose clocks may differ.
  if (until < halted.started_at) return std::chrono::nanoseconds(0);
  return std::chrono::nanoseconds(until.value() - halted.started_at.value());
}

void IncidentWatch::NoteFull(const ReplicaStatus& status) {
  NoteHold(status.journal_full || status.state_full, status,
           {.kind = IncidentKind::kDiskFull,
            .cause = absl::StrCat("no space for the ",
                                  status.journal_full ? "journal" : "state"),
            .epoch = status.epoch,
            .since = status.full_since},
           "there is space again", full_);
}

void IncidentWatch::NoteStall(const ReplicaStatus& status) {
  // What waits for space is another incident.
  NoteHold(status.slow_writes > 0 && !status.journal_full, status,
           {.kind = IncidentKind::kStall,
            .cause = "a write of the journal takes too long",
            .epoch = status.epoch},
           "the journal is written in time", stall_);
}

// Writes wait as long as it is the primary, and then until there is another.
void IncidentWatch::NoteHold(bool holds, const ReplicaStatus& status,
                             const IncidentSeen& seen,
                             absl::string_view resolution,
                             std::optional<Hold>& hold) {
  if (holds && !hold.has_value()) hold = Hold{.number = keeper_.Raise(seen)};
  if (!hold.has_value()) return;
  const auto now = clock_.SteadyNow();
  const bool was_primary = hold->writes_wait_since.has_value();
  if (was_primary) hold->outage += now - *hold->writes_wait_since;
  hold->writes_wait_since.reset();
  if (status.role == Role::kPrimary ||
      (was_primary && status.primary == ReplicaId(0))) {
    hold->writes_wait_since = now;
  }
  if (holds) return;
  keeper_.Close(hold->number,
                EndOfWriteOutage(hold->outage, std::string(resolution)));
  hold.reset();
}

void IncidentWatch::NoteOverload(const ReplicaStatus& status) {
  const auto now = clock_.SteadyNow();
  if (status.overload_refusals > refusals_) {
    refusals_ = status.overload_refusals;
    refused_at_ = now;
    if (!overload_.has_value()) {
      overload_ = keeper_.Raise(
          {.kind = IncidentKind::kOverload,
           .cause = "more requests came than the inbox has room for",
           .epoch = status.epoch});
    }
    return;
  }
  if (!overload_.has_value() || now - refused_at_ < kCalm) return;
  keeper_.Close(*overload_,
                {.resolution = "there was room for all that came since"});
  overload_.reset();
}

void IncidentWatch::NoteClock(std::optional<std::chrono::milliseconds> ahead,
                              const ReplicaStatus& status) {
  if (ahead.has_value() && !skew_.has_value()) {
    skew_ = keeper_.Raise(
        {.kind = IncidentKind::kClockSkew,
         .cause = absl::StrCat(
             "this clock is ", ahead->count() > 0 ? "ahead of" : "behind",
             " that of the primary, replica ", status.primary.value()),
         .epoch = status.epoch});
  } else if (!ahead.has_value() && skew_.has_value()) {
    keeper_.Close(*skew_,
                  {.resolution = "the clocks agree, or the primary is another "
                                 "one"});
    skew_.reset();
  }
}

void IncidentWatch::NoteFault(const absl::Status& fault,
                              const ReplicaStatus& status) {
  const auto& alarms = status.alarms;
  const auto has = [&](Alarm alarm) {
    return std::find(alarms.begin(), alarms.end(), alarm) != alarms.end();
  };
  // An operator's work: the group goes on without it.
  if (has(Alarm::kForkedOff)) return;
  IncidentKind kind = absl::IsDataLoss(fault) ? IncidentKind::kCorruption
                                              : IncidentKind::kDiskError;
  if (has(Alarm::kDiffersBelowCommit)) kind = IncidentKind::kStateMismatch;
  keeper_.Raise({.kind = kind,
                 .cause = std::string(fault.message()),
                 .epoch = status.epoch,
                 .of_primary = is_primary_,
                 // No process after it takes part, as things stand.
                 .halts = kind != IncidentKind::kStateMismatch});
}

}  // namespace ledgerd::server
