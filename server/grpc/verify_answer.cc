#include "server/grpc/verify_answer.h"

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

#include "proto/base/sha256.h"
#include "proto/errors.h"
#include "proto/incident.h"
#include "replication/state_marks.h"
#include "server/damage_alarms.h"
#include "server/incidents/incident_keeper.h"
#include "server/replica_comparison.h"
#include "server/replica_hello.h"

namespace ledgerd::server {
namespace {

void ToMessage(const ComparedReplica& replica,
               admin::v1::VerifyReplicasResponse::ReplicaHash& message) {
  message.set_replica_id(replica.replica.value());
  if (!replica.mark.ok()) {
    message.set_error(std::string(replica.mark.status().message()));
    return;
  }
  message.set_state_hash(ClusterBytes(ClusterId(replica.mark->state_hash)));
  message.set_journal_hash(std::string(AsBytes(replica.mark->entry.hash)));
}

std::string WordsOf(const std::vector<ReplicaId>& differing) {
  std::string names;
  for (const ReplicaId replica : differing) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", "replica ",
                    replica.value());
  }
  return absl::StrCat("the state of ", names, " is not that of the others");
}

absl::Status Mismatch(const Comparison& compared,
                      const std::vector<ReplicaId>& differing) {
  return absl::DataLossError(absl::StrCat("replicas differ at sequence ",
                                          compared.sequence.value(), ": ",
                                          WordsOf(differing)));
}

// Who could not be asked is neither equal nor different.
void Record(const Comparison& compared, const std::vector<ReplicaId>& differing,
            Epoch epoch, IncidentKeeper& incidents) {
  if (!differing.empty()) {
    incidents.Raise({.kind = IncidentKind::kStateMismatch,
                     .cause = WordsOf(differing),
                     .epoch = epoch});
  } else if (compared.match()) {
    incidents.CloseAll(IncidentKind::kStateMismatch,
                       {.resolution = "all replicas are equal"});
  } else {
    return;
  }
  incidents.AddNote({.kind = IncidentKind::kConsistencyCheck,
                     .what = absl::StrCat("replicas were compared at sequence ",
                                          compared.sequence.value()),
                     .successful = differing.empty()});
}

}  // namespace

absl::Status VerifyReplicas(const ServedGroup& group, Peers::Deadline deadline,
                            Timestamp now,
                            admin::v1::VerifyReplicasResponse& response) {
  const replication::ReplicaStatus status = group.replica.status();
  const absl::StatusOr<Comparison> compared =
      group.marks == nullptr
          ? absl::FailedPreconditionError("nothing of the state is remembered")
          : CompareReplicas(status.membership, status.replica, *group.marks,
                            group.peers, deadline);
  if (!compared.ok()) {
    return MakeError(Reason::kNotPrimary, compared.status().message());
  }
  response.set_sequence(compared->sequence.value());
  response.set_match(compared->match());
  for (const ComparedReplica& replica : compared->replicas) {
    ToMessage(replica, *response.add_hashes());
  }
  const std::vector<ReplicaId> differing = compared->Differing();
  if (!differing.empty()) {
    group.damage.Raise(DamageAlarms::Place::kReplicas,
                       Mismatch(*compared, differing), now);
  } else if (compared->match()) {
    group.damage.ClearDamage(DamageAlarms::Place::kReplicas);
  }
  if (group.incidents != nullptr) {
    Record(*compared, differing, status.epoch, *group.incidents);
  }
  return absl::OkStatus();
}

}  // namespace ledgerd::server
