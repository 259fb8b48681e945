#include "tests/integration/fault_list.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"

namespace ledgerd::integration {
namespace {

namespace v1 = ::admin::v1;

void AddTo(v1::Rate& rate, v1::IncidentKind kind, uint64_t successful,
           uint64_t total) {
  if (total == 0) return;
  rate.set_successful(rate.successful() + successful);
  rate.set_total(rate.total() + total);
  for (v1::RateByKind& known : *rate.mutable_by_kind()) {
    if (known.kind() != kind) continue;
    known.set_successful(known.successful() + successful);
    known.set_total(known.total() + total);
    return;
  }
  v1::RateByKind& first = *rate.add_by_kind();
  first.set_kind(kind);
  first.set_successful(successful);
  first.set_total(total);
}

std::string LineOf(const char* name, const v1::Rate& rate) {
  std::map<int, std::string> kinds;
  for (const v1::RateByKind& kind : rate.by_kind()) {
    kinds[kind.kind()] =
        absl::StrCat(" ", v1::IncidentKind_Name(kind.kind()), " ",
                     kind.successful(), "/", kind.total());
  }
  std::string line = absl::StrCat(
      name, " ", rate.successful(), "/", rate.total(), ", ", rate.in_progress(),
      " in progress, ", rate.aborted(), " aborted:");
  for (const auto& [kind, text] : kinds) line += text;
  return line + "\n";
}

// Of one replica, or of all.
uint64_t SumOf(const std::map<size_t, uint64_t>& counts,
               const FaultList::Scope& scope) {
  uint64_t sum = 0;
  for (const auto& [replica, count] : counts) {
    if (!scope.replica.has_value() || replica == *scope.replica) sum += count;
  }
  return sum;
}

}  // namespace

void FaultList::End(size_t replica, Kind kind, Outcome outcome) {
  OfKind& count = counts_[{replica, kind}];
  LEDGERD_CHECK(count.open > 0) << v1::IncidentKind_Name(kind);
  --count.open;
  count.seen_again += std::exchange(count.open_again, 0);
  if (outcome == v1::INCIDENT_OUTCOME_SUCCESS) {
    ++count.successful;
  } else if (outcome == v1::INCIDENT_OUTCOME_ABORTED) {
    ++count.aborted;
  } else {
    ++count.not_successful;
  }
}

void FaultList::SeeAgain(size_t replica, Kind kind) {
  OfKind& count = counts_[{replica, kind}];
  LEDGERD_CHECK(count.successful > 0) << v1::IncidentKind_Name(kind);
  LEDGERD_CHECK(count.open == 0) << v1::IncidentKind_Name(kind);
  --count.successful;
  ++count.open;
  ++count.open_again;
}

v1::GetRecoveryCountersResponse FaultList::Count(const Scope& scope) const {
  v1::GetRecoveryCountersResponse counted;
  for (const auto& [key, count] : counts_) {
    const auto [replica, kind] = key;
    if (scope.replica.has_value() && replica != *scope.replica) continue;
    if (kind == v1::INCIDENT_KIND_SWITCHOVER && !scope.planned) continue;
    v1::Rate& rate =
        kind >= v1::INCIDENT_KIND_PROMOTION   ? *counted.mutable_failover()
        : kind >= v1::INCIDENT_KIND_PEER_LOST ? *counted.mutable_tolerance()
                                              : *counted.mutable_recovery();
    AddTo(rate, kind, count.successful,
          count.successful + count.not_successful);
    rate.set_in_progress(rate.in_progress() + count.open);
    rate.set_aborted(rate.aborted() + count.aborted);
    // C: each was seen, recorded and closed.
    v1::Rate& counting = *counted.mutable_counting();
    const uint64_t closed = count.successful + count.not_successful +
                            count.aborted + count.seen_again;
    AddTo(counting, kind, closed, closed);
    counting.set_in_progress(counting.in_progress() + count.open +
                             count.open_again);
  }
  v1::Companions& companions = *counted.mutable_companions();
  companions.set_rolled_back_entries(SumOf(rolled_back_, scope));
  companions.set_consistency_checks_passed(SumOf(comparisons_, scope));
  return counted;
}

std::string ToText(const v1::GetRecoveryCountersResponse& counted) {
  return absl::StrCat(
      LineOf("R", counted.recovery()), LineOf("E", counted.tolerance()),
      LineOf("T", counted.failover()), LineOf("C", counted.counting()),
      counted.companions().lost_entries(), " entries lost, ",
      counted.companions().rolled_back_entries(), " rolled back, ",
      counted.companions().consistency_checks_passed(),
      " times all replicas equal, ",
      counted.companions().consistency_checks_failed(), " times not\n");
}

}  // namespace ledgerd::integration
