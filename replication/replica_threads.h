// ReplicaThreads runs a Replica: its thread, the journal's, a fetcher's for
// what entries need, a reader's for each kind of reads, a checkpointer's and
// one that reads the journal for other replicas; they meet in queues.
//
//   ReplicaThreads replica(options, journal, store, machine, clock);
//   LEDGERD_RETURN_IF_ERROR(replica.Start());
//   replica.Propose(...);                 // ReplicaHandle, from any thread
//   replica.Stop(std::chrono::seconds(10));
//
// Limits   Proposals wait in an inbox of inbox_bytes and inbox_proposals, and
//          what comes from other replicas in one of its own. Of reads there
//          are reads_max at a time, waiting or being done. Beyond: OVERLOADED,
//          at once; what other replicas send is dropped. What waits in the
//          inbox is let go of at its deadline, and when the disk is full.
// Turns    What other replicas send without entries goes first; of that with
//          entries kEntryBytesATurn are taken, then some are applied: so a
//          heartbeat is answered soon, however much there is to do.
// Groups   While the journal syncs, proposals gather in the inbox up to
//          kGatherBytes; the replica thread is not woken for each of them.
// Errors   See replica_handle.h. A fatal fault calls options.on_halt once, on
//          the replica thread; the process should end.
// Threads  Start and Stop belong to the owner. Journal, store, machine and
//          clock outlive this and are used by nobody else meanwhile, but for
//          Journal::Read.
#ifndef LEDGERD_REPLICATION_REPLICA_THREADS_H_
#define LEDGERD_REPLICATION_REPLICA_THREADS_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/base/mutex.h"
#include "proto/membership.h"
#include "replication/clock.h"
#include "replication/core/event.h"
#include "replication/core/update.h"
#include "replication/journal_thread.h"
#include "replication/replica.h"
#include "replication/replica_handle.h"
#include "replication/replica_work.h"
#include "replication/state_machine.h"
#include "replication/task_thread.h"
#include "replication/transport.h"
#include "storage/checkpoint_transfer.h"
#include "storage/journal.h"
#include "storage/state_store.h"

namespace ledgerd::replication {

// What is sent as a checkpoint.
struct OutgoingCheckpoint {
  // Of what CheckpointReceived says at the other end, all but `from`, `epoch`
  // and what the manifest has: the membership that held there.
  Membership membership;
  std::shared_ptr<const storage::ExportedCheckpoint> files;
};

struct ReplicaThreadsOptions {
  ReplicaOptions replica;
  // Of what is delivered and waits.
  size_t delivered_max = 16'384;
  size_t delivered_bytes = size_t{64} << 20;
  size_t inbox_bytes = size_t{64} << 20;
  size_t inbox_proposals = 65'536;
  size_t reads_max = 65'536;
  std::function<void(absl::Status)> on_halt;
  // Told, by the thread that reads the journal for other replicas, of what it
  // has and cannot be read: damage, or a device's error. They are told that it
  // does not reach back so far.
  std::function<void(const absl::Status&)> on_unread;
};

class ReplicaThreads final : public ReplicaHandle, private ReplicaWork {
 public:
  // What seals in a fraction of the time that a sync takes.
  static constexpr size_t kGatherBytes = size_t{64} << 10;
  // Of other replicas' messages with entries; one may be larger.
  static constexpr size_t kEntryBytesATurn = size_t{1} << 20;
  // How often deadlines and expiries are looked at.
  static constexpr std::chrono::milliseconds kTick = Replica::kTick;

  // Without a transport it runs groups of one voter alone. The transport
  // outlives this, and gives to Deliver what comes in, from Start to Stop.
  ReplicaThreads(ReplicaThreadsOptions options, storage::Journal& journal,
                 storage::StateStore& store, const StateMachine& machine,
                 const Clock& clock, Transport* transport = nullptr);
  ~ReplicaThreads() override;

  // Starts the threads. Errors: as Replica::Start; nothing runs then.
  absl::Status Start();

  // Refuses what is new, lets what was taken end, takes a checkpoint, ends the
  // threads. What has not ended after `patience` ends in OUTCOME_UNKNOWN; reads
  // that have not begun by then in DRAINING.
  // Returns the fault when the replica halted.
  absl::Status Stop(std::chrono::milliseconds patience);

