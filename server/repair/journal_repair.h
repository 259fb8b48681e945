// Mends damaged entries of this replica's journal with those of the others.
//
//   JournalRepair repair(ports);
//   absl::Status mended = repair.Mend(damage, deadline);
//
// Shape    The entries are asked for one replica after the other, each for as
//          far as it has them whole, and taken as far as they chain from the
//          last whole one here; the mend is made only of all, and only when
//          they lead to the hash that is known at the other end
//          (segment_damage.h). So nobody has to be believed, and the protocol
//          has nothing to decide: its journal is the same before and after.
// Errors   DATA_LOSS    no replica of the group has one of them whole; the
//                       message names its sequence.
//          UNAVAILABLE  some could not be asked, or not yet: try again.
// Threads  Mend: one at a time. NoteDamaged: any.
#ifndef LEDGERD_SERVER_REPAIR_JOURNAL_REPAIR_H_
#define LEDGERD_SERVER_REPAIR_JOURNAL_REPAIR_H_

#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "proto/base/mutex.h"
#include "proto/entry.h"
#include "proto/types.h"
#include "server/peers.h"
#include "storage/segment_damage.h"
#include "storage/segment_journal.h"

namespace ledgerd::server {

class JournalRepair {
 public:
  struct Ports {
    // All members but this one.
    std::function<std::vector<ReplicaId>()> others;
    // Null when it is alone.
    Peers* peers = nullptr;
    // Writes these entries in place of the damage, and waits for it.
    std::function<absl::Status(const storage::SegmentDamage&,
                               absl::Span<const Entry>)>
        write;
  };

  explicit JournalRepair(Ports ports) : ports_(std::move(ports)) {}

  absl::Status Mend(const storage::SegmentDamage& damage,
                    Peers::Deadline deadline) LEDGERD_EXCLUDES(mutex_);

  // That replica has asked for these: all of them are damaged there. It is
  // remembered, for it may be gone when this one asks.
  void NoteDamaged(ReplicaId replica, Sequence from, Sequence through)
      LEDGERD_EXCLUDES(mutex_);

 private:
  absl::StatusOr<std::vector<Entry>> Fetch(const storage::DamagedRun& run,
                                           Peers::Deadline deadline);
  // Those from the one after `at` on that somebody has.
  absl::StatusOr<std::vector<Entry>> FetchSome(const storage::ChainLink& at,
                                               Sequence through,
                                               Peers::Deadline deadline);
  bool IsDamagedAt(ReplicaId replica, Sequence sequence)
      LEDGERD_EXCLUDES(mutex_);

  const Ports ports_;
  Mutex mutex_;
  // What each has asked for last.
  std::map<ReplicaId, std::pair<Sequence, Sequence>> damaged_
      LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_REPAIR_JOURNAL_REPAIR_H_
