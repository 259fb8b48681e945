#include "server/incidents/group_watch.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "server/incidents/write_outage.h"

namespace ledgerd::server {

using replication::PeerStatus;
using replication::PromotionBegun;
using replication::ReplicaStatus;
using replication::Role;

namespace {

IncidentKind KindOf(PromotionBegun::Why why) {
  switch (why) {
    case PromotionBegun::Why::kPrimaryLost:
    case PromotionBegun::Why::kPrimaryFailed:
      return IncidentKind::kPromotion;
    case PromotionBegun::Why::kWanted:
      return IncidentKind::kSwitchover;
    case PromotionBegun::Why::kForced:
      return IncidentKind::kForcedPromotion;
  }
  return IncidentKind::kPromotion;
}

// How the primary before was lost; empty when it was not.
std::string CauseOfLoss(const PromotionBegun& begun) {
  const std::string who =
      absl::StrCat("the primary, replica ", begun.old_primary.value());
  if (begun.old_primary == ReplicaId(0)) return "";
  if (begun.why == PromotionBegun::Why::kPrimaryFailed) {
    return absl::StrCat(who, ", leaves, since its disk fails");
  }
  return begun.why == PromotionBegun::Why::kPrimaryLost
             ? absl::StrCat("nothing is heard of ", who)
             : "";
}

// Whether it may still be the primary of an epoch that it has promised itself.
bool IsUndecided(Role role) {
  return role == Role::kPromoting || role == Role::kRecovering;
}

std::string WhoIsPrimary(const ReplicaStatus& status) {
  return status.primary == ReplicaId(0)
             ? std::string("nobody is the primary yet")
             : absl::StrCat("replica ", status.primary.value(),
                            " is the primary");
}

}  // namespace

void GroupWatch::Note(const ReplicaStatus& status, const Standing& standing) {
  NotePromotions(status);
  NoteLostPrimaries(status);
  NoteRecoveries(status, standing);
  NotePeers(status);
}

// ---- promotions

void GroupWatch::BeforePromotion(const PromotionBegun& begun) {
  const auto silence = static_cast<uint64_t>(begun.silence.count());
  const Timestamp since(clock_.WallNow().value() - silence);
  std::optional<LostPrimary> lost;
  if (const std::string cause = CauseOfLoss(begun); !cause.empty()) {
    lost =
        LostPrimary{.number = keeper_.Raise({.kind = IncidentKind::kPrimaryLost,
                                             .cause = cause,
                                             .epoch = begun.epoch,
                                             .since = since}),
                    .epoch = begun.epoch,
                    .since = clock_.SteadyNow() - begun.silence};
  }
  const bool wanted = begun.why == PromotionBegun::Why::kWanted;
  const uint64_t number = keeper_.Raise(
      {.kind = KindOf(begun.why),
       .cause = absl::StrCat("to begin epoch ", begun.epoch.value()),
       .epoch = begun.epoch,
       .planned = wanted,
       .since = since});
  const MutexLock lock(mutex_);
  promotions_.push_back({.number = number,
                         .epoch = begun.epoch,
                         .forced = begun.why == PromotionBegun::Why::kForced});
  if (!lost.has_value()) return;
  // It may be the same that an earlier promotion was for.
  const bool known = std::any_of(
      lost_primaries_.begin(), lost_primaries_.end(),
      [&](const LostPrimary& other) { return other.number == lost->number; });
  if (!known) lost_primaries_.push_back(*lost);
}

// A status may be older than the promotion: it says nothing then.
void GroupWatch::NotePromotions(const ReplicaStatus& status) {
  std::vector<Promotion> decided;
  {
    const MutexLock lock(mutex_);
    const auto undecided = std::stable_partition(
        promotions_.begin(), promotions_.end(), [&](const Promotion& p) {
          return status.epoch < p.epoch ||
                 (status.epoch == p.epoch && IsUndecided(status.role));
        });
    decided.assign(undecided, promotions_.end());
    promotions_.erase(undecided, promotions_.end());
  }
  for (const Promotion& promotion : decided) {
    const bool promoted =
        status.epoch == promotion.epoch && status.role == Role::kPrimary;
    if (!promoted) {
      keeper_.Close(promotion.number, {.outcome = IncidentOutcome::kFailed,
                                       .resolution = WhoIsPrimary(status)});
    } else {
      keeper_.Close(
          promotion.number,
          {.outcome = promotion.forced ? IncidentOutcome::kSuccessWithLoss
                                       : IncidentOutcome::kSuccess,
           .resolution =
               absl::StrCat("the primary of epoch ", promotion.epoch.value())});
    }
  }
}

void GroupWatch::NoteLostPrimaries(const ReplicaStatus& status) {
  if (status.primary == ReplicaId(0)) return;
  std::vector<LostPrimary> replaced;
  {
    const MutexLock lock(mutex_);
    const auto left = std::stable_partition(
        lost_primaries_.begin(), lost_primaries_.end(),
        [&](const LostPrimary& lost) { return status.epoch < lost.epoch; });
    replaced.assign(left, lost_primaries_.end());
    lost_primaries_.erase(left, lost_primaries_.end());
  }
  for (const LostPrimary& lost : replaced) {
    if (status.role == Role::kPrimary) {
      keeper_.Close(
          lost.number,
          EndOfWriteOutage(clock_.SteadyNow() - lost.since, "took over"));
    } else {
      keeper_.Close(lost.number, {.outcome = IncidentOutcome::kAborted,
                                  .resolution = WhoIsPrimary(status)});
    }
  }
}

// ---- being with the others again

void GroupWatch::BeforeRollback(uint64_t entries) {
  const uint64_t number =
      keeper_.Raise({.kind = IncidentKind::kRollback,
                     .cause = absl::StrCat(
                         entries, " uncommitted entries are not the group's")});
  const MutexLock lock(mutex_);
  recoveries_.push_back({.kind = IncidentKind::kRollback,
                         .number = number,
                         .rolled_back = entries});
}

void GroupWatch::AfterRollback() {
  const MutexLock lock(mutex_);
  for (Recovery& recovery : recoveries_) {
    if (recovery.kind == IncidentKind::kRollback) recovery.done = true;
  }
}

void GroupWatch::BeforeCatchUp(Sequence through) {
  const uint64_t number =
      keeper_.Raise({.kind = IncidentKind::kCatchUp,
                     .cause = absl::StrCat("the group had committed sequence ",
                                           through.value())});
  const MutexLock lock(mutex_);
  recoveries_.push_back({.kind = IncidentKind::kCatchUp,
                         .number = number,
                         .through = through,
                         .done = true});
}

// A transfer that goes on where it was cut short is the same, once more.
void GroupWatch::BeforeResync(Sequence through) {
  const uint64_t number = keeper_.Raise(
      {.kind = IncidentKind::kResync,
       .cause = "the primary's journal no longer reaches back to this one's"});
  const MutexLock lock(mutex_);
  std::erase_if(recoveries_, [number](const Recovery& recovery) {
    return recovery.number == number;
  });
  recoveries_.push_back(
      {.kind = IncidentKind::kResync, .number = number, .through = through});
}

void GroupWatch::AfterResync(Sequence through) {
  const MutexLock lock(mutex_);
  for (Recovery& recovery : recoveries_) {
    if (recovery.kind == IncidentKind::kResync && recovery.through == through) {
      recovery.done = true;
    }
  }
}

void GroupWatch::NoteRecoveries(const ReplicaStatus& status,
                                const Standing& standing) {
  if (!IsWithTheGroup(standing, status.role)) return;
  std::vector<Recovery> ended;
  {
    const MutexLock lock(mutex_);
    const auto going_on = std::stable_partition(
        recoveries_.begin(), recoveries_.end(), [&](const Recovery& recovery) {
          return !recovery.done || status.commit.sequence < recovery.through ||
                 (status.role != Role::kWitness &&
                  status.applied < recovery.through);
        });
    ended.assign(going_on, recoveries_.end());
    recoveries_.erase(going_on, recoveries_.end());
  }
  for (const Recovery& recovery : ended) {
    keeper_.Close(
        recovery.number,
        {.resolution = absl::StrCat("with the group again at sequence ",
                                    status.commit.sequence.value()),
         .rolled_back_entries = recovery.rolled_back});
  }
}

// ---- the other members

void GroupWatch::NotePeers(const ReplicaStatus& status) {
  if (status.role != Role::kPrimary) return NoteLostPeersElsewhere(status);
  if (no_primary_since_.has_value()) {
    outage_ += clock_.SteadyNow() - *no_primary_since_;
    no_primary_since_.reset();
  }
  for (const PeerStatus& peer : status.peers) NotePeer(peer);
  std::erase_if(peers_, [&](const auto& known) {
    const bool is_member = std::any_of(
        status.peers.begin(), status.peers.end(),
        [&](const PeerStatus& peer) { return peer.id == known.first; });
    if (!is_member && known.second.lost.has_value()) {
      keeper_.Close(*known.second.lost, EndOfOutage("no member any more"));
    }
    return !is_member;
  });
}

void GroupWatch::NotePeer(const PeerStatus& status) {
  Peer& peer = peers_[status.id];
  const bool heard = status.connected && status.since_heard.has_value() &&
                     *status.since_heard <= peer_silence_;
  if (heard && peer.lost.has_value()) {
    keeper_.Close(*peer.lost, EndOfOutage("heard again"));
    peer.lost.reset();
    outage_ = std::chrono::nanoseconds(0);
  } else if (!heard && peer.heard && !peer.lost.has_value()) {
    peer.lost =
        keeper_.Raise({.kind = IncidentKind::kPeerLost,
                       .cause = absl::StrCat("nothing is heard of replica ",
                                             status.id.value())});
  }
  peer.heard = peer.heard || heard;
}

void GroupWatch::NoteLostPeersElsewhere(const ReplicaStatus& status) {
  const bool lost = std::any_of(
      peers_.begin(), peers_.end(),
      [](const auto& known) { return known.second.lost.has_value(); });
  if (!lost) {
    peers_.clear();
    return;
  }
  if (!no_primary_since_.has_value()) no_primary_since_ = clock_.SteadyNow();
  if (status.primary == ReplicaId(0)) return;
  outage_ += clock_.SteadyNow() - *no_primary_since_;
  no_primary_since_.reset();
  CloseLostPeers(WhoIsPrimary(status));
}

void GroupWatch::CloseLostPeers(const std::string& resolution) {
  for (const auto& [id, peer] : peers_) {
    if (peer.lost.has_value()) {
      keeper_.Close(*peer.lost, EndOfOutage(resolution));
    }
  }
  peers_.clear();
  outage_ = std::chrono::nanoseconds(0);
}

IncidentEnd GroupWatch::EndOfOutage(const std::string& resolution) const {
  return EndOfWriteOutage(outage_, resolution);
}

}  // namespace ledgerd::server
