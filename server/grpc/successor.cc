#include "server/grpc/successor.h"

#include "absl/strings/str_cat.h"

#include "proto/membership.h"

namespace ledgerd::server {

using replication::PeerStatus;
using replication::ReplicaStatus;

bool IsAlive(const PeerStatus& peer) {
  return peer.connected && peer.since_heard.value_or(kAlive) < kAlive;
}

size_t OthersAlive(const ReplicaStatus& status) {
  size_t alive = 0;
  for (const PeerStatus& peer : status.peers) {
    const Member* member = status.membership.Find(peer.id);
    if (member != nullptr && member->votes() && IsAlive(peer)) ++alive;
  }
  return alive;
}

namespace {

// Who still replays has the entries, and could not serve for a while.
bool GoesBefore(const PeerStatus& a, const PeerStatus& b) {
  if (a.replaying != b.replaying) return b.replaying;
  return a.acknowledged > b.acknowledged;
}

}  // namespace

ReplicaId SuccessorOf(const ReplicaStatus& status) {
  const PeerStatus* best = nullptr;
  for (const PeerStatus& peer : status.peers) {
    const Member* member = status.membership.Find(peer.id);
    if (member == nullptr || member->role != MemberRole::kVoter) continue;
    if (!IsAlive(peer)) continue;
    if (best == nullptr || GoesBefore(peer, *best)) best = &peer;
  }
  return best == nullptr ? ReplicaId(0) : best->id;
}

std::string WhyRoleIsKept(const ReplicaStatus& status, Timestamp now) {
  if (status.membership.IsPausedAt(now)) {
    return "failover is paused, so operators alone say who is primary: no "
           "replica promotes until 'ledgerctl switchover' at a standby, or "
           "'ledgerctl resume' once there is a primary. Before the next stop: "
           "'ledgerctl switchover'";
  }
  const size_t others = OthersAlive(status);
  const size_t majority = status.membership.majority();
  if (others < majority) {
    return absl::StrCat(
        "without this replica the group cannot go on, whoever is primary: ",
        others, " of the other voters answer, and ", majority,
        " are needed. Writes stop until this one, or another, is back");
  }
  if (SuccessorOf(status) == ReplicaId(0)) {
    return "no other voter that may be primary answers";
  }
  return "";
}

}  // namespace ledgerd::server
