#include "replication/replica.h"

#include <algorithm>
#include <string>
#include <utility>

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

absl::Status NotServing(const absl::Status& fault) {
  if (!fault.ok()) {
    return MakeError(Reason::kNoPrimary,
                     absl::StrCat("the replica has halted: ", fault.message()));
  }
  return MakeError(Reason::kNoPrimary,
                   "the replica is replaying its journal; try again soon");
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

Replica::Replica(ReplicaOptions options, const storage::Journal& journal,
                 storage::StateStore& store, const StateMachine& machine,
                 ReplicaWork& work)
    : options_(options),
      journal_(journal),
      store_(store),
      work_(work),
      queue_(store, machine, work),
      reads_(work),
      checkpointing_(options.checkpoint, store, work) {}

absl::Status Replica::Start(Now now) {
  LEDGERD_RETURN_IF_ERROR(CheckStateFitsJournal());
  const storage::AppliedPoint applied = store_.applied();
  DurableState state;
  state.promised = journal_.superblock().promised_epoch;
  state.last = journal_.last();
  state.last_timestamp = std::max(journal_.last_timestamp(), applied.timestamp);
  state.commit = applied.entry.sequence;
  commit_ = applied.entry;
  Group group;
  group.self = options_.self;
  group.voters = journal_.superblock().voters;
  protocol_.emplace(std::move(group), state);
  Step(Started{now.wall});
  return absl::OkStatus();
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

bool Replica::serving() const {
  return !halted() && protocol_->is_primary() &&
         queue_.applied() >= serves_from_;
}

bool Replica::WantsProposals() const {
  if (halted()) return true;  // To refuse them.
  return !checkpointing_.full() && queue_.added_bytes() < kPipelineBytesMax;
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
    if (!serving()) {
      proposal.done(NotServing(fault_));
    } else if (proposal.deadline <= now.steady) {
      proposal.done(WithReason(
          absl::DeadlineExceededError(
              "the deadline passed before the request was journalled; nothing "
              "was done"),
          Reason::kOverloaded));
    } else {
      commands.push_back(std::move(proposal.command));
      done.push_back(std::move(proposal.done));
    }
  }
  if (commands.empty()) return;
  Step(Proposed{std::move(commands), now.wall}, std::move(done));
}

void Replica::OnRead(ReadRequest request) {
  const auto level = request.freshness.level;
  if (halted() || (level == Freshness::Level::kLinearizable && !serving())) {
    request.begin(NotServing(fault_));
    return;
  }
  if (level == Freshness::Level::kMaxStaleness && !serving()) {
    request.begin(MakeError(
        Reason::kTooStale,
        "the replica is replaying its journal and knows not how far behind it "
        "is; try again soon"));
    return;
  }
  reads_.Add(std::move(request), commit_.sequence);
  reads_.Advance(queue_.applied());
}

void Replica::OnTick(Now now) {
  if (halted()) return;
  reads_.Expire(now.steady);
  checkpointing_.Retry(now.steady);
  Expire(now);
}

// ledger.md, Expiry: one such entry is outstanding at a time.
void Replica::Expire(Now now) {
  if (!serving() || draining_ || expiring_ || !WantsProposals()) return;
  const Timestamp next = store_.next_expiry();
  if (next == Timestamp(0) || next > now.wall) return;
  expiring_ = true;
  std::vector<Command> commands;
  commands.push_back(MakeExpireCommand());
  std::vector<Done> done;
  done.emplace_back(
      [this](const absl::StatusOr<EntryResult>&) { expiring_ = false; });
  Step(Proposed{std::move(commands), now.wall}, std::move(done));
}

void Replica::OnPromisePersisted(Epoch epoch, Now now) {
  if (halted()) return;
  Step(PromisePersisted{epoch, now.wall});
  serves_from_ = protocol_->last().sequence;
}

void Replica::OnEntriesPersisted(EntryId last) {
  if (halted()) return;
  persisted_ = last.sequence;
  Step(EntriesPersisted{last});
}

void Replica::OnFetched(
    Sequence sequence,
    absl::StatusOr<std::unique_ptr<storage::Fetched>> fetched) {
  if (halted()) return;
  const absl::Status status = queue_.OnFetched(sequence, std::move(fetched));
  if (!status.ok()) Halt(status);
}

void Replica::OnJournalRead(absl::StatusOr<std::vector<Entry>> entries) {
  if (halted()) return;
  const absl::Status status = queue_.OnJournalRead(std::move(entries));
  if (!status.ok()) Halt(status);
}

void Replica::OnCheckpointWritten(const absl::Status& status) {
  if (halted()) return;
  const absl::Status result = checkpointing_.OnWritten(status);
  if (!result.ok()) Halt(result);
}

void Replica::Step(Event event, std::vector<Done> done) {
  const ProtocolView before = ViewOf(*protocol_);
  Update update = protocol_->Step(std::move(event));
  const std::string violation = Violation(before, ViewOf(*protocol_));
  LEDGERD_CHECK(violation.empty()) << violation;
  Perform(std::move(update), std::move(done));
}

// In the order of core/update.h: persist, then apply and answer what is
// committed.
void Replica::Perform(Update update, std::vector<Done> done) {
  if (update.promise.has_value()) work_.PersistPromise(*update.promise);
  if (!update.entries.empty()) {
    done.resize(update.entries.size());
    given_out_ = update.entries.back().sequence();
    work_.PersistEntries(update.entries, update.commit);
    for (size_t i = 0; i < update.entries.size(); ++i) {
      uncommitted_.push_back(update.entries[i].id());
      queue_.Add(std::move(update.entries[i]), std::move(done[i]));
    }
  }
  while (!uncommitted_.empty() &&
         uncommitted_.front().sequence <= update.commit) {
    commit_ = uncommitted_.front();
    uncommitted_.pop_front();
  }
}

bool Replica::Apply() {
  if (halted() || checkpointing_.full()) return false;
  const size_t events = queue_.Advance(protocol_->commit(), kApplyEventsMax);
  checkpointing_.Advance(events);
  reads_.Advance(queue_.applied());
  return events >= kApplyEventsMax;
}

void Replica::CheckpointNow() {
  if (!halted()) checkpointing_.Begin();
}

void Replica::Halt(const absl::Status& fault) {
  if (halted()) return;
  fault_ = fault;
  queue_.Abandon(OutcomeUnknown(fault));
  reads_.Abandon(NotServing(fault));
}

ReplicaStatus Replica::status() const {
  ReplicaStatus status;
  status.replica = options_.self;
  status.role = halted()    ? Role::kHalted
                : serving() ? Role::kPrimary
                            : Role::kRecovering;
  status.epoch = protocol_->epoch();
  if (serving()) status.primary = options_.self;
  status.journal_first = journal_.first();
  status.journal_last = journal_.last().sequence;
  status.commit = commit_;
  status.applied = queue_.applied();
  status.checkpoint = store_.checkpoint().entry.sequence;
  status.state_hash = store_.state_hash();
  status.fault = fault_;
  return status;
}

}  // namespace ledgerd::replication
