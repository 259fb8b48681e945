// The list that a test keeps of what it has done to a group, and what the
// recovery counters have to say of that.
//
//   FaultList list;
//   list.Begin(1, v1::INCIDENT_KIND_STALL);       // replica 1's disk hangs
//   EXPECT_EQ(ToText(*counted), ToText(list.Count({})));
//   list.End(1, v1::INCIDENT_KIND_STALL, v1::INCIDENT_OUTCOME_SUCCESS);
//
// Shape   By what each fault has to come to, of whom, and how that ends; the
//         rates are made of that by counters.md, not by the code under test.
#ifndef LEDGERD_TESTS_INTEGRATION_FAULT_LIST_H_
#define LEDGERD_TESTS_INTEGRATION_FAULT_LIST_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "admin/v1/admin.pb.h"

namespace ledgerd::integration {

class FaultList {
 public:
  using Kind = admin::v1::IncidentKind;
  using Outcome = admin::v1::IncidentOutcome;

  struct Scope {
    // Of this one's alone; unset: the group's.
    std::optional<size_t> replica;
    bool planned = false;
  };

  // Replica `replica` has raised one, and it goes on.
  void Begin(size_t replica, Kind kind) { ++counts_[{replica, kind}].open; }

  // One that has begun. Requires: there is one.
  void End(size_t replica, Kind kind, Outcome outcome);

  // From begin to end.
  void Add(size_t replica, Kind kind, Outcome outcome) {
    Begin(replica, kind);
    End(replica, kind, outcome);
  }

  // One that has ended a moment ago, with success, goes on again, for the first
  // time. Requires: there is one, and no other of its kind goes on.
  void SeeAgain(size_t replica, Kind kind);

  uint64_t rolled_back(size_t replica) const {
    const auto found = rolled_back_.find(replica);
    return found == rolled_back_.end() ? 0 : found->second;
  }

  void AddRolledBack(size_t replica, uint64_t entries) {
    rolled_back_[replica] += entries;
  }

  // Replica `replica` was asked to compare all, and has found them equal.
  void AddComparison(size_t replica) { ++comparisons_[replica]; }

  // Without times and ratios, and without unneeded promotions: whether one is
  // noted depends on how soon the old primary is back.
  admin::v1::GetRecoveryCountersResponse Count(const Scope& scope) const;

 private:
  struct OfKind {
    uint64_t open = 0;
    uint64_t successful = 0;
    uint64_t not_successful = 0;
    uint64_t aborted = 0;
    // Beyond once, of the one that goes on, and of those that have ended.
    uint64_t open_again = 0;
    uint64_t seen_again = 0;
  };

  std::map<std::pair<size_t, Kind>, OfKind> counts_;
  std::map<size_t, uint64_t> rolled_back_;
  std::map<size_t, uint64_t> comparisons_;
};

// In words, for comparing: a line for each of R, E, T and C, and one of what
// was lost and rolled back, and of comparisons of the replicas. Without times:
// how long a recovery takes is the machine's.
//
//   R 3/4, 0 in progress, 1 aborted: CRASH_REPLAY 2/2 DISK_ERROR 1/2
std::string ToText(const admin::v1::GetRecoveryCountersResponse& counted);

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_FAULT_LIST_H_
