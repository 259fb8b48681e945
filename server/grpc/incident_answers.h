// What operators are told of incidents and recovery counters: of all that the
// group has journalled and this replica has applied.
//
//   IncidentAnswers answers(group);
//   absl::Status status = answers.List(request, deadline, response);
//
// Errors   INVALID_FIELD; NO_PRIMARY when the replica has halted, or is a
//          witness, which keeps no state; OVERLOADED; DRAINING; DATA_LOSS.
// Threads  Any; waits for a disk.
#ifndef LEDGERD_SERVER_GRPC_INCIDENT_ANSWERS_H_
#define LEDGERD_SERVER_GRPC_INCIDENT_ANSWERS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "admin/v1/admin.pb.h"
#include "proto/types.h"
#include "replication/replica_handle.h"
#include "server/incidents/incident_reader.h"
#include "server/served_group.h"

namespace ledgerd::server {

class IncidentAnswers {
 public:
  static constexpr uint32_t kPageDefault = 100;
  static constexpr uint32_t kPageMax = 1'000;

  // `group` outlives it.
  explicit IncidentAnswers(ServedGroup& group) : group_(group) {}

  // Of entries after `after`.
  absl::StatusOr<IncidentsRead> ReadAfter(Sequence after,
                                          replication::Deadline deadline) const;

  // Which of clients' writes are counted. A change of the primary may take what
  // is not noted back, until it is.
  enum class Writes { kAll, kNoted };

  // A window ends now.
  absl::Status Count(const admin::v1::GetRecoveryCountersRequest& request,
                     Timestamp now, replication::Deadline deadline,
                     admin::v1::GetRecoveryCountersResponse& response,
                     Writes writes = Writes::kAll) const;

  // The one that came up last is the first. A page's token is its last id.
  absl::Status List(const admin::v1::ListIncidentsRequest& request,
                    replication::Deadline deadline,
                    admin::v1::ListIncidentsResponse& response) const;

 private:
  ServedGroup& group_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_INCIDENT_ANSWERS_H_
