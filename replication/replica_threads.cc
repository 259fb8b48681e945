#include "replication/replica_threads.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "proto/errors.h"

namespace ledgerd::replication {
namespace {

// Of operators, that wait.
constexpr size_t kRequestsMax = 64;

absl::Status Draining() {
  return MakeError(Reason::kDraining,
                   "this replica is shutting down; nothing was done");
}

absl::Status Overloaded(absl::string_view what, size_t limit) {
  return MakeError(Reason::kOverloaded,
                   absl::StrCat(limit, " ", what,
                                " wait already; nothing was done, try again "
                                "after the delay"));
}

// Null when it is of a kind that has none.
const std::vector<Entry>* EntriesOf(const Event& event) {
  const auto* received = std::get_if<Received>(&event);
  if (received == nullptr) return nullptr;
  const Body& body = received->message.body;
  if (const auto* append = std::get_if<Append>(&body)) return &append->entries;
  if (const auto* got = std::get_if<Fetched>(&body)) return &got->entries;
  return nullptr;
}

// About what an event takes in memory; 0 for one that must not be dropped.
size_t DroppableBytes(const Event& event) {
  if (!std::holds_alternative<Received>(event)) return 0;
  size_t bytes = sizeof(Event);
  if (const std::vector<Entry>* entries = EntriesOf(event)) {
    for (const Entry& entry : *entries) bytes += entry.bytes().size();
  }
  return bytes;
}

absl::Status DiskFull(absl::string_view of) {
  return MakeError(Reason::kDiskFull,
                   absl::StrCat("no space on the device of the ", of,
                                "; nothing was done: free some, writes go on "
                                "by themselves then"));
}

}  // namespace

ReplicaThreads::ReplicaThreads(ReplicaThreadsOptions options,
                               storage::Journal& journal,
                               storage::StateStore& store,
                               const StateMachine& machine, const Clock& clock,
                               Transport* transport)
    : options_(std::move(options)),
      journal_(journal),
      store_(store),
      clock_(clock),
      replica_(options_.replica, journal, store, machine, *this, transport),
      next_tick_(clock.SteadyNow()) {}

ReplicaThreads::~ReplicaThreads() {
  LEDGERD_CHECK(!thread_.joinable()) << "Stop() was not called";
}

absl::Status ReplicaThreads::Start() {
  journal_thread_.emplace(journal_,
                          options_.replica.keeps_state ? &store_ : nullptr,
                          MakeJournalCallbacks());
  fetcher_.emplace("fetcher");
  reader_.emplace("reader");
  querier_.emplace("querier");
  event_reader_.emplace("event reader");
  checkpointer_.emplace("checkpointer");
  sender_.emplace("sender");
  absl::Status status = replica_.Start(ReadClock());
  if (!status.ok()) {
    journal_thread_->Stop();
    return status;
  }
  Publish();
  thread_ = std::thread([this] { Loop(); });
  return absl::OkStatus();
}

JournalCallbacks ReplicaThreads::MakeJournalCallbacks() {
  JournalCallbacks callbacks;
  callbacks.persisted = [this](WriteId write) {
    {
      const MutexLock lock(mutex_);
      events_.emplace_back([this, write](Replica& replica) {
        replica.OnPersisted(write, ReadClock());
      });
      synced_ = true;
      gathering_ = false;
    }
    changed_.Signal();
  };
  callbacks.replaced = [this] {
    Post([this](Replica& replica) { replica.OnStateReplaced(ReadClock()); });
  };
  callbacks.disk_full = [this](bool full) {
    {
      const MutexLock lock(mutex_);
      SetFull(full, state_full_);
      events_.emplace_back(
          [full](Replica& replica) { replica.OnDiskFull(full); });
    }
    changed_.Signal();
    published_.SignalAll();
  };
  callbacks.failed = [this](const absl::Status& status) {
    Post([status](Replica& replica) { replica.Halt(status); });
  };
  return callbacks;
}

// ---- from any thread

absl::Status ReplicaThreads::Refusal(size_t bytes) const {
  if (draining_) return Draining();
  if (journal_full_ || state_full_) {
    return DiskFull(journal_full_ ? "journal" : "state");
  }
  if (proposals_.size() >= options_.inbox_proposals) {
    return Overload("requests", options_.inbox_proposals);
  }
  if (proposal_bytes_ + bytes > options_.inbox_bytes) {
    return Overload("bytes of requests", options_.inbox_bytes);
  }
  return absl::OkStatus();
}

absl::Status ReplicaThreads::Overload(absl::string_view what,
                                      size_t limit) const {
  ++overload_refusals_;
  return Overloaded(what, limit);
}

absl::Status ReplicaThreads::Admits(size_t bytes) const {
  const MutexLock lock(mutex_);
  return Refusal(bytes);
}

absl::Status ReplicaThreads::Propose(Proposal proposal) {
  const size_t bytes = proposal.command.buffer.size();
  bool has_enough = false;
  {
    const MutexLock lock(mutex_);
    LEDGERD_RETURN_IF_ERROR(Refusal(bytes));
    proposal_bytes_ += bytes;
    earliest_deadline_ = std::min(earliest_deadline_, proposal.deadline);
    proposals_.push_back(std::move(proposal));
    has_enough = HasProposals();
  }
  if (has_enough) changed_.Signal();
  return absl::OkStatus();
}

void ReplicaThreads::Deliver(Event event) {
  const size_t bytes = DroppableBytes(event);
  {
    const MutexLock lock(mutex_);
    const size_t waiting = delivered_.size() + small_delivered_.size();
    const bool full = waiting >= options_.delivered_max ||
                      delivered_bytes_ + bytes > options_.delivered_bytes;
    if (ending_ || (full && bytes > 0)) return;
    delivered_bytes_ += bytes;
    if (bytes > 0 && EntriesOf(event) == nullptr) {
      small_delivered_.push_back(std::move(event));
    } else {
      delivered_.push_back(std::move(event));
    }
  }
  changed_.Signal();
}

absl::StatusOr<OutgoingCheckpoint> ReplicaThreads::ExportCheckpoint() {
  OutgoingCheckpoint outgoing;
  LEDGERD_ASSIGN_OR_RETURN(outgoing.files, store_.ExportCheckpoint());
  const storage::Superblock superblock = journal_.superblock();
  const Sequence at = outgoing.files->manifest().applied.entry.sequence;
  const bool newest = superblock.membership.since.sequence <= at;
  outgoing.membership =
      newest ? superblock.membership : superblock.membership_before;
  return outgoing;
}

void ReplicaThreads::Request(
    OperatorRequest request,
    std::function<void(absl::StatusOr<RequestResult>)> done) {
  absl::Status refusal;
  {
    const MutexLock lock(mutex_);
    if (draining_) {
      refusal = Draining();
    } else if (requests_.size() >= kRequestsMax) {
      refusal = Overloaded("operators' requests", kRequestsMax);
    } else {
      requests_.push_back({request, std::move(done)});
      changed_.Signal();
      return;
    }
  }
  done(std::move(refusal));
}

absl::Status ReplicaThreads::Read(ReadRequest request) {
  {
    const MutexLock lock(mutex_);
    if (ending_) return Draining();
    if (request.counted) {
      if (open_reads_ >= options_.reads_max) {
        return Overloaded("reads", options_.reads_max);
      }
      request.begin = Counted(std::move(request.begin));
    }
    reads_.push_back(std::move(request));
  }
  changed_.Signal();
  return absl::OkStatus();
}

BeginRead ReplicaThreads::Counted(BeginRead begin) {
  ++open_reads_;
  return [this, begin = std::move(begin)](
             absl::StatusOr<Sequence> at) -> std::function<void()> {
    std::function<void()> rest = begin(std::move(at));
    if (!rest) {
      --open_reads_;
      return nullptr;
    }
    return [this, rest = std::move(rest)] {
      rest();
      --open_reads_;
    };
  };
}

ReplicaStatus ReplicaThreads::status() const {
  const MutexLock lock(mutex_);
  ReplicaStatus status = status_;
  status.journal_full = journal_full_;
  status.state_full = state_full_;
  status.full_since = full_since_;
  status.overload_refusals = overload_refusals_;
  return status;
}

Sequence ReplicaThreads::WaitForCommit(Sequence sequence, Deadline deadline) {
  const MutexLock lock(mutex_);
  while (status_.commit.sequence <= sequence && !ending_ &&
         status_.fault.ok()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero()) break;
    published_.WaitFor(mutex_, left);
  }
  return status_.commit.sequence;
}

