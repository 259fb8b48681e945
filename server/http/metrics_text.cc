#include "server/http/metrics_text.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "proto/incident.h"
#include "server/http/metric_families.h"

namespace ledgerd::server {
namespace {

using Labels = MetricFamilies::Labels;

// "ROLE_PRIMARY": "primary".
std::string RoleName(admin::v1::Role role) {
  const std::string name = admin::v1::Role_Name(role);
  constexpr absl::string_view kPrefix = "ROLE_";
  return absl::AsciiStrToLower(
      absl::StartsWith(name, kPrefix) ? name.substr(kPrefix.size()) : name);
}

void AddStanding(const admin::v1::GetStatusResponse& status,
                 const Standing& standing, MetricFamilies& metrics) {
  metrics.Gauge("ledgerd_build_info", "The build that runs; always 1.", 1,
                {{"version", status.version()}});
  metrics.Gauge("ledgerd_start_time_seconds",
                "When this process began, since the epoch of Unix.",
                static_cast<double>(status.started_at().seconds()));
  metrics.Gauge("ledgerd_role", "1 for the role that this replica has.", 1,
                {{"role", RoleName(status.role())}});
  metrics.Gauge("ledgerd_is_primary", "1 while it takes writes.",
                standing.writes ? 1 : 0);
  metrics.Gauge("ledgerd_serves_reads",
                "1 while it serves reads: the primary, or one that has caught "
                "up.",
                standing.reads ? 1 : 0);
  metrics.Gauge("ledgerd_ready", "1 while it does its part in the group.",
                standing.ready ? 1 : 0);
  metrics.Gauge(
      "ledgerd_fault_margin",
      "How many voters more may fail; -1: there is no majority. Known "
      "to a primary; 0 at others.",
      status.fault_margin());
  metrics.Gauge("ledgerd_failover_paused",
                "1 while no replica promotes by itself.",
                status.failover_paused() ? 1 : 0);
  metrics.Gauge("ledgerd_disk_free_bytes",
                "Free on the device of the data directory.",
                static_cast<double>(status.disk_free_bytes()));
  for (const admin::v1::Alarm& alarm : status.alarms()) {
    metrics.Gauge("ledgerd_alarm", "1 for each alarm that is raised here.", 1,
                  {{"alarm", alarm.name()}, {"blocks", alarm.blocks()}});
  }
}

void AddProgress(const admin::v1::GetStatusResponse& status,
                 MetricFamilies& metrics) {
  metrics.Gauge("ledgerd_epoch", "The epoch that it has promised.",
                static_cast<double>(status.epoch()));
  metrics.Gauge("ledgerd_journal_first_sequence",
                "The oldest entry in its journal.",
                static_cast<double>(status.journal_first_sequence()));
  metrics.Gauge("ledgerd_journal_last_sequence",
                "The newest entry in its journal.",
                static_cast<double>(status.journal_last_sequence()));
  metrics.Gauge("ledgerd_commit_sequence",
                "The newest entry that it knows to be committed.",
                static_cast<double>(status.commit_sequence()));
  metrics.Gauge("ledgerd_applied_sequence",
                "The newest entry that is applied to its state.",
                static_cast<double>(status.applied_sequence()));
  metrics.Gauge("ledgerd_checkpoint_sequence",
                "What its newest checkpoint is as of.",
                static_cast<double>(status.checkpoint_sequence()));
}

// Of a duration, or of a time since the epoch of Unix.
template <typename Time>
double SecondsOf(const Time& time) {
  return static_cast<double>(time.seconds()) +
         static_cast<double>(time.nanos()) / 1e9;
}

std::vector<const admin::v1::ReplicaStatus*> OthersOf(
    const admin::v1::GetStatusResponse& status) {
  std::vector<const admin::v1::ReplicaStatus*> others;
  for (const admin::v1::ReplicaStatus& replica : status.replicas()) {
    if (replica.replica_id() != status.replica_id()) {
      others.push_back(&replica);
    }
  }
  return others;
}

void AddReplicas(const admin::v1::GetStatusResponse& status,
                 MetricFamilies& metrics) {
  const auto others = OthersOf(status);
  const auto labels = [](const admin::v1::ReplicaStatus* replica) {
    return Labels{{"replica", absl::StrCat(replica->replica_id())}};
  };
  for (const auto* replica : others) {
    metrics.Gauge("ledgerd_replica_connected",
                  "1 while this replica hears that one.",
                  replica->connected() ? 1 : 0, labels(replica));
  }
  for (const auto* replica : others) {
    if (!replica->has_since_heartbeat()) continue;
    metrics.Gauge("ledgerd_replica_silence_seconds",
                  "For how long this replica has not heard that one.",
                  SecondsOf(replica->since_heartbeat()), labels(replica));
  }
  if (status.role() != admin::v1::ROLE_PRIMARY) return;
  for (const auto* replica : others) {
    metrics.Gauge("ledgerd_replication_lag_seconds",
                  "How old the oldest entry is that that one has not "
                  "acknowledged; known to a primary alone.",
                  SecondsOf(replica->lag()), labels(replica));
  }
  for (const auto* replica : others) {
    metrics.Gauge("ledgerd_replication_lag_entries",
                  "What that one has not acknowledged; known to a primary "
                  "alone.",
                  static_cast<double>(replica->lag_entries()), labels(replica));
  }
}

void AddDisk(const MetricsInput& input, MetricFamilies& metrics) {
  metrics.Gauge("ledgerd_delta_bytes",
                "What was applied since the last checkpoint, in memory.",
                static_cast<double>(input.delta_bytes));
  metrics.Counter("ledgerd_corruption_detected_total",
                  "How often this process has met damage on its disk, or a "
                  "replica that differs.",
                  static_cast<double>(input.detections));
  if (input.last_clean_scrub == Timestamp(0)) return;
  metrics.Gauge("ledgerd_verify_last_success_timestamp_seconds",
                "When all of the disk was last read and found whole, since "
                "the epoch of Unix.",
                static_cast<double>(input.last_clean_scrub.value()) /
                    static_cast<double>(kNanosPerSecond));
}

void AddArchive(const storage::ArchiveProgress& archive,
                MetricFamilies& metrics) {
  metrics.Gauge("ledgerd_archived_sequence",
                "Up to where this process has brought its journal to the "
                "archive; 0 before the first file.",
                static_cast<double>(archive.through.value()));
  metrics.Counter("ledgerd_archive_failures_total",
                  "Tries to archive a journal file that have failed; each is "
                  "made again.",
                  static_cast<double>(archive.failed_tries));
}

// ---- the recovery counters

std::string KindName(admin::v1::IncidentKind kind) {
  return kind == admin::v1::INCIDENT_KIND_UNSPECIFIED
             ? "unrecorded"
             : std::string(Name(static_cast<IncidentKind>(kind)));
}

void AddRate(const std::string& name, const std::string& what,
             const admin::v1::Rate& rate, MetricFamilies& metrics) {
  for (const admin::v1::RateByKind& count : rate.by_kind()) {
    metrics.Counter(absl::StrCat("ledgerd_", name, "_successful_total"),
                    absl::StrCat(what, " that ended well."),
                    static_cast<double>(count.successful()),
                    {{"kind", KindName(count.kind())}});
  }
  for (const admin::v1::RateByKind& count : rate.by_kind()) {
    metrics.Counter(absl::StrCat("ledgerd_", name, "_total"),
                    absl::StrCat(what, " that ended."),
                    static_cast<double>(count.total()),
                    {{"kind", KindName(count.kind())}});
  }
  metrics.Gauge(absl::StrCat("ledgerd_", name, "_in_progress"),
                absl::StrCat(what, " that have not ended."),
                static_cast<double>(rate.in_progress()));
}

void AddCounters(const admin::v1::GetRecoveryCountersResponse& counters,
                 MetricFamilies& metrics) {
  AddRate("recovery", "Recoveries (R) of the group", counters.recovery(),
          metrics);
  AddRate("tolerance", "Faults (E) of the group", counters.tolerance(),
          metrics);
  AddRate("failover", "Changes of the primary (T), but planned ones,",
          counters.failover(), metrics);
  AddRate("counting", "Detections (C) of incidents", counters.counting(),
          metrics);
  if (counters.has_completion()) {
    metrics.Counter("ledgerd_completion_successful_total",
                    "Journalled writes of clients that the primary which "
                    "journalled them has answered; noted each minute.",
                    static_cast<double>(counters.completion().successful()));
    metrics.Counter("ledgerd_completion_total",
                    "Writes of clients that were journalled; noted each "
                    "minute.",
                    static_cast<double>(counters.completion().total()));
  }
  const admin::v1::Companions& beside = counters.companions();
  metrics.Counter("ledgerd_lost_entries_total",
                  "Acknowledged entries that are known to be lost: at least so "
                  "many, by forced promotions.",
                  static_cast<double>(beside.lost_entries()));
  metrics.Counter("ledgerd_rolled_back_entries_total",
                  "Entries that were cut off when a replica rejoined; none was "
                  "acknowledged.",
                  static_cast<double>(beside.rolled_back_entries()));
  metrics.Counter("ledgerd_write_unavailable_seconds_total",
                  "For how long faults have held writes up.",
                  SecondsOf(beside.write_unavailable()));
  metrics.Counter("ledgerd_unneeded_promotions_total",
                  "Promotions while the old primary was alive and connected.",
                  static_cast<double>(beside.unneeded_promotions()));
  metrics.Counter("ledgerd_consistency_checks_total",
                  "Comparisons of the replicas' states.",
                  static_cast<double>(beside.consistency_checks_passed()),
                  {{"outcome", "passed"}});
  metrics.Counter("ledgerd_consistency_checks_total",
                  "Comparisons of the replicas' states.",
                  static_cast<double>(beside.consistency_checks_failed()),
                  {{"outcome", "failed"}});
  if (!beside.has_last_verified_backup()) return;
  metrics.Gauge("ledgerd_last_verified_backup_time_seconds",
                "When the newest backup that was verified was made, since the "
                "epoch of Unix.",
                static_cast<double>(beside.last_verified_backup().seconds()));
}

}  // namespace

std::string MetricsText(const MetricsInput& input) {
  MetricFamilies metrics;
  AddStanding(input.status, input.standing, metrics);
  AddProgress(input.status, metrics);
  AddDisk(input, metrics);
  AddReplicas(input.status, metrics);
  if (input.archive.has_value()) AddArchive(*input.archive, metrics);
  if (input.counters.has_value()) AddCounters(*input.counters, metrics);
  if (input.promotions.has_value()) {
    metrics.Counter("ledgerd_promotions_total",
                    "Changes of the group's primary that ended well, planned "
                    "and forced ones among them.",
                    static_cast<double>(*input.promotions));
  }
  AddTraffic(input.counts, metrics);
  return metrics.ToText();
}

}  // namespace ledgerd::server
