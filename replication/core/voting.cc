// What a replica does for a candidate: it leaves the primary or not, promises,
// and lends its journal (rules 5 and 6).
#include <tuple>
#include <utility>

#include "replication/core/protocol.h"
#include "replication/core/weakened.h"

namespace ledgerd::replication {
namespace {

// Of two who ask at the same time, the one that the other gives way to.
bool GoesFirst(const EntryId& last, ReplicaId id, const EntryId& other_last,
               ReplicaId other_id) {
  return std::tie(other_last.epoch, other_last.sequence, id) <
         std::tie(last.epoch, last.sequence, other_id);
}

}  // namespace

// Rule 11: by what is committed here. It was removed, perhaps so long ago that
// all have forgotten; or it has been added by an entry that is not here yet.
bool Protocol::IsNoMember(const Message& message) const {
  if (membership_.members.empty() || IsChangePending()) return false;
  const Member* from = membership_.Find(message.from);
  return from == nullptr || from->incarnation != message.from_incarnation;
}

// One that is followed, or this one.
bool Protocol::HasPrimary() const {
  if (std::holds_alternative<Primary>(role_)) return true;
  const auto* standby = std::get_if<Standby>(&role_);
  return standby != nullptr && IsLoyal(*standby);
}

// Rule 5. Nothing is promised by it, so nothing has to be durable.
void Protocol::OnMessage(const Message& message, WouldYouLeave& body) {
  // So that it knows if it was removed.
  if (IsNoMember(message)) {
    Answer(message, RecalledOf(message.from, message.from_incarnation));
  }
  auto* standby = std::get_if<Standby>(&role_);
  bool yes = standby != nullptr && body.epoch > promised_ &&
             !recalling_.has_value() && !debt_.has_value() &&
             !IsLoyal(*standby);
  // Rule 13. Who has more may know that the pause is over.
  if (yes && membership_.IsPausedAt(now_)) {
    yes = GoesFirst(body.last, message.from, outline_.last(), message.from);
  }
  if (yes && standby->asking.has_value()) {
    yes = GoesFirst(body.last, message.from, outline_.last(), options_.self);
    // Once: who asks on may hear no answer.
    if (yes && standby->gave_way_for != body.epoch) {
      standby->gave_way_for = body.epoch;
      standby->asking.reset();
      standby->silent_ticks = 0;
    }
  }
  Answer(message, WouldLeave{body.epoch, yes});
}

void Protocol::OnMessage(const Message& message, PromiseRequest& /*body*/) {
  if (RefuseStale(message)) return;
  // Rule 11. Had it been added since by another primary, this one would not be
  // followed for long.
  if (IsNoMember(message) && HasPrimary()) {
    Answer(message, RecalledOf(message.from, message.from_incarnation));
    return;
  }
  if (recalling_.has_value() || debt_.has_value()) {
    if (!Weakened(Rule::kOldDiskDoesNotVote)) return;
  }
  const bool fresh = message.epoch > promised_;
  if (fresh) AdoptEpoch(message.epoch);
  auto* standby = std::get_if<Standby>(&role_);
  if (standby == nullptr) {
    if (Weakened(Rule::kPromiseEndsOlderEpochs)) {
      Answer(message, DescribeJournal());
    }
    return;
  }
  // Rule 6: one promise in an epoch. What this process does not remember may
  // have been promised before it restarted.
  if (!fresh && standby->promised_to != message.from &&
      !Weakened(Rule::kOnePromiseAnEpoch)) {
    return;
  }
  standby->promised_to = message.from;
  standby->promise_owed = true;
  if (Weakened(Rule::kPromiseIsSynced)) durable_promise_ = promised_;
  GivePromise();
}

// What is durable at this moment, never what is in flight (rule 1).
Promise Protocol::DescribeJournal() const {
  Promise promise;
  promise.base = outline_.base();
  promise.last = DurableLast();
  promise.commit = commit_;
  promise.damaged.assign(damaged_.begin(), damaged_.end());
  promise.membership = membership_.since.sequence <= promise.last.sequence
                           ? membership_
                           : membership_before_;
  return promise;
}

void Protocol::GivePromise() {
  auto& standby = std::get<Standby>(role_);
  // Not while a checkpoint is being installed.
  const bool installed = outline_.base().sequence <= durable_;
  if (!standby.promise_owed || !MaySpeak() || !installed) return;
  standby.promise_owed = false;
  const ReplicaId to = *standby.promised_to;
  update_.send_after.push_back(
      MakeMessage(to, IncarnationOf(to), DescribeJournal()));
}

// ---- the source of a journal: it keeps it as it is while its promise is the
// candidate's.

bool Protocol::IsMySource(const Message& message) const {
  const auto* standby = std::get_if<Standby>(&role_);
  return standby != nullptr && message.epoch == promised_ &&
         durable_promise_ == promised_ && standby->promised_to == message.from;
}

void Protocol::OnMessage(const Message& message, Fetch& body) {
  if (RefuseStale(message) || !IsMySource(message)) return;
  const bool below = body.previous.sequence < outline_.base().sequence;
  if (!below && !outline_.Has(body.previous)) {
    Answer(message,
           FetchMismatch{body.previous, outline_.LastNotAbove(body.previous)});
    return;
  }
  JournalRead read;
  read.to = message.from;
  read.epoch = promised_;
  read.from = body.previous.sequence.Next();
  read.through = body.through;
  read.bytes_max = options_.flow.message_bytes_max;
  read.fetch = true;
  read.previous = body.previous;
  update_.journal_reads.push_back(read);
}

void Protocol::AnswerFetch(EntriesRead& event) {
  const auto* standby = std::get_if<Standby>(&role_);
  if (standby == nullptr || event.read.epoch != promised_ ||
      standby->promised_to != event.read.to) {
    return;
  }
  const Incarnation incarnation = IncarnationOf(event.read.to);
  Body body;
  if (event.entries.empty()) {
    // The journal begins above it.
    body = FetchMismatch{event.read.previous, outline_.base()};
  } else {
    body = Fetched{event.previous, std::move(event.entries)};
  }
  update_.send_after.push_back(
      MakeMessage(event.read.to, incarnation, std::move(body)));
}

void Protocol::OnMessage(const Message& message, FetchCheckpoint& /*body*/) {
  if (RefuseStale(message) || !IsMySource(message)) return;
  // A second order would begin anew.
  auto& standby = std::get<Standby>(role_);
  if (std::exchange(standby.sending_checkpoint, true)) return;
  update_.send_checkpoints.push_back({message.from, promised_});
}

}  // namespace ledgerd::replication
