// Brings a replica's incidents to the primary, which journals them.
//
//   absl::Status brought = BringIncidents(address, hello, incidents, stopping);
//
// Shape    A connection of its own for each call: there are few of them.
// Errors   As ReplicationService.ReportIncidents; UNAVAILABLE when nobody is
//          there. Whatever it is but OK: they are to be brought again.
// Threads  Any; waits for kIncidentPatience at most.
#ifndef LEDGERD_SERVER_GRPC_INCIDENT_SENDER_H_
#define LEDGERD_SERVER_GRPC_INCIDENT_SENDER_H_

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "proto/incident.h"
#include "replication/v1/messages.pb.h"

namespace ledgerd::server {

inline constexpr std::chrono::milliseconds kIncidentPatience{2'000};

absl::Status BringIncidents(const std::string& address,
                            const ::replication::v1::Hello& hello,
                            const std::vector<Incident>& incidents,
                            const std::atomic<bool>& stopping);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_INCIDENT_SENDER_H_
