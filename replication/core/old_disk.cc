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
  Sequence through;
  if (const auto* said = std::get_if<Acknowledged>(&message.body)) {
    through = said->through;
  } else if (const auto* beat = std::get_if<HeartbeatAnswer>(&message.body)) {
    through = beat->through;
  } else {
    return;
  }
  if (message.epoch > recalled.acknowledged_in) {
    recalled.acknowledged_in = message.epoch;
    recalled.acknowledged = through;
  } else if (message.epoch == recalled.acknowledged_in) {
    recalled.acknowledged = std::max(recalled.acknowledged, through);
  }
}

// Who knows of no group has nothing to remember. A learner has, and one who is
// no member: by an entry that its disk has forgotten it may have voted.
void Protocol::StartRecall() {
  const Member* own = self();
  const bool lone =
      own != nullptr && own->votes() && membership_.voter_count() == 1;
  if (lone || membership_.members.empty()) return;
  recalling_ = Recalling{};
  AskForRecall();
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
  if (IsNewer(body.membership, told_)) told_ = std::move(body.membership);
  if (!recalling_.has_value()) return;
  // Late, for a process before this: that one may have said more since.
  if (body.asked_by != options_.process &&
      !Weakened(Rule::kRecalledAnswersThisProcess)) {
    return;
  }
  recalling_->answered.insert(message.from);
  Recalled& highest = recalling_->highest;
  highest.promise = std::max(highest.promise, body.promise);
  if (std::tie(body.acknowledged_in, body.acknowledged) >
      std::tie(highest.acknowledged_in, highest.acknowledged)) {
    highest.acknowledged_in = body.acknowledged_in;
    highest.acknowledged = body.acknowledged;
  }
  FinishRecallIfKnown();
}

// All have answered; or a majority with this one, and the others had time to.
void Protocol::FinishRecallIfKnown() {
  const Membership& asked = NewestMembership();
  const auto heard = static_cast<size_t>(std::count_if(
      asked.members.begin(), asked.members.end(), [this](const Member& member) {
        return member.votes() &&
               IncarnationOf(member.id) == member.incarnation &&
               (member.id == options_.self ||
                recalling_->answered.contains(member.id));
      }));
  const bool all = heard >= asked.voter_count();
  const bool enough = heard >= asked.majority() &&
                      recalling_->ticks >= options_.timing.timeout_ticks;
  if (!all && !enough) return;
  const Recalled highest = recalling_->highest;
  recalling_.reset();
  if (highest.promise > promised_) AdoptEpoch(highest.promise);
  const EntryId& last = outline_.last();
  if (last.epoch <= highest.acknowledged_in &&
      last.sequence < highest.acknowledged) {
    debt_ = highest;
    alarms_.insert(Alarm::kDiskIsOld);
  }
}

// It has again, and verified, what it once acknowledged; or a later epoch's
// entries in its place.
void Protocol::PayDebt() {
  if (!debt_.has_value()) return;
  const auto& standby = std::get<Standby>(role_);
  const Sequence has = std::min(standby.verified, DurableAndWhole());
  const EntryId* id = outline_.Find(has);
  const bool newer = id != nullptr && id->epoch > debt_->acknowledged_in;
  if (has < debt_->acknowledged && !newer) return;
  debt_.reset();
  alarms_.erase(Alarm::kDiskIsOld);
}

}  // namespace ledgerd::replication
