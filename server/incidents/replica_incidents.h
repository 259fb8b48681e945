// All that one replica does about its incidents: where they are kept, who
// notices them, and who tells the group.
//
//   LEDGERD_ASSIGN_OR_RETURN(auto incidents, ReplicaIncidents::Open(...));
//   ...                                 // the journal and the state are opened
//   incidents->Learn(journal, completion);
//   incidents->Begin(replica, bring);   // the replica runs
//   incidents->Note(status, standing);
//   ...
//   return incidents->End(fault);       // the replica has stopped
//
// Threads  The owner's; watch() and group() as they say.
#ifndef LEDGERD_SERVER_INCIDENTS_REPLICA_INCIDENTS_H_
#define LEDGERD_SERVER_INCIDENTS_REPLICA_INCIDENTS_H_

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/base/status_macros.h"
#include "proto/types.h"
#include "replication/clock.h"
#include "replication/replica_handle.h"
#include "server/incidents/completion_tail.h"
#include "server/incidents/epoch_search.h"
#include "server/incidents/group_watch.h"
#include "server/incidents/incident_keeper.h"
#include "server/incidents/incident_reporter.h"
#include "server/incidents/incident_watch.h"
#include "server/logging.h"
#include "server/standing.h"
#include "storage/journal.h"
#include "storage/posix_file.h"

namespace ledgerd::server {

class ReplicaIncidents {
 public:
  // Before anything else of the data directory is read: what the process before
  // has left is recorded first. A member that is silent for `peer_silence` is
  // lost. `clock` and `logger` outlive it.
  static absl::StatusOr<std::unique_ptr<ReplicaIncidents>> Open(
      const IncidentKeeperOptions& options,
      std::chrono::milliseconds peer_silence, const replication::Clock& clock,
      Logger& logger) {
    LEDGERD_ASSIGN_OR_RETURN(
        auto keeper,
        IncidentKeeper::Open(storage::PosixFiles(), options, clock, logger));
    return std::unique_ptr<ReplicaIncidents>(
        new ReplicaIncidents(std::move(keeper), peer_silence, clock));
  }

  IncidentWatch& watch() { return watch_; }

  IncidentKeeper& keeper() { return *keeper_; }

  GroupWatch& group() { return group_; }

  void Note(const replication::ReplicaStatus& status,
            const Standing& standing) {
    watch_.Note(status, standing);
    group_.Note(status, standing);
  }

  // Before the replica runs. Both outlive it.
  void Learn(const storage::Journal& journal,
             const CompletionTail& completion) {
    watch_.Learn([&journal](Epoch epoch) -> std::optional<Timestamp> {
      const auto begin = BeginOfEpochAfter(journal, epoch);
      if (!begin.has_value()) return std::nullopt;
      return begin->at;
    });
    group_.Learn(
        {.answered_through =
             [&completion] { return completion.newest_answered().through; },
         .end_before =
             [&journal](Epoch epoch) { return EndBefore(journal, epoch); }});
  }

  // `replica` outlives the call of End.
  void Begin(replication::ReplicaHandle& replica,
             IncidentReporter::Bring bring) {
    keeper_->BeginRunning();
    reporter_.emplace(*keeper_, replica, std::move(bring));
  }

  // Once, if Begin was called; `fault` is the replica's. Returns it, or that of
  // the own file.
  absl::Status End(absl::Status fault) {
    reporter_.reset();
    fault.Update(keeper_->fault());
    if (!fault.ok()) return fault;
    keeper_->EndCleanly();
    return keeper_->fault();
  }

 private:
  ReplicaIncidents(std::unique_ptr<IncidentKeeper> keeper,
                   std::chrono::milliseconds peer_silence,
                   const replication::Clock& clock)
      : keeper_(std::move(keeper)),
        watch_(*keeper_, clock),
        group_(*keeper_, clock, peer_silence) {
    watch_.BeginReplay();
  }

  const std::unique_ptr<IncidentKeeper> keeper_;
  IncidentWatch watch_;
  GroupWatch group_;
  std::optional<IncidentReporter> reporter_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_INCIDENTS_REPLICA_INCIDENTS_H_
