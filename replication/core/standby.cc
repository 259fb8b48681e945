// Standbys: what they take from a primary, and what they say of it.
#include <algorithm>
#include <utility>

#include "proto/base/check.h"
#include "replication/core/protocol.h"
#include "replication/core/weakened.h"

namespace ledgerd::replication {

void Protocol::BecomeStandby() {
  RefuseReads();
  Standby standby;
  standby.timeout_ticks = RandomTimeout();
  role_ = std::move(standby);
}

// Rule 6: whoever promises a higher epoch stops acknowledging older ones; what
// it has verified against their primaries counts no more.
void Protocol::AdoptEpoch(Epoch epoch) {
  LEDGERD_CHECK(epoch > promised_);
  promised_ = epoch;
  highest_seen_ = std::max(highest_seen_, epoch);
  SaveSuperblock();
  if (std::holds_alternative<Primary>(role_)) {
    if (Weakened(Rule::kPromiseEndsOlderEpochs)) return;
    StepDown();
    return;
  }
  RefuseReads();
  Standby standby;
  standby.timeout_ticks = RandomTimeout();
  const auto* before = std::get_if<Standby>(&role_);
  if (before != nullptr && Weakened(Rule::kPromiseEndsOlderEpochs)) {
    standby.verified = before->verified;
  }
  role_ = std::move(standby);
}

// Rule 2: lower epochs are refused, and told the own one.
bool Protocol::RefuseStale(const Message& message) {
  if (message.epoch >= promised_) return false;
  if (durable_promise_ > message.epoch) Answer(message, StaleEpoch{});
  return true;
}

bool Protocol::Follow(const Message& message) {
  if (message.epoch < promised_ && Weakened(Rule::kOlderEpochIsRefused)) {
    return std::holds_alternative<Standby>(role_);
  }
  if (RefuseStale(message)) return false;
  if (message.epoch > promised_) AdoptEpoch(message.epoch);
  LEDGERD_CHECK(!std::holds_alternative<Primary>(role_))
      << "two primaries in epoch " << promised_;
  if (std::holds_alternative<Candidate>(role_)) BecomeStandby();
  auto& standby = std::get<Standby>(role_);
  standby.primary = message.from;
  standby.promise_owed = false;
  standby.silent_ticks = 0;
  standby.asking.reset();
  alarms_.erase(Alarm::kPairWithoutPrimary);
  alarms_.erase(Alarm::kWaitsForDamaged);
  return true;
}

// ---- entries of somebody else's

bool Protocol::FindMeeting(const EntryId& previous,
                           const std::vector<Entry>& entries,
                           EntryId* at) const {
  if (outline_.Has(previous)) {
    *at = previous;
    return true;
  }
  // Begins below what is known here: they meet if it has the base.
  const EntryId& base = outline_.base();
  *at = base;
  return previous.sequence < base.sequence &&
         std::any_of(
             entries.begin(), entries.end(),
             [&base](const Entry& entry) { return entry.id() == base; });
}

// Rule 2: an append that matches never cuts anything, only a different entry at
// the same sequence does. False when nothing after it can be taken either.
bool Protocol::TakeEntry(Entry& entry, const EntryId& before) {
  if (entry.sequence() != before.sequence.Next() ||
      entry.previous_hash() != before.hash || entry.epoch() < before.epoch) {
    return false;
  }
  const EntryId* own = outline_.Find(entry.sequence());
  if (own != nullptr && *own == entry.id()) {
    if (damaged_.contains(entry.sequence())) {
      Write().repairs.push_back(std::move(entry));
    }
    return true;
  }
  if (own != nullptr) {
    // Rule 8.
    if (entry.sequence() <= commit_) {
      Halt(Alarm::kDiffersBelowCommit);
      return false;
    }
    if (Weakened(Rule::kDifferentTailIsCut)) return true;
    // One cut in one write: the rest comes again.
    if (!Write().entries.empty()) return false;
    Cut(entry.sequence());
  }
  AppendEntry(std::move(entry));
  return true;
}

Protocol::Accepted Protocol::Accept(const EntryId& previous,
                                    std::vector<Entry>& entries,
                                    Sequence limit) {
  Accepted accepted;
  EntryId at;
  if (!FindMeeting(previous, entries, &at)) {
    if (previous.sequence >= outline_.base().sequence &&
        previous.sequence <= commit_) {
      Halt(Alarm::kDiffersBelowCommit);
      return accepted;
    }
    accepted.last_common = outline_.LastNotAbove(previous);
    // They must meet at or above the commit point.
    const EntryId* committed = outline_.Find(commit_);
    if (committed != nullptr &&
        accepted.last_common.sequence < committed->sequence) {
      accepted.last_common = *committed;
    }
    return accepted;
  }
  for (Entry& entry : entries) {
    if (entry.sequence() <= at.sequence) continue;
    if (entry.sequence() > limit) break;
    const EntryId id = entry.id();
    if (!TakeEntry(entry, at)) break;
    at = id;
  }
  accepted.through = at;
  if (Weakened(Rule::kMatchNeverCuts) && at.sequence > commit_ &&
      outline_.last().sequence > at.sequence) {
    Cut(at.sequence.Next());
  }
  return accepted;
}

void Protocol::OnMessage(const Message& message, Append& body) {
  if (!Follow(message)) return;
  const EntryId previous = body.previous;
  const Accepted accepted =
      Accept(previous, body.entries, Sequence(UINT64_MAX));
  auto* standby = std::get_if<Standby>(&role_);
  if (standby == nullptr) return;  // Halted.
  standby->primary_commit = std::max(standby->primary_commit, body.commit);
  if (!accepted.through.has_value()) {
    Answer(message, Mismatch{previous, accepted.last_common});
    return;
  }
  standby->verified = std::max(standby->verified, accepted.through->sequence);
  AdvanceStandbyCommit();
  PayDebt();
  SayWhereItStands(message);
  Acknowledge(/*again=*/true);
}

// ---- what a standby says

// Who may acknowledge nothing says what it has got, or what was lost on the way
// to it would never come again.
void Protocol::SayWhereItStands(const Message& message) {
  if (!recalling_.has_value() && !debt_.has_value()) return;
  Answer(message, Matched{std::get<Standby>(role_).verified});
}

bool Protocol::MaySpeak() const {
  if (durable_promise_ != promised_) return false;
  if (Weakened(Rule::kOldDiskDoesNotVote)) return true;
  return !recalling_.has_value() && !debt_.has_value();
}

// Rule 2: the highest that is both verified against this epoch's primary and
// durable.
Sequence Protocol::AcknowledgeableOf(const Standby& standby) const {
  const Sequence verified = Weakened(Rule::kAcknowledgedIsVerified)
                                ? outline_.last().sequence
                                : standby.verified;
  if (Weakened(Rule::kAcknowledgedIsDurable)) return verified;
  return std::min(verified, DurableAndWhole());
}

// `again`: also when it has been said before, if there is nothing to wait for.
void Protocol::Acknowledge(bool again) {
  auto& standby = std::get<Standby>(role_);
  PayDebt();
  if (!standby.primary.has_value() || !MaySpeak()) return;
  const Sequence through = AcknowledgeableOf(standby);
  const bool news = through > standby.acknowledged;
  if (!news && !(again && through == standby.verified)) return;
  standby.acknowledged = std::max(standby.acknowledged, through);
  // The primary may have been added by an entry that is not here yet.
  update_.send_after.push_back(MakeMessage(*standby.primary,
                                           IncarnationOf(*standby.primary),
                                           Acknowledged{through}));
}

// Rule 3: up to what is verified and durable here, no further.
void Protocol::AdvanceStandbyCommit() {
  const auto& standby = std::get<Standby>(role_);
  const Sequence known = Weakened(Rule::kCommitVerifiedOnly)
                             ? durable_
                             : std::min(standby.verified, DurableAndWhole());
  commit_ = std::max(commit_, std::min(standby.primary_commit, known));
}

// Rule 4, 5.
void Protocol::OnMessage(const Message& message, Heartbeat& body) {
  if (!Follow(message)) return;
  auto& standby = std::get<Standby>(role_);
  if (body.completed > standby.completed) {
    standby.completed = body.completed;
    standby.round_ticks = 0;
  }
  standby.primary_commit = std::max(standby.primary_commit, body.commit);
  releasable_ = std::max(releasable_, body.lowest_checkpoint);
  NoteAcknowledgedBy(message.from, std::min(body.durable, standby.verified));
  AdvanceStandbyCommit();
  PayDebt();
  if (!MaySpeak()) {
    SayWhereItStands(message);
    return;
  }
  HeartbeatAnswer answer;
  answer.round = body.round;
  answer.through = AcknowledgeableOf(standby);
  answer.received = standby.verified;
  answer.checkpoint = checkpoint_;
  answer.replaying = replaying_;
  standby.acknowledged = std::max(standby.acknowledged, answer.through);
  Answer(message, answer);
}

// ---- time

// Rule 5: heartbeats alone do not keep it loyal.
bool Protocol::IsLoyal(const Standby& standby) const {
  if (!standby.primary.has_value()) return false;
  const uint32_t ticks = Weakened(Rule::kLoyalToRoundsOnly)
                             ? standby.silent_ticks
                             : standby.round_ticks;
  return ticks < options_.timing.timeout_ticks;
}

void Protocol::TickStandby(Standby& standby) {
  ++standby.silent_ticks;
  ++standby.round_ticks;
  if (standby.asking.has_value() &&
      ++standby.asking->ticks % options_.timing.heartbeat_ticks == 0) {
    SendQuestions(*standby.asking);
  }
  if (standby.asked.has_value() &&
      ++standby.asked_ticks >= options_.timing.heartbeat_ticks) {
    AskForReads(standby);
  }
  if (standby.silent_ticks < standby.timeout_ticks) return;
  standby.timeout_ticks = RandomTimeout();
  LeavePrimary(standby);
}

// Rule 5: a process that is gone need not be waited for.
void Protocol::On(ConnectionBroken event) {
  if (recalling_.has_value()) recalling_->gone.insert(event.peer);
  if (auto* primary = std::get_if<Primary>(&role_); primary != nullptr) {
    const auto peer = primary->peers.find(event.peer);
    if (peer != primary->peers.end()) peer->second.silent_ticks.reset();
    return;
  }
  auto* standby = std::get_if<Standby>(&role_);
  if (standby == nullptr || standby->primary != event.peer) return;
  LeavePrimary(*standby);
}

void Protocol::LeavePrimary(Standby& standby) {
  const bool gives_way = GivesWay(standby);
  standby.silent_ticks = 0;
  standby.primary.reset();
  RefuseReads();
  if (!gives_way) Ask();
}

// Who still replays its journal would be primary long before it could serve. So
// it lets one timeout pass in which another one may ask; the next time it has
// no primary to leave, and asks.
bool Protocol::GivesWay(const Standby& standby) const {
  if (!replaying_ || !standby.primary.has_value()) return false;
  const std::vector<Member>& members = membership_.members;
  return std::any_of(members.begin(), members.end(), [&](const Member& member) {
    return member.role == MemberRole::kVoter && member.id != options_.self &&
           member.id != *standby.primary;
  });
}

}  // namespace ledgerd::replication
