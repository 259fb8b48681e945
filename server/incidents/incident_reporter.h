// An IncidentReporter tells the group of this replica's incidents: it proposes
// them where this is the primary, and else brings them to the primary.
//
//   IncidentReporter reporter(keeper, replica, bring);
//   ...
//   reporter.Stop();
//
// Shape    All that waits goes in one entry, and the next one only when that is
//          committed: so of the records of one incident the last one is the
//          last in the journal too. What is sent twice, since its answer was
//          lost, counts once.
// Load     Nothing is done while there is nothing to tell. While nobody takes
//          it, a try each kRetry.
// Threads  One of its own.
#ifndef LEDGERD_SERVER_INCIDENTS_INCIDENT_REPORTER_H_
#define LEDGERD_SERVER_INCIDENTS_INCIDENT_REPORTER_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"

#include "proto/incident.h"
#include "proto/types.h"
#include "replication/replica_handle.h"
#include "server/incidents/incident_keeper.h"

namespace ledgerd::server {

// Journals incidents; waits for it until `deadline`. Errors: those of Propose
// and of a proposal; DEADLINE_EXCEEDED, when it may be done yet.
absl::Status ProposeIncidents(replication::ReplicaHandle& replica,
                              const std::vector<Incident>& incidents,
                              replication::Deadline deadline);

class IncidentReporter {
 public:
  static constexpr std::chrono::milliseconds kRetry{100};
  // For one try.
  static constexpr std::chrono::milliseconds kPatience{2'000};

  // Brings incidents to `primary`, and waits until it has journalled them.
  // Empty: there are no others.
  using Bring = std::function<absl::Status(ReplicaId primary,
                                           const std::vector<Incident>&)>;

  // All outlive it.
  IncidentReporter(IncidentKeeper& keeper, replication::ReplicaHandle& replica,
                   Bring bring);
  ~IncidentReporter();

  // What is on its way is waited for, kPatience at most.
  void Stop();

 private:
  void Loop();
  absl::Status Tell(const std::vector<Incident>& incidents);

  IncidentKeeper& keeper_;
  replication::ReplicaHandle& replica_;
  const Bring bring_;
  std::thread thread_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_INCIDENTS_INCIDENT_REPORTER_H_
