// A GroupWatch raises and closes the incidents of a replica among others:
// promotions, who was lost, and what it takes to be with the others again.
//
//   GroupWatch watch(keeper, clock, peer_silence);
//   watch.Learn({.answered_through = ..., .end_before = ...});
//   options.observer = &watch;          // told before it happens
//   watch.Note(status, standing);       // again and again
//
// What raises what, and when it is a success:
//   promotion         a replica is about to promise an epoch of its own, since
//                     nothing is heard of a primary, or that one leaves,
//                     since its disk fails; it is the primary of that epoch.
//                     Another one is, or nobody: failed
//   switchover        the same, wanted by an operator or the primary; planned
//   forced_promotion  the same without a majority; all that is lost with the
//                     others is not known, so it is a success with loss: of at
//                     least the entries that the old primary's heartbeats had
//                     said to be answered, and that are not in this journal
//   primary_lost      with such a promotion, when there was a primary; this
//                     replica takes over, and nobody could write for no longer
//                     than kWriteOutageMax. Another one does: aborted here,
//                     and counted there
//   peer_lost         a primary hears nothing of a member that it has heard; it
//                     hears it again, and could write meanwhile
//   rollback          entries are about to be cut off; it serves again
//   catch_up          a start that finds the others further; it has applied
//                     what was committed then
//   resync            a checkpoint of the primary is about to be received; its
//                     entries are applied
//
// A promotion was unneeded when the old primary, whose connection never broke,
// acknowledges what the new one has journalled within `peer_silence`: it was
// there all the time. That is noted, beside the counters.
//
// Threads  Note and the observer's methods: one of each at a time.
// Source   counters.md.
#ifndef LEDGERD_SERVER_INCIDENTS_GROUP_WATCH_H_
#define LEDGERD_SERVER_INCIDENTS_GROUP_WATCH_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/base/mutex.h"
#include "proto/incident.h"
#include "proto/types.h"
#include "replication/clock.h"
#include "replication/replica_handle.h"
#include "replication/replica_observer.h"
#include "server/incidents/incident_keeper.h"
#include "server/standing.h"

namespace ledgerd::server {

class GroupWatch final : public replication::ReplicaObserver {
 public:
  // `keeper` and `clock` outlive it. Who is silent for longer than
  // `peer_silence` is lost.
  GroupWatch(IncidentKeeper& keeper, const replication::Clock& clock,
             std::chrono::milliseconds peer_silence)
      : keeper_(keeper), clock_(clock), peer_silence_(peer_silence) {}

  // What tells how much a forced promotion has lost.
  struct Known {
    // How far a primary had answered, as far as it has said so.
    std::function<Sequence()> answered_through;
    // Where the journal ended before an epoch began; nothing when it does not
    // say.
    std::function<std::optional<Sequence>(Epoch)> end_before;
  };

  // Before the replica runs. Without it nothing is known to be lost.
  void Learn(Known known) { known_ = std::move(known); }

  void Note(const replication::ReplicaStatus& status, const Standing& standing)
      LEDGERD_EXCLUDES(mutex_);

  // A checkpoint as of `through` is about to be received, or is whole here.
  void BeforeResync(Sequence through) LEDGERD_EXCLUDES(mutex_);
  void AfterResync(Sequence through) LEDGERD_EXCLUDES(mutex_);

  void BeforePromotion(const replication::PromotionBegun& begun) override
      LEDGERD_EXCLUDES(mutex_);
  void BeforeRollback(uint64_t entries) override LEDGERD_EXCLUDES(mutex_);
  void AfterRollback() override LEDGERD_EXCLUDES(mutex_);
  void BeforeCatchUp(Sequence through) override LEDGERD_EXCLUDES(mutex_);

 private:
  using Time = std::chrono::steady_clock::time_point;

  struct Promotion {
    uint64_t number = 0;
    replication::PromotionBegun begun;
    Time since;
    // A majority has promised.
    std::optional<Time> elected;
    // Of one that is forced: by the primary before.
    Sequence answered_through;
  };

  // A primary that another one was promoted for.
  struct Replaced {
    ReplicaId primary;
    Time since;
  };

  struct LostPrimary {
    uint64_t number = 0;
    // Of the first promotion that is to replace it.
    Epoch epoch;
    Time since;
    std::chrono::nanoseconds silence{0};
  };

  struct Recovery {
    IncidentKind kind = IncidentKind::kCatchUp;
    uint64_t number = 0;
    // What is to be applied.
    Sequence through;
    uint64_t rolled_back = 0;
    Time since;
    // When only that was left.
    std::optional<Time> done;
  };

  struct Peer {
    // By this replica as primary.
    bool heard = false;
    // Its open incident.
    std::optional<uint64_t> lost;
  };

  void NotePromotions(const replication::ReplicaStatus& status)
      LEDGERD_EXCLUDES(mutex_);
  void ClosePromotion(const Promotion& promotion,
                      const replication::ReplicaStatus& status);
  void NoteReplaced(const replication::ReplicaStatus& status);
  IncidentEnd EndOfPromotion(const Promotion& promotion) const;
  // Answered entries that it has gone on without, at least.
  uint64_t LostBy(const Promotion& promotion) const;
  void NoteLostPrimaries(const replication::ReplicaStatus& status)
      LEDGERD_EXCLUDES(mutex_);
  void NoteFetched(const replication::ReplicaStatus& status)
      LEDGERD_EXCLUDES(mutex_);
  void NoteRecoveries(const replication::ReplicaStatus& status,
                      const Standing& standing) LEDGERD_EXCLUDES(mutex_);
  void NotePeers(const replication::ReplicaStatus& status);
  void NotePeer(const replication::PeerStatus& status);
  // While another one, or nobody, is the primary.
  void NoteLostPeersElsewhere(const replication::ReplicaStatus& status);
  void CloseLostPeers(const std::string& resolution);
  IncidentEnd EndOfOutage(const std::string& resolution) const;

  IncidentKeeper& keeper_;
  const replication::Clock& clock_;
  const std::chrono::milliseconds peer_silence_;
  Known known_;
  // Note's own.
  std::vector<Replaced> replaced_;
  std::map<ReplicaId, Peer> peers_;
  // While it is one.
  std::optional<Time> primary_since_;
  // With peers lost this replica is the primary no more, and no other one is.
  std::optional<Time> no_primary_since_;
  std::chrono::nanoseconds outage_{0};

  Mutex mutex_;
  std::vector<Promotion> promotions_ LEDGERD_GUARDED_BY(mutex_);
  std::vector<LostPrimary> lost_primaries_ LEDGERD_GUARDED_BY(mutex_);
  std::vector<Recovery> recoveries_ LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_INCIDENTS_GROUP_WATCH_H_
