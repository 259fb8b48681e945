#include "replication/core/protocol.h"

#include <algorithm>
#include <utility>

#include "proto/base/check.h"
#include "replication/core/weakened.h"

namespace ledgerd::replication {
namespace {

// That of the two which the journal bears out.
bool Holds(const Membership& membership, const Outline& outline) {
  return membership.since.sequence <= outline.base().sequence ||
         outline.Has(membership.since);
}

}  // namespace

Protocol::Protocol(const Options& options, DurableState state)
    : options_(options),
      random_(options.seed),
      fork_(state.fork),
      durable_fork_(state.fork),
      promised_(std::max(state.promised, state.outline.last().epoch)),
      durable_promise_(promised_),
      highest_seen_(promised_),
      membership_(Holds(state.membership, state.outline)
                      ? std::move(state.membership)
                      : state.membership_before),
      membership_before_(std::move(state.membership_before)),
      outline_(std::move(state.outline)),
      last_timestamp_(state.last_timestamp),
      durable_(outline_.last().sequence),
      commit_(std::max(state.commit, outline_.base().sequence)),
      checkpoint_(state.checkpoint),
      damaged_(state.damaged.begin(), state.damaged.end()),
      given_up_(IsGivenUp(state.membership)) {
  LEDGERD_CHECK(commit_ <= durable_);
  NoteRemoved(membership_before_);
}

Update Protocol::Step(Event event, Timestamp now) {
  now_ = now;
  update_ = Update{};
  std::visit([this](auto& e) { On(std::move(e)); }, event);
  FinishWrite();
  // A primary may know that more is committed than it has on its own disk; a
  // state that is ahead of its journal could not be opened again.
  update_.commit = std::min(commit_, durable_);
  return std::move(update_);
}

// ---- events

void Protocol::On(Started /*event*/) {
  LEDGERD_CHECK(std::holds_alternative<Idle>(role_));
  if (given_up_) {
    Halt(Alarm::kForkedOff);
    return;
  }
  NoteVoters();
  BecomeStandby();
  if (Weakened(Rule::kRestartEndsEpoch) && last().epoch == promised_ &&
      promised_ > Epoch(0)) {
    role_ = Primary{};
    UpdatePeers();
    return;
  }
  StartRecall();
  PromoteIfAlone();
}

void Protocol::On(Tick event) {
  replaying_ = event.replaying;
  if (recalling_.has_value()) TickRecall();
  if (auto* standby = std::get_if<Standby>(&role_)) {
    TickStandby(*standby);
  } else if (auto* candidate = std::get_if<Candidate>(&role_)) {
    TickCandidate(*candidate);
  } else if (std::holds_alternative<Primary>(role_)) {
    TickPrimary(event);
  }
}

void Protocol::On(Received event) {
  if (!MayListenTo(event.message)) return;
  highest_seen_ = std::max(highest_seen_, event.message.epoch);
  if (recalling_.has_value()) recalling_->gone.erase(event.message.from);
  NoteSeen(event.message);
  std::visit([this, &event](auto& body) { OnMessage(event.message, body); },
             event.message.body);
}

void Protocol::On(Persisted event) {
  if (writes_.empty() || writes_.front().id > event.write) return;
  while (!writes_.empty() && writes_.front().id <= event.write) {
    const PendingWrite& write = writes_.front();
    durable_ = std::max(durable_, write.through);
    durable_promise_ = write.promised;
    durable_fork_ = write.fork;
    for (const Sequence sequence : write.repaired) damaged_.erase(sequence);
    writes_.pop_front();
  }
  // Its base is that of a checkpoint, which is committed.
  if (outline_.base().sequence <= durable_) {
    commit_ = std::max(commit_, outline_.base().sequence);
  }
  if (std::holds_alternative<Standby>(role_)) {
    PayDebt();
    GivePromise();
    Acknowledge(/*again=*/false);
    AdvanceStandbyCommit();
  } else if (std::holds_alternative<Candidate>(role_)) {
    AskForPromises();
    Continue();
  } else if (std::holds_alternative<Primary>(role_)) {
    AdvanceCommit();
    if (std::holds_alternative<Primary>(role_)) SendEverywhere();
  }
}

void Protocol::On(Proposed event) {
  LEDGERD_CHECK(takes_proposals());
  Write().entries.reserve(event.commands.size());
  for (Command& command : event.commands) Seal(std::move(command));
  SendEverywhere();
}

void Protocol::On(EntriesRead event) {
  if (event.read.fetch) {
    AnswerFetch(event);
  } else {
    SendRead(event);
  }
}

void Protocol::On(CheckpointTaken event) {
  checkpoint_ = std::max(checkpoint_, event.checkpoint);
  // What is not committed may have to be compared with others' still.
  outline_.ReleaseTo(std::min(checkpoint_, commit_));
}

// Rule 9. A sender that may not send any more is refused: its epoch is not the
// promised one, or it is neither the primary nor this candidate's source.
void Protocol::On(CheckpointReceived event) {
  if (event.epoch != promised_ || halted()) return;
  const auto* candidate = std::get_if<Candidate>(&role_);
  const auto* standby = std::get_if<Standby>(&role_);
  const bool from_source = candidate != nullptr &&
                           candidate->best.has_value() &&
                           candidate->best->source == event.from;
  const bool from_primary =
      standby != nullptr && standby->primary == event.from;
  const Sequence at = event.checkpoint.sequence;
  if ((!from_source && !from_primary) || at <= commit_ ||
      outline_.Has(event.checkpoint)) {
    return;
  }
  // Its own entries above the commit point may differ; what is in their place
  // is durable when the checkpoint is installed.
  durable_ = std::min(durable_, commit_);
  for (PendingWrite& write : writes_) {
    write.through = std::min(write.through, durable_);
  }
  outline_ = Outline(event.checkpoint, {});
  damaged_.clear();
  checkpoint_ = at;
  last_timestamp_ = event.timestamp;
  membership_before_ = event.membership;
  membership_ = std::move(event.membership);
  SaveSuperblock();
  Write().install = event.checkpoint;
  if (from_source) {
    auto& promoting = std::get<Candidate>(role_);
    promoting.wants_checkpoint = false;
    promoting.fetching = false;
    promoting.fetch_after = event.checkpoint;
  } else {
    auto& following = std::get<Standby>(role_);
    following.verified = std::max(following.verified, at);
  }
}

// ---- whom to listen to

// Rule 15.
bool Protocol::ListensToFork(const Message& message) {
  if (message.fork == fork_) return true;
  if (message.fork < fork_) {
    if (Weakened(Rule::kHigherForkOnly)) return true;
    Answer(message, StaleEpoch{});
    return false;
  }
  // A new incarnation has nothing that another fork could contradict.
  if (outline_.last().sequence > Sequence(0)) {
    GiveUp();
    return false;
  }
  fork_ = message.fork;
  durable_fork_ = fork_;
  SaveSuperblock();
  return true;
}

// Rule 11: a removed replica's messages are ignored, and those for another disk
// or from an older one than is known. A replica or a disk that is not known yet
// may have been added by an entry that is not here.
bool Protocol::MayListenTo(const Message& message) {
  if (halted() || std::holds_alternative<Idle>(role_)) return false;
  if (message.to != options_.self ||
      message.to_incarnation != options_.incarnation) {
    return false;
  }
  // Begins a fork, and is not sure of it before it is durable.
  if (durable_fork_ != fork_) return false;
  if (!ListensToFork(message)) return false;
  const Member* from = membership_.Find(message.from);
  if (from != nullptr && message.from_incarnation < from->incarnation) {
    return false;
  }
  // Not before its removal is committed, which it may be needed for, or which
  // may be rolled back. A primary that removes itself goes on for as long.
  const bool follows = primary() == message.from && message.epoch == promised_;
  const bool removed =
      from == nullptr && !follows && membership_.since.sequence <= commit_ &&
      std::any_of(removed_.begin(), removed_.end(), [&](const Member& member) {
        return member.id == message.from &&
               member.incarnation == message.from_incarnation;
      });
  return !removed;
}

// ---- writes

JournalWrite& Protocol::Write() {
  if (!update_.persist.has_value()) {
    update_.persist.emplace();
    last_write_ = last_write_.Next();
    update_.persist->id = last_write_;
  }
  return *update_.persist;
}

void Protocol::FinishWrite() {
  if (superblock_changed_) {
    Write().superblock =
        given_up_ ? SuperblockWrite{promised_, fork_, GivenUp(), membership_}
                  : SuperblockWrite{promised_, fork_, membership_,
                                    membership_before_};
    superblock_changed_ = false;
  }
  if (!update_.persist.has_value()) return;
  PendingWrite pending;
  pending.id = update_.persist->id;
  pending.through = outline_.last().sequence;
  pending.promised = promised_;
  pending.fork = fork_;
  for (const Entry& repair : update_.persist->repairs) {
    pending.repaired.push_back(repair.sequence());
  }
  writes_.push_back(std::move(pending));
  update_.persist->commit = commit_;
}

void Protocol::AppendEntry(Entry entry) {
  TakeMembership(entry);
  last_timestamp_ = entry.timestamp();
  outline_.Append(entry.id());
  Write().entries.push_back(std::move(entry));
}

// Rule 8. A sync of what is cut now, which ends later, says nothing of what is
// written in its place (rule 1).
void Protocol::Cut(Sequence from) {
  LEDGERD_CHECK(!Write().cut.has_value() && Write().entries.empty());
  Write().cut = from;
  outline_.CutFrom(from);
  damaged_.erase(damaged_.lower_bound(from), damaged_.end());
  const Sequence end = outline_.last().sequence;
  durable_ = std::min(durable_, end);
  if (!Weakened(Rule::kSyncMatchesWhatItWrote)) {
    for (PendingWrite& write : writes_) {
      write.through = std::min(write.through, end);
    }
  }
  if (auto* standby = std::get_if<Standby>(&role_)) {
    standby->verified = std::min(standby->verified, end);
  }
  if (membership_.since.sequence >= from) {
    membership_ = membership_before_;
    removed_.erase(std::remove_if(removed_.begin(), removed_.end(),
                                  [this](const Member& member) {
                                    const Member* back =
                                        membership_.Find(member.id);
                                    return back != nullptr && *back == member;
                                  }),
                   removed_.end());
    NoteVoters();
    SaveSuperblock();
  }
}

// The final timestamp of an entry that takes n of them is max(last + n, wall
// clock): ledger.md, Time.
void Protocol::Seal(Command command) {
  const Timestamp after_last(last_timestamp_.value() + command.timestamp_count);
  const Timestamp timestamp = std::max(after_last, now_);
  LEDGERD_CHECK(timestamp <= kTimestampMax);
  Entry entry =
      Entry::Seal(std::move(command), promised_, timestamp, outline_.last());
  KeepRecent(entry);
  AppendEntry(std::move(entry));
}

// Rule 11: it holds from the moment the entry is in the journal.
void Protocol::TakeMembership(const Entry& entry) {
  if (!CarriesMembership(entry.kind())) return;
  absl::StatusOr<Membership> next = DecodeMembership(entry.payload());
  LEDGERD_CHECK(next.ok()) << next.status().message();
  next->since = entry.id();
  membership_before_ = std::move(membership_);
  membership_ = *std::move(next);
  NoteRemoved(membership_before_);
  NoteVoters();
  SaveSuperblock();
}

// Those of `before` who are no members any more.
void Protocol::NoteRemoved(const Membership& before) {
  for (const Member& member : before.members) {
    const Member* kept = membership_.Find(member.id);
    if (kept == nullptr || kept->incarnation != member.incarnation) {
      removed_.push_back(member);
    }
  }
}

// Four are allowed on the way from three to five.
void Protocol::NoteVoters() {
  if (membership_.voter_count() == 4) {
    alarms_.insert(Alarm::kFourVoters);
  } else {
    alarms_.erase(Alarm::kFourVoters);
  }
}

EntryId Protocol::DurableLast() const {
  const EntryId* id = outline_.Find(durable_);
  return id == nullptr ? outline_.base() : *id;
}

Sequence Protocol::DurableAndWhole() const {
  if (damaged_.empty()) return durable_;
  return std::min(durable_, Sequence(damaged_.begin()->value() - 1));
}

// ---- messages

// The envelope says what is durable, and nothing that is still on its way.
Message Protocol::MakeMessage(ReplicaId to, Incarnation incarnation,
                              Body body) const {
  Message message;
  message.from = options_.self;
  message.from_incarnation = options_.incarnation;
  message.to = to;
  message.to_incarnation = incarnation;
  message.fork = fork_;
  message.epoch = durable_promise_;
  message.body = std::move(body);
  return message;
}

void Protocol::Send(const Member& to, Body body) {
  update_.send_now.push_back(
      MakeMessage(to.id, to.incarnation, std::move(body)));
}

void Protocol::Answer(const Message& message, Body body) {
  update_.send_after.push_back(
      MakeMessage(message.from, message.from_incarnation, std::move(body)));
}

// ---- small things

void Protocol::Halt(Alarm alarm) {
  alarms_.insert(alarm);
  Halt();
}

void Protocol::Halt() {
  if (std::holds_alternative<Primary>(role_)) StepDown();
  RefuseReads();
  role_ = Halted{};
}

// Rule 15. For good: those who were given up may be a majority of the group
// that was, and may start again where nobody tells them so.
void Protocol::GiveUp() {
  Halt(Alarm::kForkedOff);
  given_up_ = true;
  SaveSuperblock();
}

void Protocol::Refuse(Refusal refusal) {
  update_.request = RequestResult{refusal, Sequence(0)};
}

// In [T, 2T]. SplitMix64.
uint32_t Protocol::RandomTimeout() {
  random_ += 0x9e3779b97f4a7c15;
  uint64_t z = random_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  z ^= z >> 31;
  const uint32_t timeout = options_.timing.timeout_ticks;
  return timeout + static_cast<uint32_t>(z % (timeout + 1));
}

// Witnesses and learners never.
bool Protocol::MayPromote() const {
  const Member* member = self();
  return member != nullptr && member->role == MemberRole::kVoter;
}

bool Protocol::is_primary() const {
  const auto* primary = std::get_if<Primary>(&role_);
  return primary != nullptr && IsServing(*primary);
}

bool Protocol::takes_proposals() const {
  return is_primary() && !std::get<Primary>(role_).switchover.has_value();
}

std::optional<ReplicaId> Protocol::primary() const {
  if (std::holds_alternative<Primary>(role_)) return options_.self;
  const auto* standby = std::get_if<Standby>(&role_);
  return standby == nullptr ? std::nullopt : standby->primary;
}

}  // namespace ledgerd::replication
