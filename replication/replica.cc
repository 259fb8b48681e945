#include "replication/replica.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "proto/errors.h"
#include "replication/core/invariants.h"

namespace ledgerd::replication {
namespace {

absl::Status NoFit(absl::string_view what) {
  return absl::DataLossError(absl::StrCat(
      "state and journal do not fit together: ", what,
      "; one of them was replaced or rolled back by hand. Nothing was changed. "
      "Put the directory back as a whole, or restore a backup."));
}

absl::Status OutcomeUnknown(const absl::Status& fault) {
  return MakeError(
      Reason::kOutcomeUnknown,
      absl::StrCat("the replica halted before the outcome was known: ",
                   fault.message(), "; ask again with the same ids"));
}

absl::Status Deposed() {
  return MakeError(
      Reason::kOutcomeUnknown,
      "this replica is no longer primary, and the outcome was not known; ask "
      "again with the same ids");
}

// Whether one of its row was refused before; then it is refused here.
bool IsOutOfTurn(const Proposal& proposal) {
  if (proposal.row_broken == nullptr || !*proposal.row_broken) return false;
  proposal.done(MakeError(
      Reason::kNoPrimary,
      "a request before this one was refused, so this one was not taken"));
  return true;
}

}  // namespace

absl::Status DeadlinePassed() {
  return MakeError(
      Reason::kOverloaded,
      "the deadline passed before the request was journalled; nothing was "
      "done");
}

Replica::Replica(ReplicaOptions options, storage::Journal& journal,
                 storage::StateStore& store, const StateMachine& machine,
                 ReplicaWork& work, Transport* transport)
    : options_(std::move(options)),
      journal_(journal),
      store_(store),
      work_(work),
      transport_(transport),
      queue_(store, machine, work, options_.marks),
      reads_(work),
      checkpointing_(options_.checkpoint, store, work),
      notes_(options_.observer) {}

absl::Status Replica::Start(Now now) {
  now_ = now.steady;
  ticked_ = now.steady;
  if (options_.keeps_state) LEDGERD_RETURN_IF_ERROR(CheckStateFitsJournal());
  commit_ = store_.applied().entry;
  MarkState();
  Options options;
  options.self = options_.self;
  options.incarnation = options_.incarnation;
  options.process = ProcessId(now.wall.value());
  options.timing = options_.timing;
  options.flow = options_.flow;
  // Replicas that start in the same nanosecond still differ.
  options.seed = now.wall.value() + options_.self.value();
  protocol_.emplace(options, TakeDurableState());
  LEDGERD_RETURN_IF_ERROR(CheckMembership());
  released_ = journal_.superblock().checkpoint.sequence;
  // So that a late answer for a read of the process before is none for one of
  // this.
  last_read_ = ReadId(now.wall.value());
  Step(Started{}, now);
  return absl::OkStatus();
}

void Replica::MarkState() {
  if (options_.marks == nullptr || !options_.keeps_state) return;
  options_.marks->Note({store_.applied().entry, store_.state_hash()});
}

DurableState Replica::TakeDurableState() {
  const storage::AppliedPoint applied = store_.applied();
  const storage::Superblock superblock = journal_.superblock();
  DurableState state;
  state.promised = superblock.promised_epoch;
  state.fork = Fork(superblock.fork);
  state.membership = superblock.membership;
  state.membership_before = superblock.membership_before;
  const storage::Outline outline = journal_.TakeOutline();
  state.outline = Outline(outline.base, outline.entries);
  state.last_timestamp = std::max(journal_.last_timestamp(), applied.timestamp);
  state.commit = applied.entry.sequence;
  state.checkpoint = options_.keeps_state ? store_.checkpoint().entry.sequence
                                          : superblock.checkpoint.sequence;
  return state;
}

absl::Status Replica::CheckMembership() const {
  if (transport_ != nullptr) return absl::OkStatus();
  const Member self{.id = options_.self,
                    .incarnation = options_.incarnation,
                    .role = MemberRole::kVoter};
  const std::vector<Member>& members = protocol_->membership().members;
  if (members == std::vector<Member>{self}) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the group has ", members.size(), " members, and this build runs groups ",
      "of one voter: replica ", options_.self.value(), ", incarnation ",
      options_.incarnation.value()));
}

