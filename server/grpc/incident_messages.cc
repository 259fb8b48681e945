#include "server/grpc/incident_messages.h"

#include "proto/types.h"

namespace ledgerd::server {
namespace {

void SetTime(Timestamp time, google::protobuf::Timestamp& message) {
  message.set_seconds(static_cast<int64_t>(time.value() / kNanosPerSecond));
  message.set_nanos(static_cast<int32_t>(time.value() % kNanosPerSecond));
}

void SetDuration(uint64_t nanos, google::protobuf::Duration& message) {
  message.set_seconds(static_cast<int64_t>(nanos / kNanosPerSecond));
  message.set_nanos(static_cast<int32_t>(nanos % kNanosPerSecond));
}

void ToMessage(const CountedRate& rate, admin::v1::Rate& message) {
  message.set_successful(rate.successful);
  message.set_total(rate.total);
  message.set_in_progress(rate.in_progress);
  message.set_aborted(rate.aborted);
  for (const auto& [number, count] : rate.by_kind) {
    admin::v1::RateByKind& kind = *message.add_by_kind();
    kind.set_kind(static_cast<admin::v1::IncidentKind>(number));
    kind.set_successful(count.successful);
    kind.set_total(count.total);
  }
  if (rate.total > 0) {
    message.set_ratio(static_cast<double>(rate.successful) /
                      static_cast<double>(rate.total));
  }
  if (rate.successful == 0) return;
  SetDuration(rate.p50_ns, *message.mutable_p50());
  SetDuration(rate.p99_ns, *message.mutable_p99());
  SetDuration(rate.max_ns, *message.mutable_max());
}

}  // namespace

void ToMessage(const Incident& incident, admin::v1::Incident& message) {
  message.set_id(ToString(incident.id));
  message.set_kind(static_cast<admin::v1::IncidentKind>(incident.kind));
  message.set_replica_id(incident.id.replica.value());
  message.set_epoch(incident.epoch.value());
  message.set_outcome(
      static_cast<admin::v1::IncidentOutcome>(incident.outcome));
  SetTime(incident.started_at, *message.mutable_started_at());
  if (incident.ended_at != Timestamp(0)) {
    SetTime(incident.ended_at, *message.mutable_ended_at());
  }
  message.set_cause(incident.cause);
  message.set_resolution(incident.resolution);
  message.set_attempts(incident.attempts);
  message.set_injected(incident.injected);
  message.set_planned(incident.planned);
  message.set_lost_entries(incident.lost_entries);
  for (const IncidentPhase& phase : incident.phases) {
    admin::v1::Incident::Phase& added = *message.add_phases();
    added.set_name(phase.name);
    SetDuration(phase.duration_ns, *added.mutable_duration());
  }
}

void ToMessage(const RecoveryCounters& counters,
               admin::v1::GetRecoveryCountersResponse& message) {
  ToMessage(counters.recovery, *message.mutable_recovery());
  ToMessage(counters.tolerance, *message.mutable_tolerance());
  ToMessage(counters.failover, *message.mutable_failover());
  ToMessage(counters.counting, *message.mutable_counting());
  admin::v1::Companions& companions = *message.mutable_companions();
  companions.set_lost_entries(counters.lost_entries);
  companions.set_rolled_back_entries(counters.rolled_back_entries);
  SetDuration(counters.write_unavailable_ns,
              *companions.mutable_write_unavailable());
  companions.set_unneeded_promotions(counters.unneeded_promotions);
  companions.set_consistency_checks_passed(counters.consistency_checks_passed);
  companions.set_consistency_checks_failed(counters.consistency_checks_failed);
  if (counters.last_verified_backup != Timestamp(0)) {
    SetTime(counters.last_verified_backup,
            *companions.mutable_last_verified_backup());
  }
}

void CompletionToMessage(const CompletionSum& noted,
                         const CompletionTail::Counts& tail,
                         admin::v1::Rate& message) {
  message.set_successful(noted.answered + tail.answered);
  message.set_total(noted.total + tail.answered);
  message.set_in_progress(tail.waiting);
  if (message.total() == 0) return;
  message.set_ratio(static_cast<double>(message.successful()) /
                    static_cast<double>(message.total()));
}

}  // namespace ledgerd::server
