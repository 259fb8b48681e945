// What a primary sends to whom: entries as they come to those who have all
// before, the journal to those behind, a checkpoint to those further behind
// (rules 2 and 9).
#include <algorithm>
#include <utility>

#include "replication/core/protocol.h"

namespace ledgerd::replication {
namespace {

// Its journal is equal up to `through`.
void NoteMatched(Progress& peer, Sequence through) {
  while (!peer.in_flight.empty() && peer.in_flight.front().through <= through) {
    peer.in_flight_bytes -= peer.in_flight.front().bytes;
    peer.in_flight.pop_front();
  }
  if (peer.state == Progress::State::kProbing && through.Next() >= peer.next) {
    peer.state = Progress::State::kStreaming;
    peer.next = through.Next();
    // What went with the question goes again, as it may have been lost.
    peer.in_flight.clear();
    peer.in_flight_bytes = 0;
  }
}

}  // namespace

// The members have changed, or the epoch begins.
void Protocol::UpdatePeers() {
  auto* primary = std::get_if<Primary>(&role_);
  if (primary == nullptr) return;
  std::map<ReplicaId, Progress> peers;
  for (const Member& member : membership_.members) {
    if (member.id == options_.self) continue;
    const auto known = primary->peers.find(member.id);
    Progress& peer = peers[member.id];
    if (known != primary->peers.end() &&
        known->second.member.incarnation == member.incarnation) {
      peer = std::move(known->second);
    } else {
      peer.next = outline_.last().sequence.Next();
    }
    peer.member = member;
  }
  primary->peers = std::move(peers);
}

void Protocol::KeepRecent(const Entry& entry) {
  auto& primary = std::get<Primary>(role_);
  if (primary.peers.empty()) {
    // Who is added later must not find a gap in it.
    primary.recent.clear();
    primary.recent_bytes = 0;
    return;
  }
  primary.recent.push_back(entry);
  primary.recent_bytes += entry.bytes().size();
  while (primary.recent_bytes > options_.flow.in_flight_bytes_max &&
         primary.recent.size() > 1) {
    primary.recent_bytes -= primary.recent.front().bytes().size();
    primary.recent.pop_front();
  }
}

void Protocol::SendEverywhere() {
  for (auto& [id, peer] : std::get<Primary>(role_).peers) {
    if (peer.state == Progress::State::kStreaming) {
      Pump(peer);
    } else if (peer.state == Progress::State::kProbing && !peer.asked &&
               !peer.reading) {
      Probe(peer);
    }
  }
}

// As much as is there and may be on its way.
void Protocol::Pump(Progress& peer) {
  while (peer.state == Progress::State::kStreaming && !peer.reading &&
         peer.next <= outline_.last().sequence &&
         peer.in_flight_bytes < options_.flow.in_flight_bytes_max) {
    if (SendRecent(peer)) continue;
    // The journal can only be read as far as it is durable.
    if (peer.next <= durable_) ReadFor(peer);
    break;
  }
}

bool Protocol::SendRecent(Progress& peer) {
  const auto& recent = std::get<Primary>(role_).recent;
  if (recent.empty() || peer.next < recent.front().sequence()) return false;
  const EntryId* previous = outline_.Find(Sequence(peer.next.value() - 1));
  if (previous == nullptr) return false;
  const size_t first = peer.next.value() - recent.front().sequence().value();
  std::vector<Entry> entries;
  uint64_t bytes = 0;
  for (size_t i = first; i < recent.size(); ++i) {
    bytes += recent[i].bytes().size();
    if (!entries.empty() && bytes > options_.flow.message_bytes_max) break;
    entries.push_back(recent[i]);
  }
  SendEntries(peer, *previous, std::move(entries));
  return true;
}

void Protocol::SendEntries(Progress& peer, const EntryId& previous,
                           std::vector<Entry> entries) {
  uint64_t bytes = 0;
  for (const Entry& entry : entries) bytes += entry.bytes().size();
  if (!entries.empty()) {
    const Sequence through = entries.back().sequence();
    peer.in_flight.push_back({through, bytes});
    peer.in_flight_bytes += bytes;
    peer.next = through.Next();
  }
  Send(peer.member, Append{previous, std::move(entries), commit_});
}

// Asks whether it has what comes before `next`; with the entries after it, if
// they are in memory.
void Protocol::Probe(Progress& peer) {
  peer.in_flight.clear();
  peer.in_flight_bytes = 0;
  const Sequence next = peer.next;
  const EntryId* previous = outline_.Find(Sequence(next.value() - 1));
  if (previous == nullptr) {
    ReadFor(peer);
    return;
  }
  // What was sent once with the question may be on its way still.
  if (peer.asked || !SendRecent(peer)) SendEntries(peer, *previous, {});
  peer.asked = true;
  // Until it has answered.
  peer.next = next;
}

void Protocol::ProbeAt(Progress& peer, Sequence next) {
  peer.state = Progress::State::kProbing;
  peer.next = next;
  peer.asked = false;
  Probe(peer);
}

void Protocol::ReadFor(Progress& peer) {
  JournalRead read;
  read.to = peer.member.id;
  read.epoch = promised_;
  read.from = peer.next;
  read.through = durable_;
  read.bytes_max = options_.flow.message_bytes_max;
  peer.reading = true;
  update_.journal_reads.push_back(read);
}

void Protocol::SendRead(EntriesRead& event) {
  auto* primary = std::get_if<Primary>(&role_);
  if (primary == nullptr || event.read.epoch != promised_) return;
  const auto at = primary->peers.find(event.read.to);
  if (at == primary->peers.end()) return;
  Progress& peer = at->second;
  peer.reading = false;
  if (event.read.from != peer.next) {  // It has said more since.
    Pump(peer);
    return;
  }
  if (event.entries.empty()) {
    peer.state = Progress::State::kInstalling;
    update_.send_checkpoints.push_back({peer.member.id, promised_});
    return;
  }
  const bool probing = peer.state == Progress::State::kProbing;
  const Sequence next = peer.next;
  SendEntries(peer, event.previous, std::move(event.entries));
  if (probing) {
    peer.next = next;
  } else {
    Pump(peer);
  }
}

void Protocol::NoteAcknowledged(Progress& peer, Sequence through) {
  // What it says is of this epoch: it is equal up to there.
  peer.acknowledged = std::max(peer.acknowledged, through);
  NoteMatched(peer, through);
}

// How often it may say the same while more is on its way. The first time may be
// about what was so before that was sent; and heartbeats overtake entries, so
// each full message of these is given another heartbeat's time.
uint64_t Protocol::PatienceWith(const Progress& peer) const {
  const uint64_t messages = std::min<uint64_t>(
      peer.in_flight.size(),
      peer.in_flight_bytes / options_.flow.message_bytes_max);
  const Timing& timing = options_.timing;
  return 1 + std::min<uint64_t>(messages,
                                timing.timeout_ticks / timing.heartbeat_ticks);
}

// The same said again and again while more has been sent: that was lost. Many
// answers at once, as reads cause them, or as one gives them that stood still,
// say it once.
void Protocol::NoteReceived(Progress& peer, Sequence received) {
  if (received != peer.received || received.Next() >= peer.next) {
    peer.received = received;
    peer.repeats = 0;
    peer.repeat_ticks = 0;
  } else if (peer.repeat_ticks + 1 >= options_.timing.heartbeat_ticks) {
    ++peer.repeats;
    peer.repeat_ticks = 0;
  }
  if (peer.state != Progress::State::kStreaming || peer.reading ||
      peer.repeats <= PatienceWith(peer)) {
    return;
  }
  peer.repeats = 0;
  ProbeAt(peer, std::max(received, peer.acknowledged).Next());
}

void Protocol::OnMessage(const Message& message, Matched& body) {
  Progress* peer = PeerOf(message);
  if (peer == nullptr) return;
  NoteMatched(*peer, body.through);
  NoteReceived(*peer, body.through);
  Pump(*peer);
}

// The first that a replica lacks whose journal may be equal up to `hint`.
Sequence Protocol::NextFor(const EntryId& hint) const {
  const EntryId& base = outline_.base();
  if (hint.sequence < base.sequence) return hint.sequence.Next();
  const EntryId& meeting = outline_.LastNotAbove(hint);
  const bool may_meet =
      !(meeting == base) || hint == base ||
      (hint.sequence > base.sequence && hint.epoch >= base.epoch);
  // Else they differ at the base already: from the disk, or a checkpoint.
  return may_meet ? meeting.sequence.Next() : base.sequence;
}

// Rule 2: goes back to where it may be equal.
void Protocol::OnMessage(const Message& message, Mismatch& body) {
  Progress* peer = PeerOf(message);
  if (peer == nullptr || peer->reading ||
      peer->state == Progress::State::kInstalling ||
      outline_.last().sequence < body.previous.sequence) {
    return;
  }
  Sequence next = NextFor(body.last_common);
  // It has another entry there, which the journal's outline may not reach.
  if (body.last_common.sequence == body.previous.sequence) {
    next = std::min(next, body.previous.sequence);
  }
  ProbeAt(*peer, std::max(next, Sequence(1)));
}

// Wherever it stands now, it will say.
void Protocol::On(CheckpointSent event) {
  if (auto* standby = std::get_if<Standby>(&role_);
      standby != nullptr && standby->promised_to == event.to) {
    standby->sending_checkpoint = false;
  }
  auto* primary = std::get_if<Primary>(&role_);
  if (primary == nullptr) return;
  const auto peer = primary->peers.find(event.to);
  if (peer == primary->peers.end() ||
      peer->second.state != Progress::State::kInstalling) {
    return;
  }
  ProbeAt(peer->second, outline_.last().sequence.Next());
}

}  // namespace ledgerd::replication
