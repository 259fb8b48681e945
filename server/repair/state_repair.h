// Replaces this replica's damaged state with a checkpoint of another one.
//
//   StateRepair repair(ports);
//   absl::Status mended = repair.Mend();
//
// Shape    The state is held (replication/replica.h, "Repair"): nothing is read
//          from it or applied to it meanwhile. The others are asked one after
//          the other for a checkpoint that is not behind it, which is received
//          aside and looked at as a whole: what is damaged there too is not
//          taken. Then it takes the state's place, and the journal is replayed
//          from it.
// Journal  It is not touched, goes on, and is acknowledged as ever: nothing
//          that is acknowledged depends on the state.
// Primary  Hands over first, and is mended as a standby.
// Crashes  What was received stays, and is used by the next try; which of two
//          states counts, the superblock says (storage/FORMAT.md).
// Errors   DATA_LOSS    no other replica has a whole state, or one that can be
//                       had; the message says what each has.
//          UNAVAILABLE  some could not be asked, or not yet: try again.
//          CANCELLED    End was called.
// Threads  Mend: one at a time. End: any.
#ifndef LEDGERD_SERVER_REPAIR_STATE_REPAIR_H_
#define LEDGERD_SERVER_REPAIR_STATE_REPAIR_H_

#include <chrono>
#include <functional>
#include <stop_token>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/entry.h"
#include "proto/types.h"
#include "storage/pace.h"

namespace ledgerd::server {

class StateRepair {
 public:
  struct Ports {
    // All members that keep a state, but this one.
    std::function<std::vector<ReplicaId>()> others;
    // Of Replica, on its own thread.
    std::function<void(std::function<void(absl::StatusOr<Sequence>)>)> hold;
    std::function<void(const absl::Status& why)> release;
    std::function<void(EntryId, std::function<void(absl::Status)>)> replace;
    // Brings that one's checkpoint, at this sequence or above, and finishes it.
    std::function<absl::StatusOr<EntryId>(ReplicaId, Sequence at_least,
                                          const std::stop_token&)>
        fetch;
    // DATA_LOSS: what was fetched is damaged.
    std::function<absl::Status(const EntryId&, const storage::Pace&)> verify;
    // Asks another replica to be primary.
    std::function<void()> hand_over;
  };

  // For the replica to answer, and for a checkpoint of its own to end.
  static constexpr std::chrono::seconds kPatience{2};
  static constexpr std::chrono::seconds kCheckpointPatience{30};

  explicit StateRepair(Ports ports) : ports_(std::move(ports)) {}

  absl::Status Mend();

  // What goes on ends soon, and nothing begins any more.
  void End() { stop_.request_stop(); }

 private:
  absl::StatusOr<Sequence> Hold();
  absl::StatusOr<Sequence> TryToHold();
  absl::Status TakeFromSomebody(Sequence at_least);
  absl::Status TakeFrom(ReplicaId replica, Sequence at_least);
  absl::Status Replace(const EntryId& checkpoint);

  const Ports ports_;
  std::stop_source stop_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_REPAIR_STATE_REPAIR_H_
