// Rule 14: a replica that has restarted asks the others what they have seen
// from it, before it promises or acknowledges anything. A disk that came back
// older than that is silent until it has caught up.
#include <algorithm>
#include <tuple>
#include <utility>

#include "replication/core/protocol.h"
#include "replication/core/weakened.h"

namespace ledgerd::replication {
namespace {

// How many timeouts it waits for those who do not answer, and whose processes
// are not known to be gone.
constexpr uint32_t kRecallTimeouts = 10;

// Whether the envelope of such a message says what its sender has promised.
bool SpeaksForItsPromise(const Body& body) {
  return std::holds_alternative<Promise>(body) ||
         std::holds_alternative<Acknowledged>(body) ||
         std::holds_alternative<HeartbeatAnswer>(body) ||
         std::holds_alternative<PromiseRequest>(body) ||
         std::holds_alternative<Append>(body) ||
         std::holds_alternative<Heartbeat>(body);
}

}  // namespace

bool Protocol::IsNewer(const Membership& a, const Membership& b) {
  return std::tie(a.since.epoch, a.since.sequence) >
         std::tie(b.since.epoch, b.since.sequence);
}

Incarnation Protocol::IncarnationOf(ReplicaId id) const {
  if (id == options_.self) return options_.incarnation;
  const auto seen = seen_.find(id);
  return seen == seen_.end() ? Incarnation(0) : seen->second.incarnation;
}

void Protocol::NoteSeen(const Message& message) {
  Seen& seen = seen_[message.from];
  if (message.from_incarnation < seen.incarnation) return;
  if (message.from_incarnation > seen.incarnation) {
    seen = Seen{message.from_incarnation, {}};
  }
  if (!SpeaksForItsPromise(message.body)) return;
  Recalled& recalled = seen.recalled;
  recalled.promise = std::max(recalled.promise, message.epoch);
  // What is said to a primary that is none any more counts for nothing.
  if (!std::holds_alternative<Primary>(role_) || message.epoch != promised_) {
    return;
  }
  if (const auto* said = std::get_if<Acknowledged>(&message.body)) {
    NoteAcknowledgedBy(message.from, said->through);
  } else if (const auto* beat = std::get_if<HeartbeatAnswer>(&message.body)) {
    NoteAcknowledgedBy(message.from, beat->through);
  }
}

// It has the entry there that this journal has. By that entry's epoch first: an
// old disk may hold more entries, of an older epoch, than it has acknowledged
// since.
void Protocol::NoteAcknowledgedBy(ReplicaId id, Sequence through) {
  const EntryId* entry = outline_.Find(through);
  if (entry == nullptr) return;
  Recalled& recalled = seen_[id].recalled;
  if (std::tie(entry->epoch, through) <=
      std::tie(recalled.acknowledged_epoch, recalled.acknowledged)) {
    return;
  }
  recalled.acknowledged_epoch = entry->epoch;
  recalled.acknowledged = through;
}

// Who knows of nobody else has nobody to ask. A learner has something to
// remember, and one who is no member: by an entry that its disk has forgotten
// it may have voted. So has a lone voter whose learners may be voters since.
void Protocol::StartRecall() {
  const std::vector<Member>& members = membership_.members;
  const bool others = std::any_of(
      members.begin(), members.end(),
      [this](const Member& member) { return member.id != options_.self; });
  if (!others) return;
  recalling_ = Recalling{};
  AskForRecall();
}

// A lone voter has nothing to wait for.
void Protocol::PromoteIfAlone() {
  if (membership_.voter_count() > 1 || !MayPromote() ||
      NewestMembership().voter_count() > 1 || primary().has_value()) {
    return;
  }
  if (!recalling_.has_value() && !debt_.has_value()) StartPromotion();
}

// Learners too: they may be voters by an entry that is not here yet. And those
// again who have answered: they may have become voters since.
void Protocol::AskForRecall() {
  for (const Member& member : NewestMembership().members) {
    if (member.id != options_.self) Send(member, Recall{options_.process});
  }
}

void Protocol::TickRecall() {
  if (++recalling_->ticks % options_.timing.heartbeat_ticks == 0) {
    AskForRecall();
  }
  FinishRecallIfKnown();
}

void Protocol::OnMessage(const Message& message, Recall& body) {
  Recalled recalled = RecalledOf(message.from, message.from_incarnation);
  recalled.asked_by = body.process;
  Answer(message, std::move(recalled));
}

Recalled Protocol::RecalledOf(ReplicaId id, Incarnation incarnation) const {
  Recalled recalled;
  const auto seen = seen_.find(id);
  if (seen != seen_.end() && seen->second.incarnation == incarnation) {
    recalled = seen->second.recalled;
  }
  recalled.membership = membership_;
  return recalled;
}

void Protocol::OnMessage(const Message& message, Recalled& body) {
  LearnMembership(std::move(body.membership));
  if (!recalling_.has_value()) return;
  // Late, for a process before this: that one may have said more since.
  if (body.asked_by != options_.process &&
      !Weakened(Rule::kRecalledAnswersThisProcess)) {
    return;
  }
  recalling_->answered.insert(message.from);
  Recalled& highest = recalling_->highest;
  highest.promise = std::max(highest.promise, body.promise);
  if (std::tie(body.acknowledged_epoch, body.acknowledged) >
      std::tie(highest.acknowledged_epoch, highest.acknowledged)) {
    highest.acknowledged_epoch = body.acknowledged_epoch;
    highest.acknowledged = body.acknowledged;
  }
  FinishRecallIfKnown();
}

// Who lives answers, however late: in that time any connection is made anew.
// One whose process is gone has forgotten, and so has one with another disk.
bool Protocol::IsWaitedFor(const Member& member) const {
  const Recalling& recalling = *recalling_;
  if (member.id == options_.self || recalling.answered.contains(member.id)) {
    return false;
  }
  return !recalling.gone.contains(member.id) &&
         IncarnationOf(member.id) <= member.incarnation &&
         recalling.ticks < kRecallTimeouts * options_.timing.timeout_ticks;
}

// All have answered, or a majority of the voters with this one, and none of the
// others is waited for: learners may be voters since.
bool Protocol::IsRecallKnown() const {
  const Membership& asked = NewestMembership();
  const auto heard = static_cast<size_t>(std::count_if(
      asked.members.begin(), asked.members.end(), [this](const Member& member) {
        return member.votes() &&
               IncarnationOf(member.id) == member.incarnation &&
               (member.id == options_.self ||
                recalling_->answered.contains(member.id));
      }));
  const bool had_time = recalling_->ticks >= options_.timing.timeout_ticks;
  if (Weakened(Rule::kWhoLivesIsWaitedFor)) {
    return heard >= asked.voter_count() ||
           (heard >= asked.majority() && had_time);
  }
  const bool waits =
      std::any_of(asked.members.begin(), asked.members.end(),
                  [this](const Member& member) { return IsWaitedFor(member); });
  return heard >= asked.majority() && !waits &&
         (had_time || heard >= asked.voter_count());
}

void Protocol::FinishRecallIfKnown() {
  if (!IsRecallKnown()) return;
  const Recalled highest = recalling_->highest;
  recalling_.reset();
  if (highest.promise > promised_) AdoptEpoch(highest.promise);
  const EntryId& last = outline_.last();
  if (std::tie(last.epoch, last.sequence) <
      std::tie(highest.acknowledged_epoch, highest.acknowledged)) {
    debt_ = highest;
    alarms_.insert(Alarm::kDiskIsOld);
  }
  PromoteIfAlone();
}

// It has again, and verified, what it once acknowledged; or a later epoch's
// entries in its place.
void Protocol::PayDebt() {
  if (!debt_.has_value()) return;
  const auto& standby = std::get<Standby>(role_);
  const Sequence has = std::min(standby.verified, DurableAndWhole());
  const EntryId* id = outline_.Find(has);
  if (id == nullptr ||
      std::tie(id->epoch, has) <
          std::tie(debt_->acknowledged_epoch, debt_->acknowledged)) {
    return;
  }
  debt_.reset();
  alarms_.erase(Alarm::kDiskIsOld);
}

}  // namespace ledgerd::replication
