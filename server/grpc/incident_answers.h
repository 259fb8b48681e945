// What operators are told of incidents and recovery counters: those of this
// replica, as its own disk has them.
//
//   absl::Status status = CountRecoveries(request, records, now, response);
//
// Errors   INVALID_FIELD.
// Threads  Pure functions.
#ifndef LEDGERD_SERVER_GRPC_INCIDENT_ANSWERS_H_
#define LEDGERD_SERVER_GRPC_INCIDENT_ANSWERS_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"

#include "admin/v1/admin.pb.h"
#include "proto/incident.h"
#include "proto/types.h"

namespace ledgerd::server {

inline constexpr uint32_t kIncidentPageDefault = 100;
inline constexpr uint32_t kIncidentPageMax = 1'000;

// A window ends now. All but `sequence` and `completion`.
absl::Status CountRecoveries(
    const admin::v1::GetRecoveryCountersRequest& request,
    const std::vector<Incident>& records, Timestamp now,
    admin::v1::GetRecoveryCountersResponse& response);

// The one that came up last is the first. A page's token is its last id.
absl::Status ListIncidents(const admin::v1::ListIncidentsRequest& request,
                           const std::vector<Incident>& records,
                           admin::v1::ListIncidentsResponse& response);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_INCIDENT_ANSWERS_H_