// The state is that of a prefix of the journal, and the journal goes on from
// it.
absl::Status Replica::CheckStateFitsJournal() const {
  const EntryId applied = store_.applied().entry;
  const EntryId last = journal_.last();
  if (applied.sequence > last.sequence) {
    return NoFit(absl::StrCat("the state has executed sequence ",
                              applied.sequence.value(),
                              ", the journal ends at ", last.sequence.value()));
  }
  if (applied.sequence.Next() < journal_.first()) {
    return NoFit(absl::StrCat(
        "the state has executed sequence ", applied.sequence.value(),
        ", the journal begins at ", journal_.first().value()));
  }
  return CheckMeetingPoint(applied);
}

absl::Status Replica::CheckMeetingPoint(const EntryId& applied) const {
  Hash256 expected = journal_.last().hash;
  if (applied.sequence < journal_.last().sequence) {
    LEDGERD_ASSIGN_OR_RETURN(const std::vector<Entry> next,
                             journal_.Read(applied.sequence.Next(), 1));
    expected = next.front().previous_hash();
  }
  if (expected != applied.hash) {
    return NoFit(absl::StrCat("at sequence ", applied.sequence.value(),
                              " the state's hash is ", ToHex(applied.hash),
                              ", the journal's ", ToHex(expected)));
  }
  return absl::OkStatus();
}

bool Replica::IsPrimary() const {
  return std::holds_alternative<Primary>(protocol_->role());
}

// It has told another one to promote (rule 12).
bool Replica::HasToldSuccessor() const {
  const auto* primary = std::get_if<Primary>(&protocol_->role());
  return primary != nullptr && primary->switchover.has_value() &&
         primary->switchover->told;
}

bool Replica::serving() const {
  if (halted()) return false;
  const auto* primary = std::get_if<Primary>(&protocol_->role());
  return primary != nullptr && queue_.applied() >= primary->start;
}

bool Replica::WantsProposals() const {
  if (!serving()) return successor_ticks_ == 0;  // To refuse them.
  // Writes are held during a switchover (rule 12).
  if (!protocol_->takes_proposals()) return false;
  return !checkpointing_.ahead() && queue_.added_bytes() < kPipelineBytesMax;
}

bool Replica::replaying() const {
  return options_.keeps_state && queue_.replays(protocol_->last().sequence);
}

bool Replica::idle() const {
  return (queue_.empty() || !IsPrimary()) && !installing_.has_value() &&
         !replacement_given_out_ && !checkpointing_.running();
}

void Replica::OnProposals(std::vector<Proposal> proposals, Now now) {
  std::vector<Command> commands;
  std::vector<Done> done;
  // One row's are refused below for what they have in common, so none of these
  // is broken on the way.
  std::erase_if(proposals, IsOutOfTurn);
  commands.reserve(proposals.size());
  done.reserve(proposals.size());
  for (Proposal& proposal : proposals) {
    if (!serving() || !protocol_->takes_proposals()) {
      proposal.done(NotServing());
    } else if (proposal.deadline <= now.steady) {
      proposal.done(DeadlinePassed());
    } else {
      commands.push_back(std::move(proposal.command));
      done.push_back(std::move(proposal.done));
    }
  }
  if (commands.empty()) return;
  Step(Proposed{std::move(commands)}, now, std::move(done));
}

void Replica::OnRead(ReadRequest request, Now now) {
  const auto level = request.freshness.level;
  if (absl::Status status = MayRead(request.freshness, now); !status.ok()) {
    request.begin(std::move(status));
    return;
  }
  if (level == Freshness::Level::kLinearizable || IsUnsure(level)) {
    last_read_ = last_read_.Next();
    reads_.Ask(last_read_, std::move(request));
    Step(ReadArrived{last_read_}, now);
  } else {
    reads_.Add(std::move(request));
  }
  reads_.Advance(queue_.applied());
}

// It may have been deposed and not know it: a round tells, and is no older than
// any bound.
bool Replica::IsUnsure(Freshness::Level level) const {
  return level == Freshness::Level::kMaxStaleness && IsPrimary() &&
         protocol_->membership().majority() > 1;
}

