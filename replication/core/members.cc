// Who is a member, and who is to be primary by an operator's will (rules 11 to
// 13 and 15).
#include <algorithm>
#include <utility>

#include "proto/base/check.h"
#include "replication/core/protocol.h"
#include "replication/core/weakened.h"

namespace ledgerd::replication {

// ---- membership

bool Protocol::IsChangePending() const {
  return membership_.since.sequence > commit_;
}

void Protocol::AppendMembership(EntryKind kind, const Membership& next) {
  Seal(MakeMembershipCommand(kind, next));
  UpdatePeers();
  update_.request = RequestResult{Refusal::kNone, outline_.last().sequence};
  SendEverywhere();
}

// Rule 11: one voter added or removed at a time, after the epoch's start is
// committed, with no change pending.
void Protocol::On(MembershipRequested event) {
  const bool serving =
      is_primary() || (Weakened(Rule::kMembershipAfterEpochStart) &&
                       std::holds_alternative<Primary>(role_));
  if (!serving) {
    Refuse(Refusal::kNotPrimary);
    return;
  }
  if (IsChangePending() && !Weakened(Rule::kOneMembershipChangePending)) {
    Refuse(Refusal::kChangePending);
    return;
  }
  Membership next = membership_;
  if (const Refusal refusal = Apply(event, &next); refusal != Refusal::kNone) {
    Refuse(refusal);
    return;
  }
  AppendMembership(EntryKind::kMembership, next);
}

Refusal Protocol::Apply(const MembershipRequested& request,
                        Membership* next) const {
  const auto member =
      std::find_if(next->members.begin(), next->members.end(),
                   [&request](const Member& m) { return m.id == request.id; });
  switch (request.change) {
    case MembershipChange::kAddLearner:
    case MembershipChange::kAddWitness:
      return Add(request, next);
    case MembershipChange::kMakeVoter: {
      if (member == next->members.end() ||
          member->role != MemberRole::kLearner) {
        return Refusal::kNoSuchMember;
      }
      const auto& peers = std::get<Primary>(role_).peers;
      const auto known = peers.find(request.id);
      // No learner leads: it is another one.
      LEDGERD_CHECK(known != peers.end());
      const Progress& peer = known->second;
      // All that there is has been sent to it, and not much of that is on its
      // way still.
      if (peer.state != Progress::State::kStreaming || peer.reading ||
          peer.acknowledged == Sequence(0) ||
          peer.next <= outline_.last().sequence ||
          peer.in_flight_bytes > options_.flow.in_flight_bytes_max / 4) {
        return Refusal::kNotCaughtUp;
      }
      member->role = MemberRole::kVoter;
      return Refusal::kNone;
    }
    case MembershipChange::kRemove:
      if (member == next->members.end()) return Refusal::kNoSuchMember;
      next->members.erase(member);
      return CheckWhoIsLeft(*next);
  }
  return Refusal::kNoSuchMember;
}

// A membership holds at once, and only its voters can undo it: one whose
// majority is not there would end the group for good.
Refusal Protocol::CheckWhoIsLeft(const Membership& next) const {
  const auto& peers = std::get<Primary>(role_).peers;
  bool may_promote = false;
  size_t living = 0;
  for (const Member& member : next.members) {
    may_promote = may_promote || member.role == MemberRole::kVoter;
    if (!member.votes()) continue;
    const auto peer = peers.find(member.id);
    const bool is_heard = peer != peers.end() && IsHeard(peer->second);
    if (member.id == options_.self || is_heard) ++living;
  }
  if (!may_promote) return Refusal::kLastVoter;
  return living < next.majority() ? Refusal::kNoLivingMajority : Refusal::kNone;
}

// Ids are not used again, but by a new incarnation.
Refusal Protocol::Add(const MembershipRequested& request,
                      Membership* next) const {
  if (next->Find(request.id) != nullptr) return Refusal::kIdInUse;
  const bool used = std::any_of(
      removed_.begin(), removed_.end(), [&request](const Member& member) {
        return member.id == request.id &&
               member.incarnation >= request.incarnation;
      });
  if (used) return Refusal::kIdInUse;
  if (next->members.size() == kMembersMax) return Refusal::kTooManyMembers;
  Member member;
  member.id = request.id;
  member.incarnation = request.incarnation;
  member.role = request.change == MembershipChange::kAddWitness
                    ? MemberRole::kWitness
                    : MemberRole::kLearner;
  next->members.insert(
      std::find_if(next->members.begin(), next->members.end(),
                   [&member](const Member& m) { return m.id > member.id; }),
      member);
  // A witness votes at once, and has nothing yet. A lone voter has no other way
  // to become two.
  const bool votes_now = member.votes() && membership_.voter_count() > 1;
  return votes_now ? CheckWhoIsLeft(*next) : Refusal::kNone;
}

// A primary that has removed itself hands over to whoever has most.
void Protocol::OnMembershipCommitted() {
  auto& primary = std::get<Primary>(role_);
  if (MayPromote()) return;
  const Progress* best = nullptr;
  for (const auto& [id, peer] : primary.peers) {
    if (peer.member.role != MemberRole::kVoter) continue;
    if (best == nullptr || peer.acknowledged > best->acknowledged) {
      best = &peer;
    }
  }
  BeginRound();
  if (best != nullptr) Send(best->member, PromoteNow{});
  StepDown();
}

// ---- pause (rule 13)

void Protocol::On(PauseRequested event) {
  if (!is_primary()) {
    Refuse(Refusal::kNotPrimary);
    return;
  }
  if (IsChangePending()) {
    Refuse(Refusal::kChangePending);
    return;
  }
  Membership next = membership_;
  next.paused = event.paused;
  next.paused_until = event.paused ? event.until : Timestamp(0);
  AppendMembership(EntryKind::kPause, next);
}

// ---- switchover (rule 12)

void Protocol::On(SwitchoverRequested event) {
  if (!takes_proposals()) {
    Refuse(Refusal::kNotPrimary);
    return;
  }
  auto& primary = std::get<Primary>(role_);
  const auto target = primary.peers.find(event.target);
  if (target == primary.peers.end()) {
    Refuse(Refusal::kNoSuchMember);
    return;
  }
  if (target->second.member.role != MemberRole::kVoter) {
    Refuse(Refusal::kNotAVoter);
    return;
  }
  const uint32_t ticks =
      event.ticks == 0 ? options_.timing.switchover_ticks : event.ticks;
  primary.switchover = Switchover{
      .target = event.target, .ticks_left = ticks, .failed = event.failed};
  update_.request = RequestResult{};
  HandOverIfReached();
}

// New writes are held meanwhile, so its last sequence stays where it is.
void Protocol::HandOverIfReached() {
  auto& primary = std::get<Primary>(role_);
  if (!primary.switchover.has_value() || primary.switchover->told) return;
  const auto target = primary.peers.find(primary.switchover->target);
  if (target == primary.peers.end()) {
    primary.switchover.reset();
    return;
  }
  if (target->second.acknowledged < outline_.last().sequence) return;
  primary.switchover->told = true;
  Send(target->second.member, PromoteNow{.failed = primary.switchover->failed});
}

void Protocol::OnMessage(const Message& message, PromoteNow& /*body*/) {
  if (!Follow(message) || !MayPromote() || !MaySpeak()) return;
  StartPromotion();
}

// Sent to a standby while no primary is known, also when paused: an ordinary
// promotion by majority, with nothing to lose.
void Protocol::On(PromotionRequested /*event*/) {
  const auto* standby = std::get_if<Standby>(&role_);
  if (halted()) {
    Refuse(Refusal::kHalted);
    return;
  }
  if (!MayPromote()) {
    Refuse(Refusal::kNotAVoter);
    return;
  }
  if (recalling_.has_value() || debt_.has_value()) {
    Refuse(Refusal::kAsksFirst);
    return;
  }
  if (standby == nullptr || IsLoyal(*standby)) {
    Refuse(Refusal::kHasPrimary);
    return;
  }
  update_.request = RequestResult{};
  StartPromotion();
}

// Rule 15: the membership {self} under a higher fork, synced before anything is
// said in it.
void Protocol::On(ForcePromotionRequested /*event*/) {
  if (is_primary()) {
    Refuse(Refusal::kHasPrimary);
    return;
  }
  const Member* member = self();
  if (halted() || member == nullptr) {
    Refuse(Refusal::kHalted);
    return;
  }
  if (member->role == MemberRole::kWitness) {
    Refuse(Refusal::kNotAVoter);
    return;
  }
  Member alone = *member;
  alone.role = MemberRole::kVoter;
  for (const Member& other : membership_.members) {
    if (other.id != alone.id) removed_.push_back(other);
  }
  if (std::holds_alternative<Primary>(role_)) StepDown();
  membership_.since = outline_.last();
  membership_.members = {alone};
  membership_before_ = membership_;
  fork_ = fork_.Next();
  recalling_.reset();
  debt_.reset();
  StartPromotion();
  std::get<Candidate>(role_).forced = true;
  update_.request = RequestResult{};
}

}  // namespace ledgerd::replication
