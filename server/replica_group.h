// A ReplicaGroup is all that one process holds for one group of replicas: data
// directory, journal, state, ledger, and the replica that runs them.
//
//   LEDGERD_ASSIGN_OR_RETURN(auto group, ReplicaGroup::Open(options));
//   LEDGERD_RETURN_IF_ERROR(group->Start());
//   ...
//   group->Stop(std::chrono::seconds(10));
//
// Shape    Nothing of it is global: a process may have several, each primary or
//          standby by itself. A group of several replicas has a transport.
// Errors   Of Open and Start: those of DataDir, the journal, the state store
//          and Replica::Start; each says which path, what is wrong, what to do.
//          ABORTED: the data directory is in use. FAILED_PRECONDITION: nothing
//          says where the other members are.
// Threads  The owner's. What replica() returns is safe from any thread.
#ifndef LEDGERD_SERVER_REPLICA_GROUP_H_
#define LEDGERD_SERVER_REPLICA_GROUP_H_

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/types.h"
#include "replication/clock.h"
#include "replication/core/event.h"
#include "replication/replica_threads.h"
#include "replication/state_marks.h"
#include "server/clock_watch.h"
#include "server/config.pb.h"
#include "server/damage_alarms.h"
#include "server/grpc/grpc_transport.h"
#include "server/incidents/completion_reporter.h"
#include "server/incidents/completion_tail.h"
#include "server/incidents/recorded_receiver.h"
#include "server/incidents/replica_incidents.h"
#include "server/journal_counts.h"
#include "server/ledger_state_machine.h"
#include "server/log_throttle.h"
#include "server/logging.h"
#include "server/peers.h"
#include "server/repair/journal_repair.h"
#include "server/repair/scrubber.h"
#include "server/repair/state_damage.h"
#include "server/repair/state_repair.h"
#include "server/scrub_passes.h"
#include "server/served_group.h"
#include "server/standing.h"
#include "storage/checkpoint_transfer.h"
#include "storage/data_dir.h"
#include "storage/journal_archiver.h"
#include "storage/segment_journal.h"
#include "storage/state_store.h"

namespace ledgerd::server {

struct ReplicaGroupOptions {
  config::v1::Config config;
  // Refuses a data directory of another one; unset: whatever it is.
  std::optional<ClusterId> cluster;
  std::optional<ReplicaId> replica;
  // Told, while Open runs, what it brings from an older format to this one.
  std::function<void(const std::string&)> say;
  // Told of damage that a look for it has found, and of its end. Any thread.
  std::function<void(DamageAlarms::Place, const absl::Status&)> on_damage;
  std::function<void(DamageAlarms::Place)> on_mended;
  // Told of every read of the state that failed; quick. Any thread.
  std::function<void(const absl::Status&)> on_read_error;
  // Called, from any thread, when the replica has halted, or its incidents
  // cannot be written: the process should end.
  std::function<void(absl::Status)> on_halt;
  // Of incidents; outlives the group.
  const replication::Clock* clock = nullptr;
  // Where this replica is reached, and where it learns that of others.
  SharedAddresses* addresses = nullptr;
  // Required.
  Logger* logger = nullptr;
};

class ReplicaGroup {
 public:
  static absl::StatusOr<std::unique_ptr<ReplicaGroup>> Open(
      const ReplicaGroupOptions& options);

  absl::Status Start();

  // Begins to speak with the other replicas, if there are any. Called once,
  // after Start, when the addresses of this one's ports are known. Errors:
  // those of GrpcTransport.
  absl::Status Connect();

  // Tells the transport whom the group consists of.
  void Follow(const replication::ReplicaStatus& status);

  // What the status shows of incidents is raised, and closed.
  void NoteIncidents(const replication::ReplicaStatus& status,
                     const Standing& standing) {
    incidents_->Note(status, standing);
    incidents_->watch().NoteClock(clock_watch_.Difference(status.primary),
                                  status);
  }

  // The process is about to end for it, though the replica has not halted.
  void NoteFault(const absl::Status& fault,
                 const replication::ReplicaStatus& status) {
    incidents_->watch().NoteFault(fault, status);
  }

  // Lets what was taken end, takes a checkpoint, ends the threads. Returns the
  // fault when the replica had halted, or else what NoteFault was told:
  // `noted`. Called once, after Start.
  absl::Status Stop(std::chrono::milliseconds patience,
                    const absl::Status& noted);

