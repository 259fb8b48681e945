#include "server/incidents/recovery_counters.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>

namespace ledgerd::server {
namespace {

// A rate in the making.
class RateCounter {
 public:
  void Add(const Incident& incident) {
    switch (incident.outcome) {
      case IncidentOutcome::kInProgress:
        ++rate_.in_progress;
        return;
      case IncidentOutcome::kAborted:
        ++rate_.aborted;
        return;
      case IncidentOutcome::kSuccess:
        AddEnded(incident, /*successful=*/true, 1);
        return;
      case IncidentOutcome::kSuccessWithLoss:
      case IncidentOutcome::kFailed:
        AddEnded(incident, /*successful=*/false, 1);
        return;
    }
  }

  // Of C: recorded, and closed or not yet.
  void AddDetections(const Incident& incident) {
    if (incident.outcome == IncidentOutcome::kInProgress) {
      rate_.in_progress += incident.detections;
    } else {
      AddEnded(incident, /*successful=*/true, incident.detections);
    }
  }

  // Of C: never recorded.
  void AddMissing(uint64_t count) {
    rate_.total += count;
    rate_.by_kind[0].total += count;
  }

  CountedRate Finish() {
    std::sort(durations_.begin(), durations_.end());
    rate_.p50_ns = Percentile(50);
    rate_.p99_ns = Percentile(99);
    rate_.max_ns = Percentile(100);
    return std::move(rate_);
  }

 private:
  void AddEnded(const Incident& incident, bool successful, uint64_t count) {
    CountedRate::Count& kind =
        rate_.by_kind[static_cast<uint8_t>(incident.kind)];
    rate_.total += count;
    kind.total += count;
    if (!successful) return;
    rate_.successful += count;
    kind.successful += count;
    // A clock that was set back may have made it end before it began.
    const Timestamp end = std::max(incident.started_at, incident.ended_at);
    durations_.push_back(end.value() - incident.started_at.value());
  }

  // The nearest rank.
  uint64_t Percentile(size_t percent) const {
    if (durations_.empty()) return 0;
    const size_t rank = (durations_.size() * percent + 99) / 100;
    return durations_[std::max<size_t>(rank, 1) - 1];
  }

  CountedRate rate_;
  std::vector<uint64_t> durations_;
};

bool IsInScope(const Incident& incident, const CounterOptions& options) {
  return (!options.replica.has_value() ||
          *options.replica == incident.id.replica) &&
         incident.started_at >= options.since;
}

bool IsAskedFor(const Incident& incident, const CounterOptions& options) {
  return IsInScope(incident, options) &&
         (options.include_injected || !incident.injected) &&
         (options.include_planned || !incident.planned);
}

void CountNote(const Incident& note, const CounterOptions& options,
               RecoveryCounters& counters) {
  if (note.kind == IncidentKind::kVerifiedBackup) {
    counters.last_verified_backup =
        std::max(counters.last_verified_backup, note.started_at);
  }
  if (!IsInScope(note, options)) return;
  if (note.kind == IncidentKind::kUnneededPromotion) {
    ++counters.unneeded_promotions;
  } else if (note.kind == IncidentKind::kConsistencyCheck) {
    ++(note.outcome == IncidentOutcome::kSuccess
           ? counters.consistency_checks_passed
           : counters.consistency_checks_failed);
  }
}

// Which epochs began, and which were to replace a primary that was lost: of who
// did that.
class Outages {
 public:
  explicit Outages(const std::vector<Incident>& incidents) {
    for (const Incident& incident : incidents) {
      const bool done = incident.outcome != IncidentOutcome::kInProgress &&
                        incident.outcome != IncidentOutcome::kAborted;
      if (incident.kind == IncidentKind::kPrimaryLost && done) {
        lost_.insert(incident.epoch);
      }
      if (IsPromotion(incident.kind) && done &&
          incident.outcome != IncidentOutcome::kFailed) {
        begun_.insert(incident.epoch);
      }
    }
  }

  // Of this one alone.
  uint64_t Of(const Incident& incident) const {
    return IsAnothers(incident) ? 0 : incident.write_unavailable_ns;
  }

 private:
  // Whoever began the next epoch has lost the primary that halted.
  bool IsAnothers(const Incident& incident) const {
    if (!incident.halted || !incident.of_primary) return false;
    const auto next = begun_.upper_bound(incident.epoch);
    const auto lost = lost_.upper_bound(incident.epoch);
    return next != begun_.end() && lost != lost_.end() && *lost <= *next;
  }

  std::set<Epoch> begun_;
  std::set<Epoch> lost_;
};

// The numbers that are missing before an incident are as old as it is.
void CountMissing(const std::vector<Incident>& incidents,
                  const CounterOptions& options, RateCounter& counting) {
  std::map<IncidentId, Timestamp> started;
  for (const Incident& incident : incidents) {
    // Those are in a series of their own, which begins with each process.
    if (incident.kind == IncidentKind::kCompletion) continue;
    started.emplace(incident.id, incident.started_at);
  }
  IncidentId before;
  for (const auto& [id, at] : started) {
    const bool same_series =
        id.replica == before.replica && id.series == before.series;
    const uint64_t missing = id.number - (same_series ? before.number : 0) - 1;
    before = id;
    if (options.replica.has_value() && *options.replica != id.replica) continue;
    if (missing > 0 && at >= options.since) counting.AddMissing(missing);
  }
}

}  // namespace

std::vector<Incident> NewestOf(absl::Span<const Incident> records) {
  std::vector<Incident> newest;
  std::map<IncidentId, size_t> places;
  for (const Incident& record : records) {
    const auto [place, is_new] = places.emplace(record.id, newest.size());
    if (is_new) {
      newest.push_back(record);
    } else {
      newest[place->second] = record;
    }
  }
  return newest;
}

RecoveryCounters CountIncidents(absl::Span<const Incident> records,
                                const CounterOptions& options) {
  const std::vector<Incident> incidents = NewestOf(records);
  RateCounter recovery;
  RateCounter tolerance;
  RateCounter failover;
  RateCounter counting;
  RecoveryCounters counters;
  const Outages outages(incidents);
  for (const Incident& record : records) {
    counters.completion.Add(record, IsInScope(record, options));
  }
  for (const Incident& incident : incidents) {
    if (IsNote(incident.kind)) {
      CountNote(incident, options, counters);
      continue;
    }
    if (!IsAskedFor(incident, options)) continue;
    counting.AddDetections(incident);
    if (IsRecovery(incident.kind)) recovery.Add(incident);
    if (IsFault(incident.kind)) tolerance.Add(incident);
    if (IsPromotion(incident.kind)) failover.Add(incident);
    counters.lost_entries += incident.lost_entries;
    counters.rolled_back_entries += incident.rolled_back_entries;
    counters.write_unavailable_ns += outages.Of(incident);
  }
  CountMissing(incidents, options, counting);
  counters.recovery = recovery.Finish();
  counters.tolerance = tolerance.Finish();
  counters.failover = failover.Finish();
  counters.counting = counting.Finish();
  return counters;
}

}  // namespace ledgerd::server