  // What the transport brings: Received, ConnectionBroken, CheckpointSent,
  // CheckpointReceived. Any thread; never waits. Messages beyond delivered_max
  // or delivered_bytes are dropped, as a network may.
  void Deliver(Event event);

  // The newest checkpoint, to be sent as a CheckpointOrder wants it. Any thread
  // of the transport's. NOT_FOUND when there is none.
  absl::StatusOr<OutgoingCheckpoint> ExportCheckpoint();

  // Where one is received that a primary sends: storage/checkpoint_transfer.h.
  // When it is finished, Deliver(CheckpointReceived). Requires: a store that
  // can be replaced, and keeps_state.
  storage::CheckpointReceiver& checkpoint_receiver() {
    return *store_.checkpoint_receiver();
  }

  // Runs `work` on the journal's thread, which alone writes it. Never, when
  // that has ended. Requires: Start returned OK.
  void RunOnJournal(std::function<void()> work) {
    journal_thread_->Run(std::move(work));
  }

  // Replica::CheckpointNow, soon.
  void TakeCheckpoint() LEDGERD_EXCLUDES(mutex_);

  // The same of Replica, in the order in which they are called; `done` is
  // called on the replica thread, or never when that has ended.
  void HoldState(std::function<void(absl::StatusOr<Sequence>)> done)
      LEDGERD_EXCLUDES(mutex_);
  void ReleaseState(const absl::Status& why) LEDGERD_EXCLUDES(mutex_);
  void ReplaceState(EntryId checkpoint, std::function<void(absl::Status)> done)
      LEDGERD_EXCLUDES(mutex_);

  // Halts the replica for a fault that others have found.
  void Fail(const absl::Status& fault) LEDGERD_EXCLUDES(mutex_);

  absl::Status Propose(Proposal proposal) override;
  absl::Status Admits(size_t bytes) const override;
  absl::Status Read(ReadRequest request) override;

  void Request(
      OperatorRequest request,
      std::function<void(absl::StatusOr<RequestResult>)> done) override;

  bool ending() const override { return reads_end_; }

  ReplicaStatus status() const override;
  Sequence WaitForCommit(Sequence sequence, Deadline deadline) override;

 private:
  using ReplicaEvent = std::function<void(Replica&)>;

  struct PendingRequest {
    OperatorRequest request;
    std::function<void(absl::StatusOr<RequestResult>)> done;
  };

  // What the replica thread takes in one turn.
  struct Turn {
    std::vector<ReplicaEvent> events;
    std::vector<Event> delivered;
    std::vector<PendingRequest> requests;
    std::vector<Proposal> proposals;
    std::vector<ReadRequest> reads;
  };

  // Of one kind of reads.
  struct Readers {
    // Done, and not told to the replica yet.
    std::atomic<size_t> done = 0;
    // Others wait for that: the replica thread is to be woken.
    std::atomic<bool> waited_for = false;
  };

  // ReplicaWork
  void Persist(JournalWrite write) override;
  void RecordCheckpoint(EntryId checkpoint) override;
  void ReplaceState(EntryId checkpoint) override;
  void Fetch(FetchId id, storage::Needs missing) override;
  void ReadJournal(Sequence from) override;
  void ReadFor(JournalRead read) override;
  void WriteCheckpoint() override;
  void RunOnReader(ReadKind kind, std::function<void()> task) override;

  // On a reader's thread: a read is done.
  void OnReadDone(ReadKind kind) LEDGERD_EXCLUDES(mutex_);
  // A read waits for one that is done.
  bool ReadsMayBegin() const;

