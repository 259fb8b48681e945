// A primary whose disk has failed names who is to take over, so that the others
// need not miss its heartbeats first (rule 12; counters.md, the fault counter).
#include <algorithm>
#include <tuple>
#include <utility>

#include "replication/core/protocol.h"

namespace ledgerd::replication {
namespace {

// Who still replays has the entries, and could not serve for a while.
bool GoesBefore(const Progress& a, const Progress& b) {
  return std::make_tuple(!a.replaying, a.acknowledged) >
         std::make_tuple(!b.replaying, b.acknowledged);
}

}  // namespace

// It says nothing of its last entries any more, which may not be on its disk.
// Which of them are committed is for the next primary to find out, in the
// journals of a majority: this is an ordinary promotion, but for the asking.
void Protocol::On(DiskFailed /*event*/) {
  if (halted()) return;
  const std::optional<ReplicaId> successor = NameSuccessor();
  Halt();
  std::get<Halted>(role_).successor = successor;
}

std::optional<ReplicaId> Protocol::NameSuccessor() {
  const auto* primary = std::get_if<Primary>(&role_);
  if (primary == nullptr) return std::nullopt;
  const Progress* successor = Successor(*primary);
  if (successor == nullptr) return std::nullopt;
  Send(successor->member, PromoteNow{.failed = true});
  return successor->member.id;
}

const Progress* Protocol::Successor(const Primary& primary) const {
  // Rule 13: while promotions are paused, operators say who is primary.
  if (membership_.IsPausedAt(now_)) return nullptr;
  // Two who promote at once are in each other's way.
  if (primary.switchover.has_value() && primary.switchover->told) {
    return nullptr;
  }
  const Progress* best = nullptr;
  size_t heard = 0;
  for (const auto& [id, peer] : primary.peers) {
    if (!peer.member.votes() || !IsHeard(peer)) continue;
    ++heard;
    if (peer.member.role != MemberRole::kVoter) continue;
    if (best == nullptr || GoesBefore(peer, *best)) best = &peer;
  }
  return heard < membership_.majority() ? nullptr : best;
}

}  // namespace ledgerd::replication
