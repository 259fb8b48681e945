#include "server/incidents/incident_reporter.h"

#include <memory>
#include <utility>

#include "absl/status/statusor.h"

#include "proto/base/mutex.h"
#include "proto/base/wait_at_most.h"
#include "proto/results.h"

namespace ledgerd::server {
namespace {

// What became of a proposal; outlives whoever gave up waiting.
struct Outcome {
  Mutex mutex;
  CondVar changed;
  bool known LEDGERD_GUARDED_BY(mutex) = false;
  absl::Status status LEDGERD_GUARDED_BY(mutex);
};

}  // namespace

absl::Status ProposeIncidents(replication::ReplicaHandle& replica,
                              const std::vector<Incident>& incidents,
                              replication::Deadline deadline) {
  const auto outcome = std::make_shared<Outcome>();
  replication::Proposal proposal;
  proposal.command = MakeIncidentsCommand(incidents);
  proposal.deadline = deadline;
  proposal.done = [outcome](const absl::StatusOr<EntryResult>& result) {
    const MutexLock lock(outcome->mutex);
    outcome->known = true;
    outcome->status = result.status();
    outcome->changed.SignalAll();
  };
  if (absl::Status refused = replica.Propose(std::move(proposal));
      !refused.ok()) {
    return refused;
  }
  const MutexLock lock(outcome->mutex);
  const bool known = WaitAtMost(
      outcome->changed, outcome->mutex,
      deadline - std::chrono::steady_clock::now(),
      [&outcome]() LEDGERD_REQUIRES(outcome->mutex) { return outcome->known; });
  if (!known) return absl::DeadlineExceededError("not committed yet");
  return outcome->status;
}

IncidentReporter::IncidentReporter(IncidentKeeper& keeper,
                                   replication::ReplicaHandle& replica,
                                   Bring bring)
    : keeper_(keeper),
      replica_(replica),
      bring_(std::move(bring)),
      thread_([this] { Loop(); }) {}

IncidentReporter::~IncidentReporter() { Stop(); }

void IncidentReporter::Stop() {
  keeper_.End();
  if (thread_.joinable()) thread_.join();
}

void IncidentReporter::Loop() {
  while (keeper_.WaitForUnsent()) {
    const std::vector<Incident> incidents = keeper_.Unsent();
    if (Tell(incidents).ok()) {
      keeper_.NoteSent(incidents);
    } else if (!keeper_.WaitAWhile(kRetry)) {
      return;
    }
  }
}

absl::Status IncidentReporter::Tell(const std::vector<Incident>& incidents) {
  const replication::ReplicaStatus status = replica_.status();
  if (status.role == replication::Role::kPrimary) {
    return ProposeIncidents(replica_, incidents,
                            std::chrono::steady_clock::now() + kPatience);
  }
  if (status.primary == ReplicaId(0) || status.primary == status.replica ||
      !bring_) {
    return absl::UnavailableError("no primary is known");
  }
  return bring_(status.primary, incidents);
}

}  // namespace ledgerd::server
