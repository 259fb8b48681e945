// An IncidentWatch raises and closes the incidents that a replica's status
// shows.
//
//   IncidentWatch watch(keeper, clock);
//   watch.BeginReplay();              // before the journal is opened
//   watch.Note(status, standing);     // again and again
//   watch.NoteFault(fault, status);   // before the process ends
//
// What raises what, and when it is a success:
//   crash_replay   the process before did not end cleanly; the replica is
//                  primary, or follows one, and has applied what is committed
//   restore        ledgerctl has made the data directory of a backup, and left
//                  it open there; as a crash replay
//   clock_skew     this clock and the primary's differ too much; they agree, or
//                  another replica is the primary
//   overload       requests are refused for want of room in the inbox; none
//                  for kCalm. What was taken is served all the time
//   stall          writes of the journal are slow; one is not, and a primary's
//                  were not held up for too long
//   disk_full      writes are refused for want of space; there is space again,
//                  and it did not hold a primary's writes up for too long
//   disk_error, corruption
//                  the replica has halted: its disk has failed, or its data is
//                  damaged; or it ends, since its disk is too slow; a process
//                  after that is with the group again, which has lost nothing
//                  then, and if it was the primary, the next one began soon
//                  enough
//   state_mismatch the same, since its journal differs from the group's where
//                  both are committed; never a success: the next process closes
//                  it
//
// Threads  One at a time, but for NoteFault: any.
// Source   counters.md.
#ifndef LEDGERD_SERVER_INCIDENTS_INCIDENT_WATCH_H_
#define LEDGERD_SERVER_INCIDENTS_INCIDENT_WATCH_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "proto/incident.h"
#include "proto/types.h"
#include "replication/clock.h"
#include "replication/replica_handle.h"
#include "server/incidents/incident_keeper.h"
#include "server/standing.h"

namespace ledgerd::server {

class IncidentWatch {
 public:
  // An overload has ended when nothing was refused for so long.
  static constexpr std::chrono::seconds kCalm{1};

  // Both outlive it.
  IncidentWatch(IncidentKeeper& keeper, const replication::Clock& clock)
      : keeper_(keeper), clock_(clock) {}

  // When the first epoch after this one began, as the journal says; nothing
  // when it does not say.
  using EpochAfter = std::function<std::optional<Timestamp>(Epoch)>;

  // Before anything of the data directory is read.
  void BeginReplay();

  // Before the first Note.
  void Learn(EpochAfter epoch_after) { epoch_after_ = std::move(epoch_after); }

  void Note(const replication::ReplicaStatus& status, const Standing& standing);

  // How far this clock is ahead of the primary's, while that is too far.
  void NoteClock(std::optional<std::chrono::milliseconds> ahead,
                 const replication::ReplicaStatus& status);

  // The replica has halted, or ends for it.
  void NoteFault(const absl::Status& fault,
                 const replication::ReplicaStatus& status);

 private:
  // What may hold writes up.
  struct Hold {
    uint64_t number = 0;
    // Writes wait because of it; and for how long they have by then.
    std::optional<std::chrono::steady_clock::time_point> writes_wait_since;
    std::chrono::nanoseconds outage{};
  };

  // Closes what ends when the replica is with its group.
  void NoteReplay(const replication::ReplicaStatus& status,
                  const Standing& standing);
  // For how long nobody could write since the replica has halted.
  std::chrono::nanoseconds OutageSince(const Incident& halted) const;
  void NoteFull(const replication::ReplicaStatus& status);
  void NoteStall(const replication::ReplicaStatus& status);
  // Of `hold`: begins with `holds`, and ends with it.
  void NoteHold(bool holds, const replication::ReplicaStatus& status,
                const IncidentSeen& seen, absl::string_view resolution,
                std::optional<Hold>& hold);
  void NoteOverload(const replication::ReplicaStatus& status);

  IncidentKeeper& keeper_;
  const replication::Clock& clock_;
  EpochAfter epoch_after_;
  // As last seen; for NoteFault, which comes when it has halted.
  std::atomic<bool> is_primary_ = false;
  std::chrono::steady_clock::time_point began_;
  std::optional<std::chrono::steady_clock::time_point> opened_;
  // What the replica has halted for before.
  std::vector<Incident> halted_;
  std::optional<uint64_t> replay_;
  std::optional<uint64_t> restore_;
  std::optional<Hold> full_;
  std::optional<Hold> stall_;
  // Refusals so far, as last seen, and when that was another number.
  uint64_t refusals_ = 0;
  std::chrono::steady_clock::time_point refused_at_;
  std::optional<uint64_t> overload_;
  std::optional<uint64_t> skew_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_INCIDENTS_INCIDENT_WATCH_H_