absl::Status Replica::MayRead(const Freshness& freshness, Now now) const {
  if (halted() || !options_.keeps_state) return NotServing();
  if (held_.has_value()) return NotReadable(freshness.level);
  if (serving()) return absl::OkStatus();
  switch (freshness.level) {
    case Freshness::Level::kAtLeastSequence:
      return absl::OkStatus();
    case Freshness::Level::kLinearizable:
      // With others there may be a primary to ask (rule 10).
      return transport_ == nullptr ? NotServing() : absl::OkStatus();
    case Freshness::Level::kMaxStaleness:
      break;
  }
  if (staleness_.IsWithin(freshness.max_staleness, queue_.applied(), now.wall,
                          now.steady)) {
    return absl::OkStatus();
  }
  return MakeError(Reason::kTooStale,
                   absl::StrCat("the replica is, or may be, more than ",
                                freshness.max_staleness.count(),
                                " ms behind the primary; try again soon, or "
                                "ask another one"));
}

void Replica::OnReadsDone(ReadKind kind, size_t count) {
  reads_.Done(kind, count, queue_.applied());
}

void Replica::OnTick(Now now) {
  now_ = now.steady;
  if (halted()) return;
  waiting_ticks_ = persisting() ? waiting_ticks_ + 1 : 0;
  if (successor_ticks_ > 0) --successor_ticks_;
  const auto passed = (now.steady - ticked_) / kTick;
  ticked_ = now.steady;
  Step(Tick{.progressing = progressing(),
            .answered_through = queue_.applied(),
            .replaying = replaying() || held_.has_value(),
            .passed = static_cast<uint32_t>(
                std::clamp<decltype(passed)>(passed, 1, kTicksMax))},
       now);
  reads_.Expire(now.steady);
  checkpointing_.OnTick(now.steady);
  AdvanceReplacement();
  Expire(now);
  if (!options_.keeps_state) ReleaseAsWitness(now);
}

// Rule 16: above the lowest checkpoint of the voters with state it keeps all.
void Replica::ReleaseAsWitness(Now now) {
  const Sequence through = std::min(protocol_->releasable(), commit_.sequence);
  const Outline& outline = protocol_->outline();
  if (through <= std::max(released_, outline.base().sequence) || halted()) {
    return;
  }
  const EntryId* const id = outline.Find(through);
  LEDGERD_CHECK(id != nullptr);
  released_ = through;
  work_.RecordCheckpoint(*id);
  Step(CheckpointTaken{through}, now);
}

// ledger.md, Expiry: one such entry is outstanding at a time.
void Replica::Expire(Now now) {
  if (!serving() || !protocol_->takes_proposals()) return;
  if (draining_ || expiring_ || !WantsProposals()) return;
  const Timestamp next = store_.next_expiry();
  if (next == Timestamp(0) || next > now.wall) return;
  expiring_ = true;
  std::vector<Command> commands;
  commands.push_back(MakeExpireCommand());
  std::vector<Done> done;
  done.emplace_back(
      [this](const absl::StatusOr<EntryResult>&) { expiring_ = false; });
  Step(Proposed{std::move(commands)}, now, std::move(done));
}

std::optional<RequestResult> Replica::OnEvent(Event event, Now now) {
  if (halted()) return std::nullopt;
  // The own checkpoint ends first; the sender tries again.
  if (std::holds_alternative<CheckpointReceived>(event) &&
      (checkpointing_.running() || installing_.has_value() ||
       replacement_given_out_)) {
    return std::nullopt;
  }
  if (DamageForbids(event)) {
    return RequestResult{Refusal::kHalted, Sequence(0)};
  }
  now_ = now.steady;
  std::optional<Message> heartbeat;
  if (const auto* received = std::get_if<Received>(&event)) {
    NoteHeard(received->message, now);
    if (std::holds_alternative<Heartbeat>(received->message.body)) {
      heartbeat = received->message;
    }
  } else if (const auto* broken = std::get_if<ConnectionBroken>(&event)) {
    heard_.erase(broken->peer);
  }
  const std::optional<FromPrimary> said = ObserverNotes::FromPrimaryOf(event);
  const Sequence last = protocol_->last().sequence;
  const std::optional<RequestResult> result = Step(std::move(event), now);
  if (said.has_value() && Follows(said->from, said->epoch)) {
    notes_.NoteFollowed(said->commit, last);
  }
  if (heartbeat.has_value() && Follows(heartbeat->from, heartbeat->epoch)) {
    staleness_.OnHeartbeat(heartbeat->epoch,
                           std::get<Heartbeat>(heartbeat->body), now.steady);
  }
  return result;
}

