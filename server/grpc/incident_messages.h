// Incidents and recovery counters as the operators' contract has them.
//
//   ToMessage(incident, *response.add_incidents());
//   ToMessage(CountIncidents(records, options), *response);
#ifndef LEDGERD_SERVER_GRPC_INCIDENT_MESSAGES_H_
#define LEDGERD_SERVER_GRPC_INCIDENT_MESSAGES_H_

#include "admin/v1/admin.pb.h"
#include "proto/incident.h"
#include "server/incidents/completion.h"
#include "server/incidents/completion_tail.h"
#include "server/incidents/recovery_counters.h"

namespace ledgerd::server {

// Requires: it is no note.
void ToMessage(const Incident& incident, admin::v1::Incident& message);

// All but `sequence` and `completion`. No answer is given below the configured
// durability (replication.md), so there are 0 unsafe acknowledgements.
void ToMessage(const RecoveryCounters& counters,
               admin::v1::GetRecoveryCountersResponse& message);

// Of what is noted, and of the tail that is not yet.
void CompletionToMessage(const CompletionSum& noted,
                         const CompletionTail::Counts& tail,
                         admin::v1::Rate& message);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_INCIDENT_MESSAGES_H_
