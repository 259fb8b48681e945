// What a replica says of itself (replica.h).
#include <chrono>
#include <variant>

#include "replication/replica.h"

namespace ledgerd::replication {

Role Replica::RoleNow() const {
  if (halted()) return Role::kHalted;
  if (serving()) return Role::kPrimary;
  const Membership& membership = protocol_->membership();
  const Member* self = membership.Find(options_.self);
  // Not a member yet, or not any more.
  if (self == nullptr || self->incarnation != options_.incarnation) {
    return Role::kLearner;
  }
  if (self->role == MemberRole::kWitness) return Role::kWitness;
  if (self->role == MemberRole::kLearner) return Role::kLearner;
  if (membership.voter_count() == 1) return Role::kRecovering;
  if (std::holds_alternative<Candidate>(protocol_->role())) {
    return Role::kPromoting;
  }
  if (std::holds_alternative<Standby>(protocol_->role())) {
    return Role::kStandby;
  }
  return Role::kRecovering;
}

PeerStatus Replica::StatusOf(const Member& peer) const {
  PeerStatus status;
  status.id = peer.id;
  if (const auto heard = heard_.find(peer.id); heard != heard_.end()) {
    status.connected = true;
    status.since_heard = std::chrono::duration_cast<std::chrono::milliseconds>(
        now_ - heard->second);
  }
  if (const auto* primary = std::get_if<Primary>(&protocol_->role())) {
    const auto progress = primary->peers.find(peer.id);
    if (progress != primary->peers.end()) {
      status.acknowledged = progress->second.acknowledged;
      status.checkpoint = progress->second.checkpoint;
      status.replaying = progress->second.replaying;
    }
  }
  return status;
}

ReplicaStatus Replica::status() const {
  ReplicaStatus status;
  FillStatus(status);
  return status;
}

void Replica::FillStatus(ReplicaStatus& status) const {
  status.replica = options_.self;
  status.role = RoleNow();
  status.epoch = protocol_->epoch();
  status.fork = protocol_->fork().value();
  status.primary = protocol_->primary().value_or(ReplicaId(0));
  if (status.primary == options_.self && !serving()) {
    status.primary = ReplicaId(0);
  }
  status.journal_first = journal_.first();
  status.journal_last = journal_.last().sequence;
  status.commit = commit_;
  status.applied = queue_.applied();
  status.checkpoint = store_.checkpoint().entry.sequence;
  status.state_hash = store_.state_hash();
  status.delta_bytes = store_.delta_bytes();
  status.state_held = held_.has_value();
  status.fault = fault_;
  const auto* end = std::get_if<Halted>(&protocol_->role());
  status.successor =
      end == nullptr ? ReplicaId(0) : end->successor.value_or(ReplicaId(0));
  status.slow_writes = slow_writes_ + (writes_slowly() ? 1 : 0);
  status.membership = protocol_->membership();
  status.handing_over =
      protocol_->is_primary() && !protocol_->takes_proposals();
  status.alarms.assign(protocol_->alarms().begin(), protocol_->alarms().end());
  status.peers.clear();
  for (const Member& member : status.membership.members) {
    if (member.id != options_.self) status.peers.push_back(StatusOf(member));
  }
}

}  // namespace ledgerd::replication