bool Replica::Follows(ReplicaId primary, Epoch epoch) const {
  return epoch == protocol_->epoch() && protocol_->primary() == primary;
}

void Replica::NoteHeard(const Message& message, Now now) {
  const Member* member = protocol_->membership().Find(message.from);
  if (member != nullptr && member->incarnation == message.from_incarnation) {
    heard_[message.from] = now.steady;
  }
}

void Replica::OnPersisted(WriteId write, Now now) {
  if (halted()) return;
  persisted_ = write;
  notes_.NotePersisted(write);
  if (installing_.has_value() && *installing_ <= write) {
    installing_.reset();
    if (options_.keeps_state) store_.FinishInstall();
    MarkState();
    queue_.Reset();
    // The damaged state is gone.
    held_.reset();
    EndReplacement(absl::FailedPreconditionError(
        "a checkpoint of the primary has taken the state's place"));
  }
  slow_writes_ = writes_slowly() ? slow_writes_ + 1 : 0;
  waiting_ticks_ = 0;
  Step(Persisted{write}, now);
}

void Replica::OnDiskFull(bool full) {
  if (disk_full_ && !full) waiting_ticks_ = 0;
  disk_full_ = full;
}

void Replica::OnFetched(
    FetchId id, absl::StatusOr<std::unique_ptr<storage::Fetched>> fetched) {
  if (halted()) return;
  const absl::Status status = queue_.OnFetched(id, std::move(fetched));
  if (!status.ok()) MeetDamage(status);
}

void Replica::OnJournalRead(absl::StatusOr<std::vector<Entry>> entries) {
  if (halted()) return;
  const absl::Status status =
      queue_.OnJournalRead(std::move(entries), commit_.sequence);
  if (!status.ok()) Halt(status);
}

void Replica::OnCheckpointWritten(const absl::Status& status, Now now) {
  if (halted()) return;
  const absl::Status result = checkpointing_.OnWritten(status);
  if (!result.ok()) {
    checkpointing_.Reset();
    return MeetDamage(result);
  }
  if (!status.ok()) return;  // Tried again later.
  Step(CheckpointTaken{store_.checkpoint().entry.sequence}, now);
}

std::optional<RequestResult> Replica::Step(Event event, Now now,
                                           std::vector<Done> done) {
  const ProtocolView before = ViewOf(*protocol_);
  const std::optional<ReplicaId> primary_before = protocol_->primary();
  const bool has_told = HasToldSuccessor();
  const Epoch candidate_before = ObserverNotes::CandidateEpoch(*protocol_);
  const PromotionBegun::Why why = ObserverNotes::WhyPromoted(event);
  stepped_ = now;
  Update update = protocol_->Step(std::move(event), now.wall);
  const std::string violation = Violation(before, ViewOf(*protocol_));
  LEDGERD_CHECK(violation.empty()) << violation;
  const std::optional<RequestResult> result = update.request;
  if (update.stepped_down && has_told) {
    successor_ticks_ = options_.timing.timeout_ticks;
  }
  if (protocol_->primary().has_value()) successor_ticks_ = 0;
  if (ObserverNotes::CandidateEpoch(*protocol_) > candidate_before) {
    notes_.NotePromotion(*protocol_, BegunWithout(last_primary_, why, now));
  }
  last_primary_ = protocol_->primary().value_or(last_primary_);
  Perform(std::move(update), std::move(done));
  // Whom reads were asked of says no more how far they have to wait.
  if (protocol_->primary() != primary_before) {
    reads_.AbandonAsked(NotServing());
  }
  return result;
}

PromotionBegun Replica::BegunWithout(ReplicaId primary, PromotionBegun::Why why,
                                     Now now) const {
  PromotionBegun begun = {.why = why};
  if (primary != options_.self) begun.old_primary = primary;
  if (const auto heard = heard_.find(primary); heard != heard_.end()) {
    begun.silence = now.steady - heard->second;
    begun.connected = true;
  }
  return begun;
}

