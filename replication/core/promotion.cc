// Promotion: from asking whether the others would leave the primary too, to the
// new epoch's first entry (rules 5 and 6).
#include <algorithm>
#include <tuple>
#include <utility>

#include "proto/base/check.h"
#include "replication/core/protocol.h"
#include "replication/core/weakened.h"

namespace ledgerd::replication {
namespace {

// Rule 6: by epoch first, then by sequence.
bool IsBetter(const EntryId& a, const EntryId& b) {
  if (Weakened(Rule::kBestByEpochFirst)) return a.sequence > b.sequence;
  if (a.epoch != b.epoch) return a.epoch > b.epoch;
  return a.sequence > b.sequence;
}

bool IsWitness(const Membership& membership, ReplicaId id) {
  const Member* member = membership.Find(id);
  return member != nullptr && member->role == MemberRole::kWitness;
}

}  // namespace

// ---- asking (no epoch is spent)

void Protocol::Ask() {
  TellVoters();
  if (!MayAsk() || recalling_.has_value() || debt_.has_value()) return;
  if (membership_.IsPausedAt(now_)) return;
  const Membership& voters = NewestMembership();
  if (voters.voter_count() == 2) {
    alarms_.insert(Alarm::kPairWithoutPrimary);
    return;
  }
  auto& standby = std::get<Standby>(role_);
  Asking asking;
  asking.epoch = std::max(promised_, highest_seen_).Next();
  asking.yes.insert(options_.self);
  SendQuestions(asking);
  standby.asking = std::move(asking);
  if (voters.majority() == 1) StartPromotion();
}

// It may have been made a voter by an entry that is not here. What counts in
// the end is the membership of the best journal.
bool Protocol::MayAsk() const {
  const Member* member = NewestMembership().Find(options_.self);
  return member != nullptr && member->role == MemberRole::kVoter &&
         member->incarnation == options_.incarnation;
}

// What was told counts for as long as the journal may lack its entry: what is
// past it without having it comes of a primary that has rolled it back.
const Membership& Protocol::NewestMembership() const {
  const EntryId& since = told_.since;
  const EntryId& last = outline_.last();
  const bool ahead = std::tie(since.epoch, since.sequence) >
                     std::tie(last.epoch, last.sequence);
  return ahead ? told_ : membership_;
}

// Rule 11. Who is not to be primary by it any more stops asking.
void Protocol::LearnMembership(Membership membership) {
  if (!IsNewer(membership, told_)) return;
  told_ = std::move(membership);
  if (MayAsk()) return;
  if (auto* standby = std::get_if<Standby>(&role_)) standby->asking.reset();
  const auto* candidate = std::get_if<Candidate>(&role_);
  if (candidate != nullptr && !candidate->forced) BecomeStandby();
}

// A witness votes as soon as its entry is in a journal (rule 11), and never
// asks. But it may be a majority with one who does not know yet of it.
void Protocol::TellVoters() {
  const Member* own = self();
  if (own == nullptr || own->role != MemberRole::kWitness) return;
  for (const Member& member : membership_.members) {
    if (!member.votes() || member.id == options_.self) continue;
    Send(member, RecalledOf(member.id, member.incarnation));
  }
}

void Protocol::SendQuestions(const Asking& asking) {
  for (const Member& member : NewestMembership().members) {
    if (!member.votes() || member.id == options_.self) continue;
    if (asking.yes.contains(member.id)) continue;
    Send(member, WouldYouLeave{asking.epoch, outline_.last()});
  }
}

void Protocol::OnMessage(const Message& message, WouldLeave& body) {
  auto* standby = std::get_if<Standby>(&role_);
  if (standby == nullptr || !standby->asking.has_value()) return;
  Asking& asking = *standby->asking;
  const Membership& voters = NewestMembership();
  const Member* from = voters.Find(message.from);
  if (body.epoch != asking.epoch || !body.yes || from == nullptr ||
      !from->votes()) {
    return;
  }
  asking.yes.insert(message.from);
  if (asking.yes.size() >= voters.majority()) StartPromotion();
}

// ---- promises

void Protocol::StartPromotion() {
  RefuseReads();
  promised_ = std::max(promised_, highest_seen_).Next();
  highest_seen_ = promised_;
  SaveSuperblock();
  Candidate candidate;
  candidate.timeout_ticks = RandomTimeout();
  candidate.fetch_patience = options_.timing.heartbeat_ticks;
  role_ = std::move(candidate);
  if (Weakened(Rule::kOwnPromiseIsSynced)) {
    durable_promise_ = promised_;
    AskForPromises();
  }
}

void Protocol::AddOwnPromise(Candidate& candidate) {
  candidate.promises[options_.self] = DescribeJournal();
  candidate.givers[options_.self] = options_.incarnation;
}

// Once its own promise is durable, which all that came before it is then too.
void Protocol::AskForPromises() {
  auto& candidate = std::get<Candidate>(role_);
  if (candidate.asking || durable_promise_ != promised_) return;
  candidate.asking = true;
  candidate.asked.emplace(options_.self, options_.incarnation);
  AddOwnPromise(candidate);
  AskMembers(candidate, membership_);
  AskMembers(candidate, NewestMembership());
  Choose();
}

// Those who have not been asked yet.
void Protocol::AskMembers(Candidate& candidate, const Membership& membership) {
  for (const Member& member : membership.members) {
    if (member.votes() &&
        candidate.asked.emplace(member.id, member.incarnation).second) {
      Send(member, PromiseRequest{});
    }
  }
}

void Protocol::OnMessage(const Message& message, Promise& body) {
  auto* candidate = std::get_if<Candidate>(&role_);
  if (candidate == nullptr || !candidate->asking ||
      message.epoch != promised_) {
    return;
  }
  const bool chosen = candidate->best.has_value();
  Incarnation& giver = candidate->givers[message.from];
  if (message.from_incarnation < giver) return;
  giver = message.from_incarnation;
  if (body.membership.since.sequence <= body.commit) {
    LearnMembership(body.membership);
    if (!std::holds_alternative<Candidate>(role_)) return;
  }
  candidate->promises[message.from] = std::move(body);
  candidate->idle_ticks = 0;
  Choose();
  if (!chosen || !damaged_.empty()) Continue();
}

bool Protocol::HasMajority(const Membership& membership) const {
  const auto& givers = std::get<Candidate>(role_).givers;
  const auto promised =
      std::count_if(membership.members.begin(), membership.members.end(),
                    [&givers](const Member& member) {
                      const auto giver = givers.find(member.id);
                      return member.votes() && giver != givers.end() &&
                             giver->second == member.incarnation;
                    });
  if (Weakened(Rule::kMajority)) return promised > 0;
  return static_cast<size_t>(promised) >= membership.majority();
}

// Rule 6: the best journal among the answers; and the majority is one of the
// membership that it ends with.
void Protocol::Choose() {
  auto& candidate = std::get<Candidate>(role_);
  if (candidate.best.has_value()) return;
  ReplicaId source = options_.self;
  const Promise* best = &candidate.promises[source];
  for (const auto& [id, promise] : candidate.promises) {
    if (Weakened(Rule::kWitnessCountsAsBest) && IsWitness(membership_, id)) {
      continue;
    }
    if (!IsBetter(promise.last, best->last)) continue;
    source = id;
    best = &promise;
  }
  const Membership& counted = Weakened(Rule::kMajorityOfBestsMembership)
                                  ? membership_
                                  : best->membership;
  AskMembers(candidate, counted);
  const Member* own = counted.Find(options_.self);
  if (own == nullptr || own->role != MemberRole::kVoter) return;
  if (!HasMajority(counted)) return;
  candidate.best = Candidate::Best{source, best->base, best->last};
  candidate.fetch_after = outline_.LastNotAbove(best->last);
}

// ---- from the majority to the epoch's first entry

void Protocol::Continue() {
  auto* candidate = std::get_if<Candidate>(&role_);
  if (candidate == nullptr || !candidate->best.has_value()) return;
  const bool fetched =
      candidate->best->last == outline_.last() ||
      (Weakened(Rule::kDifferentTailIsCut) &&
       outline_.last().sequence >= candidate->best->last.sequence);
  if (!fetched && !Weakened(Rule::kBeginWhole)) {
    FetchMore(*candidate);
    return;
  }
  if (!damaged_.empty() && !Weakened(Rule::kBeginUndamaged)) {
    FetchDamaged(*candidate);
    return;
  }
  alarms_.erase(Alarm::kWaitsForDamaged);
  // Rule 6: syncs all of it.
  if ((!writes_.empty() || update_.persist.has_value()) &&
      !Weakened(Rule::kBeginSynced)) {
    return;
  }
  Begin();
}

// One at a time: what is asked for twice comes twice, and takes the place of
// what comes after it.
void Protocol::FetchMore(Candidate& candidate) {
  if (candidate.fetching) return;
  const Candidate::Best& best = *candidate.best;
  const auto promise = candidate.promises.find(best.source);
  const Member* source = promise->second.membership.Find(best.source);
  if (source == nullptr) source = membership_.Find(best.source);
  if (source == nullptr) return;
  candidate.fetching = true;
  candidate.fetch_ticks = 0;
  if (candidate.wants_checkpoint) {
    Send(*source, FetchCheckpoint{});
  } else {
    Send(*source, Fetch{candidate.fetch_after, best.last.sequence});
  }
}

// From any in the majority that has it whole. What nobody has there a missing
// replica may have: wait, and never guess.
void Protocol::FetchDamaged(Candidate& candidate) {
  const Sequence damaged = *damaged_.rbegin();
  const EntryId* before = outline_.Find(Sequence(damaged.value() - 1));
  LEDGERD_CHECK(before != nullptr);
  for (const auto& [id, promise] : candidate.promises) {
    const Member* member = membership_.Find(id);
    if (id == options_.self || member == nullptr ||
        promise.last.sequence < damaged ||
        std::count(promise.damaged.begin(), promise.damaged.end(), damaged) >
            0) {
      continue;
    }
    Send(*member, Fetch{*before, damaged});
    return;
  }
  alarms_.insert(Alarm::kWaitsForDamaged);
}

void Protocol::OnMessage(const Message& message, Fetched& body) {
  auto* candidate = std::get_if<Candidate>(&role_);
  // Rule 6: a fetched answer of an older attempt is thrown away.
  const bool late = message.epoch != promised_;
  if (candidate == nullptr || !candidate->best.has_value() ||
      (late && !Weakened(Rule::kLateFetchIsThrownAway))) {
    return;
  }
  const bool repair = candidate->best->last == outline_.last();
  const bool awaited =
      candidate->fetching && message.from == candidate->best->source &&
      body.previous.sequence == candidate->fetch_after.sequence;
  if (!awaited && !repair && !late) return;
  candidate->fetching = false;
  candidate->idle_ticks = 0;
  const Sequence limit =
      late ? Sequence(UINT64_MAX) : candidate->best->last.sequence;
  // Who is asked for a damaged entry may have another one there.
  if (repair) {
    std::erase_if(body.entries, [this](const Entry& entry) {
      return !outline_.Has(entry.id());
    });
  }
  const Accepted accepted = Accept(body.previous, body.entries, limit);
  if (halted()) return;
  if (repair) {
    // Its write ends in Continue.
    if (!update_.persist.has_value()) candidate->idle_ticks = 1;
    return;
  }
  if (accepted.through.has_value()) {
    candidate->fetch_after = *accepted.through;
  } else {
    candidate->wants_checkpoint = true;
  }
  Continue();
}

void Protocol::OnMessage(const Message& message, FetchMismatch& body) {
  auto* candidate = std::get_if<Candidate>(&role_);
  if (candidate == nullptr || !candidate->best.has_value() ||
      message.epoch != promised_ || message.from != candidate->best->source) {
    return;
  }
  if (!candidate->fetching || !(body.previous == candidate->fetch_after)) {
    return;
  }
  candidate->fetching = false;
  candidate->idle_ticks = 0;
  const EntryId& meeting = outline_.LastNotAbove(body.last_common);
  // No way down from there: the source's journal begins above it.
  candidate->wants_checkpoint =
      meeting == candidate->fetch_after || meeting.sequence < commit_;
  candidate->fetch_after = meeting;
  Continue();
}

// A higher promise seen on the way ends the attempt; and a primary's epoch.
void Protocol::OnMessage(const Message& message, StaleEpoch& /*body*/) {
  if (message.epoch <= promised_) return;
  if (std::holds_alternative<Candidate>(role_)) {
    BecomeStandby();
  } else if (std::holds_alternative<Primary>(role_)) {
    StepDown();
  }
}

void Protocol::TickCandidate(Candidate& candidate) {
  if (++candidate.idle_ticks >= candidate.timeout_ticks && !candidate.forced) {
    BecomeStandby();
    return;
  }
  // Lost, or only slow: each time it may take longer.
  if (candidate.fetching &&
      ++candidate.fetch_ticks >= candidate.fetch_patience) {
    candidate.fetching = false;
    candidate.fetch_patience =
        std::min(2 * candidate.fetch_patience, options_.timing.timeout_ticks);
  }
  if (!candidate.asking ||
      candidate.idle_ticks % options_.timing.heartbeat_ticks != 0) {
    return;
  }
  // Said again: something was lost.
  if (!candidate.best.has_value() || !damaged_.empty()) {
    candidate.asked.clear();
    candidate.asked.insert(candidate.givers.begin(), candidate.givers.end());
    AskMembers(candidate, membership_);
    AskMembers(candidate, NewestMembership());
    Choose();
  }
  Continue();
}

void Protocol::Begin() {
  const bool forced = std::get<Candidate>(role_).forced;
  alarms_.erase(Alarm::kPairWithoutPrimary);
  Primary primary;
  primary.start = outline_.last().sequence.Next();
  role_ = std::move(primary);
  UpdatePeers();
  if (!Weakened(Rule::kServeAfterEpochStart)) Seal(Command{});
  // Rule 15: replicas that are added later find it in the journal.
  if (forced) {
    Seal(MakeMembershipCommand(EntryKind::kMembership, membership_));
  }
  BeginRound();
  SendEverywhere();
}

}  // namespace ledgerd::replication