void ReplicaThreads::Post(ReplicaEvent event) {
  {
    const MutexLock lock(mutex_);
    events_.push_back(std::move(event));
  }
  changed_.Signal();
}

void ReplicaThreads::PostLast(ReplicaEvent event) {
  {
    const MutexLock lock(mutex_);
    // Under one lock: between the two, a tick's Publish would find nothing to
    // do, and who waits would take that for the end of `event`.
    idle_ = false;
    events_.push_back(std::move(event));
  }
  changed_.Signal();
}

// ---- the replica thread

void ReplicaThreads::Loop() {
  NameThisThread("replica");
  bool more = false;
  while (true) {
    Turn turn;
    if (!TakeTurn(!more, replica_.WantsProposals(), turn)) return;
    RunTurn(std::move(turn));
    more = replica_.Apply();
    for (const ReadKind kind : kReadKinds) {
      readers_[static_cast<size_t>(kind)].waited_for =
          replica_.reads_wait(kind);
    }
    Publish();
  }
}

bool ReplicaThreads::TakeTurn(bool wait, bool wants_proposals, Turn& turn) {
  const bool persisting = replica_.persisting();
  const MutexLock lock(mutex_);
  gathering_ = persisting && !synced_;
  while (wait && !HasWork() && !ending_ && !ReadsMayBegin() &&
         !(wants_proposals && HasProposals())) {
    const auto left = next_tick_ - clock_.SteadyNow();
    if (left <= left.zero()) break;
    changed_.WaitFor(mutex_, left);
  }
  if (ending_) return false;
  if (wants_proposals && HasProposals()) TakeProposals(turn);
  turn.events.swap(events_);
  synced_ = false;
  TakeDelivered(turn);
  turn.requests.swap(requests_);
  turn.reads.swap(reads_);
  return true;
}

