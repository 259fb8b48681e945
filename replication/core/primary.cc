// The primary: what is committed, who follows it still, and what may be read
// (rules 3, 4, 7 and 10).
#include <algorithm>
#include <utility>
#include <vector>

#include "proto/base/check.h"
#include "replication/core/protocol.h"
#include "replication/core/weakened.h"

namespace ledgerd::replication {

bool Protocol::IsServing(const Primary& primary) const {
  return commit_ >= primary.start || Weakened(Rule::kServeAfterEpochStart);
}

Progress* Protocol::PeerOf(const Message& message) {
  auto* primary = std::get_if<Primary>(&role_);
  if (primary == nullptr || message.epoch != promised_) return nullptr;
  const auto peer = primary->peers.find(message.from);
  if (peer == primary->peers.end() ||
      peer->second.member.incarnation != message.from_incarnation) {
    return nullptr;
  }
  return &peer->second;
}

bool Protocol::IsHeard(const Progress& peer) const {
  return peer.silent_ticks.has_value() &&
         *peer.silent_ticks < options_.timing.timeout_ticks;
}

void Protocol::StepDown() {
  const auto& primary = std::get<Primary>(role_);
  for (const PendingRead& read : primary.reads) {
    if (read.from == options_.self) update_.reads_refused.push_back(read.read);
  }
  update_.stepped_down = true;
  BecomeStandby();
}

// ---- commit

template <typename T, typename F>
T Protocol::ReachedByMajority(const Membership& membership, T own,
                              F&& of) const {
  const auto& peers = std::get<Primary>(role_).peers;
  std::vector<T> reached;
  reached.reserve(membership.members.size());
  for (const Member& member : membership.members) {
    if (!member.votes()) continue;
    if (member.id == options_.self) {
      reached.push_back(own);
    } else if (const auto at = peers.find(member.id); at != peers.end()) {
      reached.push_back(of(at->second));
    } else {
      reached.push_back(T());
    }
  }
  if (reached.empty()) return T();
  std::sort(reached.rbegin(), reached.rend());
  const size_t majority =
      Weakened(Rule::kMajority) ? 1 : reached.size() / 2 + 1;
  return reached[majority - 1];
}

// Rule 3: acknowledged by a majority, and of this epoch; what is older is
// committed by it, never by counting.
void Protocol::AdvanceCommit() {
  const auto& primary = std::get<Primary>(role_);
  const Membership& counted = Weakened(Rule::kMembershipHoldsAtOnce) &&
                                      membership_.since.sequence > commit_
                                  ? membership_before_
                                  : membership_;
  const Sequence own =
      Weakened(Rule::kBeginSynced) ? last().sequence : DurableAndWhole();
  const Sequence reached = ReachedByMajority(
      counted, own, [](const Progress& peer) { return peer.acknowledged; });
  if (reached <= commit_) return;
  const EntryId* id = outline_.Find(std::min(reached, last().sequence));
  LEDGERD_CHECK(id != nullptr);
  if (id->epoch != promised_ && !Weakened(Rule::kCommitOwnEpochOnly)) return;
  const bool changes = membership_.since.sequence > commit_ &&
                       membership_.since.sequence <= id->sequence;
  commit_ = id->sequence;
  if (commit_ >= primary.start) AnswerReads();
  if (changes) OnMembershipCommitted();
}

void Protocol::OnMessage(const Message& message, Acknowledged& body) {
  Progress* peer = PeerOf(message);
  if (peer == nullptr) return;
  NoteAcknowledged(*peer, body.through);
  AdvanceCommit();
  if (!std::holds_alternative<Primary>(role_)) return;
  HandOverIfReached();
  if (peer->state != Progress::State::kInstalling) Pump(*peer);
}

// ---- rounds

// Rule 4: heartbeats, each of which begins a round.
void Protocol::BeginRound() {
  auto& primary = std::get<Primary>(role_);
  primary.round = primary.round.Next();
  primary.heartbeat_ticks = 0;
  Heartbeat heartbeat;
  heartbeat.commit = commit_;
  heartbeat.round = primary.round;
  heartbeat.completed = primary.completed;
  heartbeat.answered_through = primary.answered_through;
  heartbeat.wall = now_;
  heartbeat.durable = DurableAndWhole();
  heartbeat.lowest_checkpoint = checkpoint_;
  for (const auto& [id, peer] : primary.peers) {
    if (peer.member.role != MemberRole::kVoter) continue;
    heartbeat.lowest_checkpoint =
        std::min(heartbeat.lowest_checkpoint, peer.checkpoint);
  }
  for (const auto& [id, peer] : primary.peers) Send(peer.member, heartbeat);
  CompleteRounds();
}

void Protocol::CompleteRounds() {
  auto& primary = std::get<Primary>(role_);
  const Round reached =
      ReachedByMajority(membership_, primary.round,
                        [](const Progress& peer) { return peer.round; });
  if (reached <= primary.completed) return;
  primary.completed = reached;
  primary.round_ticks = 0;
  AnswerReads();
}

void Protocol::OnMessage(const Message& message, HeartbeatAnswer& body) {
  Progress* peer = PeerOf(message);
  if (peer == nullptr) return;
  peer->round = std::max(peer->round, body.round);
  peer->silent_ticks = 0;
  peer->checkpoint = std::max(peer->checkpoint, body.checkpoint);
  peer->replaying = body.replaying;
  NoteAcknowledged(*peer, body.through);
  NoteReceived(*peer, body.received);
  // It may have ended the probing.
  Pump(*peer);
  CompleteRounds();
  AdvanceCommit();
  if (std::holds_alternative<Primary>(role_)) HandOverIfReached();
}

void Protocol::TickPrimary(const Tick& tick) {
  auto& primary = std::get<Primary>(role_);
  primary.answered_through =
      std::max(primary.answered_through, tick.answered_through);
  for (auto& [id, peer] : primary.peers) {
    if (peer.silent_ticks.has_value()) ++*peer.silent_ticks;
  }
  // Rule 7. A lone voter has itself.
  if (++primary.round_ticks >= options_.timing.timeout_ticks &&
      membership_.majority() > 1 && !Weakened(Rule::kPrimaryStepsDown)) {
    StepDown();
    return;
  }
  if (primary.switchover.has_value() && --primary.switchover->ticks_left == 0) {
    primary.switchover.reset();
  }
  for (auto& [id, peer] : primary.peers) ++peer.repeat_ticks;
  primary.progressing = tick.progressing;
  if (!tick.progressing) return;
  primary.heartbeat_ticks += tick.passed;
  if (primary.heartbeat_ticks < options_.timing.heartbeat_ticks) return;
  BeginRound();
  for (auto& [id, peer] : primary.peers) {
    if (peer.state == Progress::State::kProbing && !peer.reading) Probe(peer);
  }
}

// ---- reads (rule 10)

void Protocol::On(ReadArrived event) {
  if (std::holds_alternative<Primary>(role_)) {
    AddRead(event.read, options_.self);
    return;
  }
  auto* standby = std::get_if<Standby>(&role_);
  if (standby == nullptr || !standby->primary.has_value()) {
    update_.reads_refused.push_back(event.read);
    return;
  }
  standby->reads.push_back(event.read);
  if (!standby->asked.has_value()) AskForReads(*standby);
}

// One question for all that wait, and one on its way: however many reads come,
// they are no flood of messages. It is asked again until it is answered.
void Protocol::AskForReads(Standby& standby) {
  if (standby.reads.empty()) return;
  const ReplicaId to = *standby.primary;
  standby.asked = standby.reads.back();
  standby.asked_ticks = 0;
  update_.send_now.push_back(
      MakeMessage(to, IncarnationOf(to), ReadIndex{*standby.asked}));
}

// There is nobody to ask any more.
void Protocol::RefuseReads() {
  auto* standby = std::get_if<Standby>(&role_);
  if (standby == nullptr) return;
  for (const ReadId read : standby->reads) {
    update_.reads_refused.push_back(read);
  }
  standby->reads.clear();
  standby->asked.reset();
}

// Needs a round that began after it arrived; reads share rounds.
void Protocol::AddRead(ReadId read, ReplicaId from) {
  auto& primary = std::get<Primary>(role_);
  const bool started =
      commit_ >= primary.start || Weakened(Rule::kReadAfterEpochStart);
  if (Weakened(Rule::kReadAfterRound)) {
    update_.reads_ready.push_back({read, commit_});
    return;
  }
  PendingRead pending{read, from, started ? commit_ : primary.start,
                      primary.round.Next()};
  if (Weakened(Rule::kReadRoundBeganLater)) pending.round = primary.round;
  primary.reads.push_back(pending);
  BeginRoundForReads();
  AnswerReads();
}

void Protocol::AnswerReads() {
  auto& primary = std::get<Primary>(role_);
  if (commit_ < primary.start && !Weakened(Rule::kReadAfterEpochStart)) return;
  while (!primary.reads.empty() &&
         primary.reads.front().round <= primary.completed) {
    const PendingRead read = primary.reads.front();
    primary.reads.pop_front();
    if (read.from == options_.self) {
      update_.reads_ready.push_back({read.read, read.at_least});
    } else if (const auto peer = primary.peers.find(read.from);
               peer != primary.peers.end()) {
      update_.send_after.push_back(
          MakeMessage(read.from, peer->second.member.incarnation,
                      ReadIndexAnswer{read.read, true, read.at_least}));
    }
  }
  const bool waiting =
      !primary.reads.empty() && primary.reads.front().round > primary.round;
  if (waiting) BeginRoundForReads();
}

// Not while its threads are stuck: rounds would keep it in power, however long
// its journal hangs (rule 4).
void Protocol::BeginRoundForReads() {
  const auto& primary = std::get<Primary>(role_);
  if (primary.round == primary.completed && primary.progressing) BeginRound();
}

void Protocol::OnMessage(const Message& message, ReadIndex& body) {
  if (PeerOf(message) == nullptr) {
    Answer(message, ReadIndexAnswer{body.read, false, Sequence(0)});
    return;
  }
  AddRead(body.read, message.from);
}

// All reads up to that one had arrived when it was asked about. One that was
// not asked about here is of the process before: its clock may have gone back
// since, and its reads have the higher numbers.
void Protocol::OnMessage(const Message& /*message*/, ReadIndexAnswer& body) {
  auto* standby = std::get_if<Standby>(&role_);
  if (standby == nullptr) return;
  if (!standby->asked.has_value() || *standby->asked < body.read) return;
  while (!standby->reads.empty() && standby->reads.front() <= body.read) {
    if (body.ok) {
      update_.reads_ready.push_back({standby->reads.front(), body.at_least});
    } else {
      update_.reads_refused.push_back(standby->reads.front());
    }
    standby->reads.pop_front();
  }
  if (body.read < *standby->asked) return;
  standby->asked.reset();
  if (standby->primary.has_value()) AskForReads(*standby);
}

}  // namespace ledgerd::replication
