// What the group has journalled of incidents and this replica has applied.
//
//   LEDGERD_ASSIGN_OR_RETURN(
//       const IncidentsRead read,
//       ReadIncidents(replica, store, Sequence(0), deadline));
//
// Errors   Those of a read: NO_PRIMARY when the replica has halted, or is a
//          witness, which keeps no state; OVERLOADED; DRAINING; DATA_LOSS.
// Threads  Any; waits for a disk.
#ifndef LEDGERD_SERVER_INCIDENTS_INCIDENT_READER_H_
#define LEDGERD_SERVER_INCIDENTS_INCIDENT_READER_H_

#include <functional>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/incident.h"
#include "proto/types.h"
#include "replication/replica_handle.h"
#include "storage/state_store.h"

namespace ledgerd::server {

// Records, and the applied point that they are complete to.
struct IncidentsRead {
  std::vector<Incident> records;
  Sequence through;
};

// Of entries after `after`. `at_that_point`, if there is one, is called on the
// replica's thread, when just what is read is applied; quick.
absl::StatusOr<IncidentsRead> ReadIncidents(
    replication::ReplicaHandle& replica, storage::StateStore& store,
    Sequence after, replication::Deadline deadline,
    const std::function<void()>& at_that_point = nullptr);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_INCIDENTS_INCIDENT_READER_H_
