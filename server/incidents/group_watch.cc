#include "server/incidents/group_watch.h"

#include <algorithm>
#include <optional>
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

IncidentPhase Phase(const char* name, std::chrono::nanoseconds duration) {
  return {.name = name, .duration_ns = static_cast<uint64_t>(duration.count())};
}

// From the last word of the old primary to this replica's first as the new one.
IncidentEnd EndOfLostPrimary(std::chrono::nanoseconds silence,
                             std::chrono::nanoseconds outage) {
  IncidentEnd end = EndOfWriteOutage(outage, "took over");
  end.phases = {Phase("detect", silence), Phase("promote", outage - silence)};
  return end;
}

}  // namespace

void GroupWatch::Note(const ReplicaStatus& status, const Standing& standing) {
  NotePromotions(status);
  NoteReplaced(status);
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
                    .since = clock_.SteadyNow() - begun.silence,
                    .silence = begun.silence};
  }
  const bool wanted = begun.why == PromotionBegun::Why::kWanted;
  const uint64_t number = keeper_.Raise(
      {.kind = KindOf(begun.why),
       .cause = absl::StrCat("to begin epoch ", begun.epoch.value()),
       .epoch = begun.epoch,
       .planned = wanted,
       .since = since});
  Sequence answered;
  if (begun.why == PromotionBegun::Why::kForced &&
      known_.answered_through != nullptr) {
    answered = known_.answered_through();
  }
  const MutexLock lock(mutex_);
  promotions_.push_back({.number = number,
                         .begun = begun,
                         .since = clock_.SteadyNow(),
                         .answered_through = answered});
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
    for (Promotion& promotion : promotions_) {
      if (status.epoch == promotion.begun.epoch &&
          status.role == Role::kRecovering && !promotion.elected.has_value()) {
        promotion.elected = clock_.SteadyNow();
      }
    }
    const auto undecided = std::stable_partition(
        promotions_.begin(), promotions_.end(), [&](const Promotion& p) {
          return status.epoch < p.begun.epoch ||
                 (status.epoch == p.begun.epoch && IsUndecided(status.role));
        });
    decided.assign(undecided, promotions_.end());
    promotions_.erase(undecided, promotions_.end());
  }
  for (const Promotion& promotion : decided) ClosePromotion(promotion, status);
}

void GroupWatch::ClosePromotion(const Promotion& promotion,
                                const ReplicaStatus& status) {
  const PromotionBegun& begun = promotion.begun;
  if (status.epoch != begun.epoch || status.role != Role::kPrimary) {
    return keeper_.Close(promotion.number,
                         {.outcome = IncidentOutcome::kFailed,
                          .resolution = WhoIsPrimary(status)});
  }
  keeper_.Close(promotion.number, EndOfPromotion(promotion));
  if (begun.why == PromotionBegun::Why::kPrimaryLost && begun.connected) {
    replaced_.push_back(
        {.primary = begun.old_primary, .since = promotion.since});
  }
}

IncidentEnd GroupWatch::EndOfPromotion(const Promotion& promotion) const {
  const PromotionBegun& begun = promotion.begun;
  const Time now = clock_.SteadyNow();
  const Time elected = promotion.elected.value_or(now);
  IncidentEnd end;
  end.resolution = absl::StrCat("the primary of epoch ", begun.epoch.value());
  if (begun.why == PromotionBegun::Why::kForced) {
    end.outcome = IncidentOutcome::kSuccessWithLoss;
    end.lost_entries = LostBy(promotion);
    if (end.lost_entries > 0) {
      absl::StrAppend(&end.resolution, "; at least ", end.lost_entries,
                      " entries that were answered are lost");
    }
  }
  if (begun.silence > begun.silence.zero()) {
    end.phases.push_back(Phase("detect", begun.silence));
  }
  end.phases.push_back(Phase("elect", elected - promotion.since));
  end.phases.push_back(Phase("serve", now - elected));
  return end;
}

// What was answered after the last heartbeat that was heard is not known.
uint64_t GroupWatch::LostBy(const Promotion& promotion) const {
  if (promotion.answered_through == Sequence(0)) return 0;
  const std::optional<Sequence> end = known_.end_before(promotion.begun.epoch);
  if (!end.has_value() || promotion.answered_through <= *end) return 0;
  return promotion.answered_through.value() - end->value();
}

