// What operators want done to a group: begun in the replica, and waited for.
//
//   OperatorRequests requests(group.replica, group.addresses);
//   const auto moved = requests.Switchover(ReplicaId(2), wait);
//   if (!moved.ok()) return Wire(group, moved.status());
//
// Shape    Each method asks the protocol, which refuses at once or begins, and
//          then looks at status() until the end is seen.
// Errors   Words say what was asked, which value is at fault, why, and what to
//          do. Reasons are the contract's; where it wants FAILED_PRECONDITION
//          they tell that nothing was done.
//          NOT_PRIMARY, NO_PRIMARY  The primary alone can do it.
//          INVALID_FIELD            A replica that is none, or of another role.
//          FAILED_PRECONDITION      TOO_STALE: who is to take over, or to vote,
//                                   is not there yet. NO_QUORUM: a change
//                                   before it is not committed yet.
//          OUTCOME_UNKNOWN          Begun, and the end was not seen in time.
// Threads  Thread-safe. Methods wait, on their caller's thread.
#ifndef LEDGERD_SERVER_GRPC_OPERATOR_REQUESTS_H_
#define LEDGERD_SERVER_GRPC_OPERATOR_REQUESTS_H_

#include <chrono>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/types.h"
#include "replication/core/event.h"
#include "replication/replica_handle.h"
#include "server/served_group.h"

namespace ledgerd::server {

// How long writes are held for a switchover at most, when nobody says.
inline constexpr std::chrono::milliseconds kSwitchoverHold{1'000};

class OperatorRequests {
 public:
  // How long a caller waits.
  struct Wait {
    replication::Deadline deadline;
    // The caller has gone, or the daemon stops.
    std::function<bool()> abandoned;
  };

  struct Moved {
    ReplicaId primary;
    Epoch epoch;
    // As seen here: from the request until the new primary was heard.
    std::chrono::nanoseconds write_pause{};
  };

  struct Forced {
    Epoch epoch;
    Sequence last;
  };

  OperatorRequests(replication::ReplicaHandle& replica,
                   SharedAddresses& addresses)
      : replica_(replica), addresses_(addresses) {}

  enum class Why { kWanted, kDiskFails };

  // On the primary: to `target`; 0 is the voter that is furthest ahead. On a
  // standby while no primary is known: promotes it, by majority. `hold`: for
  // how long writes are held at most, rounded up to ticks.
  absl::StatusOr<Moved> Switchover(ReplicaId target,
                                   std::chrono::milliseconds hold,
                                   const Wait& wait, Why why = Why::kWanted);

  absl::StatusOr<Forced> ForcePromote(const Wait& wait);

  absl::Status Pause(bool paused, Timestamp until, const Wait& wait);

  // Addresses that are empty are taken from what `id` says of itself.
  absl::Status Add(ReplicaId id, const ReplicaAddresses& given, bool witness,
                   const Wait& wait);
  absl::Status Remove(ReplicaId id, const Wait& wait);

 private:
  using Condition = std::function<bool(const replication::ReplicaStatus&)>;

  // What the protocol says at once. `asked`: in words.
  absl::StatusOr<replication::RequestResult> Begin(
      const replication::OperatorRequest& request, const std::string& asked,
      ReplicaId target);
  // Looks until it holds; else OUTCOME_UNKNOWN.
  absl::Status WaitUntil(const Condition& condition, const std::string& asked,
                         const Wait& wait) const;
  // A change that is an entry of the journal.
  absl::Status Change(const replication::OperatorRequest& request,
                      const std::string& asked, ReplicaId target,
                      const Wait& wait);
  absl::StatusOr<Moved> PromoteHere(ReplicaId target, const Wait& wait);
  absl::StatusOr<Moved> HandOver(ReplicaId target,
                                 std::chrono::milliseconds hold,
                                 const Wait& wait, Why why);

  replication::ReplicaHandle& replica_;
  SharedAddresses& addresses_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_OPERATOR_REQUESTS_H_