  // `begin`, and what it returns, counted in open_reads_ until it is done.
  BeginRead Counted(BeginRead begin);
  // Of a command of `bytes`.
  absl::Status Refusal(size_t bytes) const LEDGERD_REQUIRES(mutex_);
  absl::Status Overload(absl::string_view what, size_t limit) const
      LEDGERD_REQUIRES(mutex_);
  void Post(ReplicaEvent event) LEDGERD_EXCLUDES(mutex_);
  // As Post; WaitUntilIdle then waits for what `event` begins.
  void PostLast(ReplicaEvent event) LEDGERD_EXCLUDES(mutex_);
  void Loop();
  // Waits for something to do; false when it is time to end.
  bool TakeTurn(bool wait, bool wants_proposals, Turn& turn)
      LEDGERD_EXCLUDES(mutex_);
  bool HasProposals() const LEDGERD_REQUIRES(mutex_);
  bool HasWork() const LEDGERD_REQUIRES(mutex_);
  void TakeProposals(Turn& turn) LEDGERD_REQUIRES(mutex_);
  void TakeDelivered(Turn& turn) LEDGERD_REQUIRES(mutex_);
  void SetFull(bool journal, bool state) LEDGERD_REQUIRES(mutex_);
  void RunTurn(Turn turn);
  // Answers those in the inbox that nobody waits for any more.
  void DropLate(Deadline now) LEDGERD_EXCLUDES(mutex_);
  void RunRequest(PendingRequest request);
  void Publish() LEDGERD_EXCLUDES(mutex_);
  bool WaitUntilIdle(Deadline until) LEDGERD_EXCLUDES(mutex_);

  Now ReadClock() const { return {clock_.WallNow(), clock_.SteadyNow()}; }

  JournalCallbacks MakeJournalCallbacks();

  const ReplicaThreadsOptions options_;
  storage::Journal& journal_;
  storage::StateStore& store_;
  const Clock& clock_;
  Replica replica_;  // The replica thread's own, once it runs.
  Deadline next_tick_;
  bool halt_told_ = false;
  // The status to be published next: its memory is used again.
  ReplicaStatus next_status_;

  mutable Mutex mutex_;
  CondVar changed_;    // Something for the replica thread.
  CondVar published_;  // A new status.
  std::vector<ReplicaEvent> events_ LEDGERD_GUARDED_BY(mutex_);
  std::deque<Proposal> proposals_ LEDGERD_GUARDED_BY(mutex_);
  size_t proposal_bytes_ LEDGERD_GUARDED_BY(mutex_) = 0;
  // None of proposals_ has an earlier one.
  Deadline earliest_deadline_ LEDGERD_GUARDED_BY(mutex_) = Deadline::max();
  mutable uint64_t overload_refusals_ LEDGERD_GUARDED_BY(mutex_) = 0;
  bool gathering_ LEDGERD_GUARDED_BY(mutex_) = false;
  // Among `events_` is the end of a sync.
  bool synced_ LEDGERD_GUARDED_BY(mutex_) = false;
  std::vector<ReadRequest> reads_ LEDGERD_GUARDED_BY(mutex_);
  // Messages without entries, as a network may bring them: first.
  std::vector<Event> small_delivered_ LEDGERD_GUARDED_BY(mutex_);
  // All others in their order: who has fallen silent does so after its entries.
  std::deque<Event> delivered_ LEDGERD_GUARDED_BY(mutex_);
  // Of both.
  size_t delivered_bytes_ LEDGERD_GUARDED_BY(mutex_) = 0;
  std::vector<PendingRequest> requests_ LEDGERD_GUARDED_BY(mutex_);
  std::atomic<size_t> open_reads_ = 0;
  std::array<Readers, kReadKinds.size()> readers_;
  std::atomic<bool> reads_end_ = false;
  ReplicaStatus status_ LEDGERD_GUARDED_BY(mutex_);
  bool idle_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool journal_full_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool state_full_ LEDGERD_GUARDED_BY(mutex_) = false;
  Timestamp full_since_ LEDGERD_GUARDED_BY(mutex_);
  bool draining_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool ending_ LEDGERD_GUARDED_BY(mutex_) = false;

  std::optional<JournalThread> journal_thread_;
  std::optional<TaskThread> fetcher_;  // For entries; never behind a query.
  std::optional<TaskThread> reader_;   // Of look-ups, and of the journal.
  std::optional<TaskThread> querier_;
  std::optional<TaskThread> event_reader_;
  std::optional<TaskThread> checkpointer_;
  std::optional<TaskThread> sender_;  // Reads the journal for other replicas.
  std::thread thread_;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_REPLICA_THREADS_H_