void GroupWatch::NoteReplaced(const ReplicaStatus& status) {
  const Time now = clock_.SteadyNow();
  std::erase_if(replaced_, [&](const Replaced& replaced) {
    if (status.role != Role::kPrimary || now - replaced.since > peer_silence_) {
      return true;
    }
    const auto peer = std::find_if(
        status.peers.begin(), status.peers.end(),
        [&](const PeerStatus& one) { return one.id == replaced.primary; });
    if (peer == status.peers.end() || !peer->connected) return true;
    if (peer->acknowledged == Sequence(0)) return false;
    keeper_.AddNote(
        {.kind = IncidentKind::kUnneededPromotion,
         .what = absl::StrCat("the old primary, replica ", peer->id.value(),
                              ", was alive and connected when replica ",
                              status.replica.value(), " was promoted")});
    return true;
  });
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
          EndOfLostPrimary(lost.silence, clock_.SteadyNow() - lost.since));
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
                         .rolled_back = entries,
                         .since = clock_.SteadyNow()});
}

void GroupWatch::AfterRollback() {
  const MutexLock lock(mutex_);
  for (Recovery& recovery : recoveries_) {
    if (recovery.kind == IncidentKind::kRollback) {
      recovery.done = clock_.SteadyNow();
    }
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
                         .since = clock_.SteadyNow()});
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
  recoveries_.push_back({.kind = IncidentKind::kResync,
                         .number = number,
                         .through = through,
                         .since = clock_.SteadyNow()});
}

void GroupWatch::AfterResync(Sequence through) {
  const MutexLock lock(mutex_);
  for (Recovery& recovery : recoveries_) {
    if (recovery.kind == IncidentKind::kResync && recovery.through == through) {
      recovery.done = clock_.SteadyNow();
    }
  }
}

// What a catch-up fetches it has once it is in the journal.
void GroupWatch::NoteFetched(const ReplicaStatus& status) {
  const MutexLock lock(mutex_);
  for (Recovery& recovery : recoveries_) {
    if (recovery.kind == IncidentKind::kCatchUp && !recovery.done.has_value() &&
        std::max(status.journal_last, status.applied) >= recovery.through) {
      recovery.done = clock_.SteadyNow();
    }
  }
}

void GroupWatch::NoteRecoveries(const ReplicaStatus& status,
                                const Standing& standing) {
  NoteFetched(status);
  if (!IsWithTheGroup(standing, status.role)) return;
  std::vector<Recovery> ended;
  {
    const MutexLock lock(mutex_);
    const auto going_on = std::stable_partition(
        recoveries_.begin(), recoveries_.end(), [&](const Recovery& recovery) {
          return !recovery.done.has_value() ||
                 status.commit.sequence < recovery.through ||
                 (status.role != Role::kWitness &&
                  status.applied < recovery.through);
        });
    ended.assign(going_on, recoveries_.end());
    recoveries_.erase(going_on, recoveries_.end());
  }
  for (const Recovery& recovery : ended) {
    const bool cut = recovery.kind == IncidentKind::kRollback;
    keeper_.Close(
        recovery.number,
        {.resolution = absl::StrCat("with the group again at sequence ",
                                    status.commit.sequence.value()),
         .rolled_back_entries = recovery.rolled_back,
         .phases = {
             Phase(cut ? "cut" : "fetch", *recovery.done - recovery.since),
             Phase("replay", clock_.SteadyNow() - *recovery.done)}});
  }
}

// ---- the other members

void GroupWatch::NotePeers(const ReplicaStatus& status) {
  if (status.role != Role::kPrimary) {
    primary_since_.reset();
    return NoteLostPeersElsewhere(status);
  }
  if (!primary_since_.has_value()) primary_since_ = clock_.SteadyNow();
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
  // Of the primary before, if it is silent, this one has heard nothing: that is
  // a lost primary already, and no lost peer as well.
  const std::chrono::nanoseconds as_primary =
      clock_.SteadyNow() - *primary_since_ + peer_silence_ / 4;
  const bool heard = status.connected && status.since_heard.has_value() &&
                     *status.since_heard <= std::min<std::chrono::nanoseconds>(
                                                peer_silence_, as_primary);
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
