#include "server/http/metrics_text.h"

#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "prometheus/client_metric.h"
#include "prometheus/metric_family.h"
#include "prometheus/metric_type.h"
#include "prometheus/text_serializer.h"
#include "proto/incident.h"

namespace ledgerd::server {
namespace {

using Labels = std::vector<prometheus::ClientMetric::Label>;

class Metrics {
 public:
  void Gauge(const std::string& name, const std::string& help, double value,
             Labels labels = {}) {
    prometheus::ClientMetric& metric =
        Add(name, help, prometheus::MetricType::Gauge, std::move(labels));
    metric.gauge.value = value;
  }

  void Counter(const std::string& name, const std::string& help, double value,
               Labels labels = {}) {
    prometheus::ClientMetric& metric =
        Add(name, help, prometheus::MetricType::Counter, std::move(labels));
    metric.counter.value = value;
  }

  std::string ToText() const {
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, families_);
    return text.str();
  }

 private:
  // Those of one name come one after the other.
  prometheus::ClientMetric& Add(const std::string& name,
                                const std::string& help,
                                prometheus::MetricType type, Labels labels) {
    if (families_.empty() || families_.back().name != name) {
      prometheus::MetricFamily& family = families_.emplace_back();
      family.name = name;
      family.help = help;
      family.type = type;
    }
    prometheus::ClientMetric& metric = families_.back().metric.emplace_back();
    metric.label = std::move(labels);
    return metric;
  }

  std::vector<prometheus::MetricFamily> families_;
};

// "ROLE_PRIMARY": "primary".
std::string RoleName(admin::v1::Role role) {
  const std::string name = admin::v1::Role_Name(role);
  constexpr absl::string_view kPrefix = "ROLE_";
  return absl::AsciiStrToLower(
      absl::StartsWith(name, kPrefix) ? name.substr(kPrefix.size()) : name);
}

void AddStanding(const admin::v1::GetStatusResponse& status,
                 const Standing& standing, Metrics& metrics) {
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

void AddProgress(const admin::v1::GetStatusResponse& status, Metrics& metrics) {
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

void AddReplicas(const admin::v1::GetStatusResponse& status, Metrics& metrics) {
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
    const auto& silence = replica->since_heartbeat();
    metrics.Gauge("ledgerd_replica_silence_seconds",
                  "For how long this replica has not heard that one.",
                  static_cast<double>(silence.seconds()) +
                      static_cast<double>(silence.nanos()) / 1e9,
                  labels(replica));
  }
  if (status.role() != admin::v1::ROLE_PRIMARY) return;
  for (const auto* replica : others) {
    metrics.Gauge("ledgerd_replication_lag_entries",
                  "What that one has not acknowledged; known to a primary "
                  "alone.",
                  static_cast<double>(replica->lag_entries()), labels(replica));
  }
}

void AddArchive(const storage::ArchiveProgress& archive, Metrics& metrics) {
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
             const admin::v1::Rate& rate, Metrics& metrics) {
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
                 Metrics& metrics) {
  AddRate("recovery", "Recoveries (R) of the group", counters.recovery(),
          metrics);
  AddRate("tolerance", "Faults (E) of the group", counters.tolerance(),
          metrics);
  AddRate("failover", "Changes of the primary (T), but planned ones,",
          counters.failover(), metrics);
  AddRate("counting", "Detections (C) of incidents", counters.counting(),
          metrics);
  metrics.Counter("ledgerd_completion_answered_total",
                  "Writes of clients that the primary that journalled them has "
                  "answered.",
                  static_cast<double>(counters.completion().successful()));
  metrics.Counter("ledgerd_completion_journalled_total",
                  "Writes of clients that a primary has journalled.",
                  static_cast<double>(counters.completion().total()));
  const admin::v1::Companions& beside = counters.companions();
  metrics.Counter("ledgerd_lost_entries_total",
                  "Acknowledged entries that are known to be lost.",
                  static_cast<double>(beside.lost_entries()));
  metrics.Counter("ledgerd_rolled_back_entries_total",
                  "Entries that were cut off when a replica rejoined; none was "
                  "acknowledged.",
                  static_cast<double>(beside.rolled_back_entries()));
  const auto& outage = beside.write_unavailable();
  metrics.Counter("ledgerd_write_unavailable_seconds_total",
                  "For how long faults have held writes up.",
                  static_cast<double>(outage.seconds()) +
                      static_cast<double>(outage.nanos()) / 1e9);
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

std::string MetricsText(const admin::v1::GetStatusResponse& status,
                        const Standing& standing,
                        const admin::v1::GetRecoveryCountersResponse* counters,
                        const storage::ArchiveProgress* archive) {
  Metrics metrics;
  AddStanding(status, standing, metrics);
  AddProgress(status, metrics);
  AddReplicas(status, metrics);
  if (archive != nullptr) AddArchive(*archive, metrics);
  if (counters != nullptr) AddCounters(*counters, metrics);
  return metrics.ToText();
}

}  // namespace ledgerd::server