// In the order of core/update.h.
void Replica::Perform(Update update, std::vector<Done> done) {
  Send(std::move(update.send_now));
  if (update.persist.has_value()) {
    Persist(*std::move(update.persist), std::move(done));
  }
  Send(std::move(update.send_after));
  Answer(update);
  for (const JournalRead& read : update.journal_reads) work_.ReadFor(read);
  for (const CheckpointOrder& order : update.send_checkpoints) {
    LEDGERD_CHECK(transport_ != nullptr);
    transport_->SendCheckpoint(order);
  }
  if (protocol_->halted()) {
    Halt(absl::DataLossError(
        "this replica's journal contradicts the group's, and it must not take "
        "part any more"));
  }
}

// A group of one voter has nobody to send to; Start has made sure of it.
void Replica::Send(std::vector<Message> messages) {
  for (Message& message : messages) {
    LEDGERD_CHECK(transport_ != nullptr);
    transport_->Send(std::move(message));
  }
}

void Replica::Answer(const Update& update) {
  if (commit_.sequence < update.commit) {
    const EntryId* const committed = protocol_->outline().Find(update.commit);
    LEDGERD_CHECK(committed != nullptr);
    commit_ = *committed;
  }
  if (update.stepped_down) {
    queue_.Disown(update.commit, halted() ? OutcomeUnknown(fault_) : Deposed());
  }
  for (const ReadReady& ready : update.reads_ready) {
    reads_.Ready(ready.read, ready.at_least);
  }
  for (const ReadId read : update.reads_refused) {
    reads_.Refuse(read, NotServing());
  }
}

void Replica::Persist(JournalWrite write, std::vector<Done> done) {
  given_out_ = write.id;
  if (write.install.has_value()) {
    installing_ = write.id;
    commit_ = *write.install;
    queue_.Abandon(Deposed());
    // What is being read back may be gone before it is read.
    queue_.Reset();
  }
  if (write.cut.has_value()) {
    notes_.NoteCut(*write.cut, journal_.last().sequence, write.id);
    queue_.CutFrom(*write.cut, Deposed());
  }
  std::vector<Entry> entries = write.entries;
  work_.Persist(std::move(write));
  if (!options_.keeps_state) return;
  done.resize(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    queue_.Add(std::move(entries[i]), std::move(done[i]));
  }
}

bool Replica::Apply() {
  if (halted() || installing_.has_value() || held_.has_value() ||
      checkpointing_.full() || !options_.keeps_state) {
    return false;
  }
  const bool replayed = replaying();
  const size_t events = queue_.Advance(commit_.sequence, kApplyEventsMax);
  checkpointing_.Advance(events);
  if (replayed && !replaying()) checkpointing_.AfterReplay();
  reads_.Advance(queue_.applied());
  return events >= kApplyEventsMax;
}

void Replica::CheckpointNow() {
  if (halted() || installing_.has_value() || held_.has_value() ||
      !options_.keeps_state) {
    return;
  }
  checkpointing_.Begin();
}

// Whoever is to take over is told before anything else.
void Replica::Halt(const absl::Status& fault) {
  if (halted()) return;
  fault_ = fault;
  if (!protocol_->halted()) Step(DiskFailed{}, stepped_);
  Abandon();
}

void Replica::End() {
  if (halted()) return;
  fault_ = absl::CancelledError("the process is ending");
  Abandon();
}

void Replica::Abandon() {
  successor_ticks_ = 0;
  queue_.Abandon(OutcomeUnknown(fault_));
  reads_.Abandon(NotServing());
  EndReplacement(absl::FailedPreconditionError("the replica has halted"));
}

absl::Status Replica::NotServing() const {
  if (halted()) {
    return MakeError(
        Reason::kNoPrimary,
        absl::StrCat("the replica has halted: ", fault_.message()));
  }
  const std::optional<ReplicaId> primary = protocol_->primary();
  if (primary.has_value() && *primary != options_.self) {
    return MakeError(Reason::kNotPrimary,
                     absl::StrCat("replica ", primary->value(),
                                  " is the primary, as far as this one knows"));
  }
  if (protocol_->membership().voter_count() > 1 && !IsPrimary()) {
    return MakeError(Reason::kNoPrimary,
                     "this replica knows no primary; try again soon");
  }
  return MakeError(Reason::kNoPrimary,
                   "the replica is replaying its journal; try again soon");
}

}  // namespace ledgerd::replication