bool ReplicaThreads::HasWork() const {
  return !events_.empty() || !small_delivered_.empty() || !delivered_.empty() ||
         !requests_.empty() || !reads_.empty();
}

bool ReplicaThreads::HasProposals() const {
  return !proposals_.empty() &&
         (!gathering_ || proposal_bytes_ >= kGatherBytes);
}

void ReplicaThreads::TakeProposals(Turn& turn) {
  size_t bytes = 0;
  while (!proposals_.empty() && bytes < kGroupBytesMax) {
    const size_t size = proposals_.front().command.buffer.size();
    bytes += size;
    proposal_bytes_ -= size;
    turn.proposals.push_back(std::move(proposals_.front()));
    proposals_.pop_front();
  }
}

void ReplicaThreads::TakeDelivered(Turn& turn) {
  turn.delivered.swap(small_delivered_);
  delivered_bytes_ -= turn.delivered.size() * sizeof(Event);
  for (size_t bytes = 0; !delivered_.empty() && bytes < kEntryBytesATurn;) {
    const size_t size = DroppableBytes(delivered_.front());
    bytes += size;
    delivered_bytes_ -= size;
    turn.delivered.push_back(std::move(delivered_.front()));
    delivered_.pop_front();
  }
}

void ReplicaThreads::RunTurn(Turn turn) {
  for (const ReplicaEvent& event : turn.events) event(replica_);
  for (Event& event : turn.delivered) {
    replica_.OnEvent(std::move(event), ReadClock());
  }
  for (PendingRequest& request : turn.requests) {
    RunRequest(std::move(request));
  }
  for (const ReadKind kind : kReadKinds) {
    const size_t done = readers_[static_cast<size_t>(kind)].done.exchange(0);
    if (done > 0) replica_.OnReadsDone(kind, done);
  }
  const Now now = ReadClock();
  const bool takes_proposals = !turn.proposals.empty();
  if (takes_proposals) {
    replica_.OnProposals(std::move(turn.proposals), now);
  }
  for (ReadRequest& read : turn.reads) replica_.OnRead(std::move(read), now);
  if (now.steady >= next_tick_) {
    next_tick_ = now.steady + kTick;
    // Else those that wait have their turn at once.
    if (!takes_proposals) DropLate(now.steady);
    replica_.OnTick(now);
  }
}

void ReplicaThreads::DropLate(Deadline now) {
  std::vector<Proposal> late;
  {
    const MutexLock lock(mutex_);
    if (now < earliest_deadline_) return;
    earliest_deadline_ = Deadline::max();
    std::deque<Proposal> rest;
    for (Proposal& proposal : proposals_) {
      if (proposal.deadline <= now) {
        proposal_bytes_ -= proposal.command.buffer.size();
        late.push_back(std::move(proposal));
      } else {
        earliest_deadline_ = std::min(earliest_deadline_, proposal.deadline);
        rest.push_back(std::move(proposal));
      }
    }
    proposals_.swap(rest);
  }
  for (Proposal& proposal : late) proposal.done(DeadlinePassed());
}