  replication::ReplicaHandle& replica() { return replica_; }

  storage::StateStore& store() { return *store_; }

  const storage::SegmentJournal& journal() const { return *journal_; }

  // Null where the journal has no archive.
  const storage::JournalArchiver* archiver() const {
    return archiver_.has_value() ? &*archiver_ : nullptr;
  }

  // Of its writes since the start.
  const JournalCounts& journal_counts() const { return *journal_counts_; }

  const storage::JournalIdentity& identity() const { return dir_->identity(); }

  IncidentKeeper& incidents() { return incidents_->keeper(); }

  const CompletionTail& completion() const { return completion_; }

  const std::string& path() const { return dir_->path(); }

  const replication::StateMarks& marks() const { return marks_; }

  // Null when it is alone.
  Peers* peers() { return transport_.get(); }

  // The last looks for damage over everything, since the start. Requires: Start
  // returned OK.
  ScrubPasses scrub_passes() const { return scrubber_->passes(); }

  // Looks the journal through, soon: a read has met damage. Any thread.
  // Requires: Start returned OK.
  void LookAtJournal() { scrubber_->LookNow(); }

 private:
  // What Open has opened, in this order.
  struct Parts {
    std::unique_ptr<storage::DataDir> dir;
    std::unique_ptr<ReplicaIncidents> incidents;
    std::unique_ptr<JournalCounts> journal_counts;
    std::unique_ptr<storage::SegmentJournal> journal;
    std::unique_ptr<StateDamage> damage;
    std::unique_ptr<storage::StateStore> store;
    std::unique_ptr<GrpcTransport> transport;
  };

  ReplicaGroup(const ReplicaGroupOptions& options, Parts parts);

  // What a heartbeat says beside the protocol: the time, and what is answered.
  void NoteHeartbeat(const replication::Event& event);

  void BeginScrubbing();
  std::vector<ReplicaId> Others() const;
  std::function<void(const absl::Status&)> OnHeld();
  StateRepair::Ports RepairPorts();
  std::vector<ReplicaId> OthersWithState() const;
  void HandOver();
  // For another replica, whose state is damaged.
  absl::StatusOr<std::shared_ptr<const storage::ExportedCheckpoint>>
  CheckpointFor(Sequence at_least);
  // For another replica, where these are damaged.
  absl::StatusOr<std::vector<Entry>> EntriesOf(ReplicaId asker, Sequence from,
                                               Sequence through);

  // The journal could not be read for another replica. The thread that does so.
  void NoteUnread(const absl::Status& error);

  // Records what it was before anybody acts on it.
  void OnHalt(const absl::Status& fault);

  const std::function<void(absl::Status)> on_halt_;
  const std::unique_ptr<storage::DataDir> dir_;
  const std::unique_ptr<ReplicaIncidents> incidents_;
  const std::unique_ptr<JournalCounts> journal_counts_;
  const std::unique_ptr<storage::SegmentJournal> journal_;
  std::optional<storage::JournalArchiver> archiver_;
  // Outlives the state, which tells it.
  const std::unique_ptr<StateDamage> damage_;
  const std::unique_ptr<storage::StateStore> store_;
  // The transport's.
  std::optional<RecordedReceiver> receiver_;
  // Null when it is alone.
  const std::unique_ptr<GrpcTransport> transport_;
  const bool keeps_state_;
  replication::StateMarks marks_;
  CompletionTail completion_;
  const LedgerStateMachine machine_{completion_};
  const replication::SystemClock clock_;
  ClockWatch clock_watch_;
  // Of the replica's thread that reads for others.
  LogThrottle unread_;
  replication::ReplicaThreads replica_;
  const ScrubberOptions scrubber_options_;
  const std::function<void(DamageAlarms::Place, const absl::Status&)>
      on_damage_;
  const std::function<void(DamageAlarms::Place)> on_mended_;
  Logger& logger_;
  JournalRepair repair_;
  StateRepair state_repair_;
  // The scrubber's: before, the role is not handed over again.
  std::chrono::steady_clock::time_point next_hand_over_;
  std::optional<Scrubber> scrubber_;
  // Not where no state is kept.
  std::optional<CompletionReporter> completion_reporter_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_REPLICA_GROUP_H_
