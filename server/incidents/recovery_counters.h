// The recovery counters: R, E, T and C as a function of what the group's
// journal says of incidents.
//
//   RecoveryCounters counters = CountIncidents(records, {.replica = self});
//   counters.recovery.successful, counters.recovery.total ...
//
// Shape    Pure: no clock, no I/O. All times come from the records, so replicas
//          that have applied the same entries count the same.
// Rules    Of the records of one incident the last one counts. Who is still in
//          progress, or was aborted, is beside the total, not in it. Drills and
//          planned ones are left out unless asked for.
// Counting C is over detections: each incident has some, and the numbers that
//          are missing in a replica's series are detections whose incident was
//          never recorded.
// Outages  A primary that has halted says for how long nobody could write, and
//          so does who took over, as it has lost its primary: that counts once.
// Notes    Are companions, and in no rate.
// Source   counters.md; the tables in testdata/ are its rules.
#ifndef LEDGERD_SERVER_INCIDENTS_RECOVERY_COUNTERS_H_
#define LEDGERD_SERVER_INCIDENTS_RECOVERY_COUNTERS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "absl/types/span.h"

#include "proto/incident.h"
#include "proto/types.h"
#include "server/incidents/completion.h"

namespace ledgerd::server {

struct CountedRate {
  struct Count {
    uint64_t successful = 0;
    uint64_t total = 0;
  };

  uint64_t successful = 0;
  uint64_t total = 0;
  uint64_t in_progress = 0;
  uint64_t aborted = 0;
  // By the number of its kind; 0: nobody knows (of C, what was never recorded).
  std::map<uint8_t, Count> by_kind;
  // Nanoseconds, of the successful ones; 0 while there is none.
  uint64_t p50_ns = 0;
  uint64_t p99_ns = 0;
  uint64_t max_ns = 0;
};

struct RecoveryCounters {
  CountedRate recovery;
  CountedRate tolerance;
  CountedRate failover;
  CountedRate counting;
  // As noted; what comes after `through` is not in it.
  CompletionSum completion;
  uint64_t lost_entries = 0;
  uint64_t rolled_back_entries = 0;
  uint64_t write_unavailable_ns = 0;
  uint64_t unneeded_promotions = 0;
  uint64_t consistency_checks_passed = 0;
  uint64_t consistency_checks_failed = 0;
  // When the newest backup was made that was verified; 0: none was. Whatever is
  // asked for: it is the group's, and of all time.
  Timestamp last_verified_backup;
};

struct CounterOptions {
  // Of this one's alone; unset: the group's.
  std::optional<ReplicaId> replica;
  // Of those that started then or later.
  Timestamp since;
  bool include_injected = false;
  bool include_planned = false;
};

// The last record of each, in the order in which they came up; notes, too.
std::vector<Incident> NewestOf(absl::Span<const Incident> records);

// `records`: all of the group, in the journal's order.
RecoveryCounters CountIncidents(absl::Span<const Incident> records,
                                const CounterOptions& options);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_INCIDENTS_RECOVERY_COUNTERS_H_