void ReplicaThreads::RunRequest(PendingRequest request) {
  Event event = std::visit([](auto& what) { return Event(std::move(what)); },
                           request.request);
  const std::optional<RequestResult> result =
      replica_.OnEvent(std::move(event), ReadClock());
  if (result.has_value()) {
    request.done(*result);
  } else {
    request.done(replica_.NotServing());
  }
}

void ReplicaThreads::SetFull(bool journal, bool state) {
  const bool before = journal_full_ || state_full_;
  journal_full_ = journal;
  state_full_ = state;
  if (!journal && !state) {
    full_since_ = Timestamp(0);
  } else if (!before) {
    full_since_ = clock_.WallNow();
  }
}

void ReplicaThreads::Publish() {
  replica_.FillStatus(next_status_);
  const bool halted = !next_status_.fault.ok();
  const absl::Status fault = next_status_.fault;
  std::deque<Proposal> refused;
  absl::Status refusal;
  {
    const MutexLock lock(mutex_);
    std::swap(status_, next_status_);
    SetFull(journal_full_, replica_.out_of_space());
    // They came before it was known, and wait for space in vain. What the
    // replica has taken already is held: it may be on the disk in part.
    if (state_full_ || journal_full_) {
      refused.swap(proposals_);
      proposal_bytes_ = 0;
      refusal = DiskFull(journal_full_ ? "journal" : "state");
    }
    idle_ = replica_.idle() && proposals_.empty() && events_.empty();
  }
  for (Proposal& proposal : refused) proposal.done(refusal);
  published_.SignalAll();
  if (halted && !halt_told_) {
    halt_told_ = true;
    if (options_.on_halt) options_.on_halt(fault);
  }
}

void ReplicaThreads::TakeCheckpoint() {
  Post([](Replica& replica) { replica.CheckpointNow(); });
}

void ReplicaThreads::HoldState(
    std::function<void(absl::StatusOr<Sequence>)> done) {
  Post([done = std::move(done)](Replica& replica) {
    done(replica.HoldState());
  });
}

void ReplicaThreads::ReleaseState(const absl::Status& why) {
  Post([why](Replica& replica) { replica.ReleaseState(why); });
}

void ReplicaThreads::ReplaceState(EntryId checkpoint,
                                  std::function<void(absl::Status)> done) {
  Post([checkpoint, done = std::move(done)](Replica& replica) {
    replica.ReplaceState(checkpoint, done);
  });
}

void ReplicaThreads::Fail(const absl::Status& fault) {
  Post([fault](Replica& replica) { replica.Halt(fault); });
}

// ---- the end

bool ReplicaThreads::WaitUntilIdle(Deadline until) {
  const MutexLock lock(mutex_);
  while (!idle_ && status_.fault.ok()) {
    // Nobody makes space while we end: what waits for it is replayed.
    if (journal_full_ || state_full_) return false;
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= left.zero()) return false;
    published_.WaitFor(mutex_, left);
  }
  return status_.fault.ok();
}

absl::Status ReplicaThreads::Stop(std::chrono::milliseconds patience) {
  const Deadline until = std::chrono::steady_clock::now() + patience;
  {
    const MutexLock lock(mutex_);
    draining_ = true;
  }
  PostLast([](Replica& replica) { replica.Drain(); });
  if (WaitUntilIdle(until)) {
    PostLast([](Replica& replica) { replica.CheckpointNow(); });
    WaitUntilIdle(until);
  }
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  reads_end_ = true;
  changed_.Signal();
  published_.SignalAll();
  thread_.join();
  const absl::Status fault = replica_.status().fault;
  Turn rest;
  {
    const MutexLock lock(mutex_);
    rest.reads.swap(reads_);
    rest.requests.swap(requests_);
    rest.proposals.assign(std::make_move_iterator(proposals_.begin()),
                          std::make_move_iterator(proposals_.end()));
    proposals_.clear();
  }
  // Before the readers end what has begun, which may take a while.
  for (ReadRequest& read : rest.reads) read.begin(Draining());
  replica_.AbandonReads(Draining());
  journal_thread_->Stop();
  fetcher_->Stop();
  reader_->Stop();
  querier_->Stop();
  event_reader_->Stop();
  checkpointer_->Stop();
  sender_->Stop();
  for (const PendingRequest& request : rest.requests) request.done(Draining());
  for (Proposal& proposal : rest.proposals) proposal.done(Draining());
  replica_.End();
  return fault;
}

}  // namespace ledgerd::replication
