// A ReplicaHandle is what the rest of the daemon sees of its running replica.
//
//   absl::Status taken = replica.Propose({
//       .command = MakeCommand<Transfer>(EntryKind::kCreateTransfers, rows),
//       .deadline = deadline,
//       .done = [](absl::StatusOr<EntryResult> result) { ... }});
//
// Order    Proposals by one thread are journalled in the order in which they
//          were taken.
// Errors   Every error has a Reason (proto/errors.h). Those of Propose itself
//          mean that nothing was done, and `done` is never called.
// Threads  All methods may be called from any thread. Call-backs run on the
//          replica thread or the reader thread: they must be quick and must not
//          call Propose or Read in a way that waits.
#ifndef LEDGERD_REPLICATION_REPLICA_HANDLE_H_
#define LEDGERD_REPLICATION_REPLICA_HANDLE_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/entry.h"
#include "proto/membership.h"
#include "proto/results.h"
#include "proto/types.h"
#include "replication/core/event.h"
#include "replication/core/update.h"

namespace ledgerd::replication {

using Deadline = std::chrono::steady_clock::time_point;

enum class Role {
  kRecovering,  // Replaying; serves nothing yet.
  kPrimary,
  kHalted,   // Stopped itself on a fault that it must not go on with.
  kStandby,  // Follows a primary, or waits for one.
  kWitness,
  kLearner,
  kPromoting,  // Asks the others for their promises.
};

// Another replica, as this one sees it.
struct PeerStatus {
  ReplicaId id;
  // Heard since its connection broke, or since the start.
  bool connected = false;
  // Known to a primary alone: what it has made durable in this epoch, and its
  // state's checkpoint.
  Sequence acknowledged;
  Sequence checkpoint;
  // Known to a primary alone: it could not serve at once.
  bool replaying = false;
  std::optional<std::chrono::milliseconds> since_heard;
};

struct ReplicaStatus {
  Role role = Role::kRecovering;
  ReplicaId replica;
  Epoch epoch;
  // 0 when there is none, or none is known.
  ReplicaId primary;
  Sequence journal_first;
  Sequence journal_last;
  // Its hash is the chain's up to there.
  EntryId commit;
  Sequence applied;
  Sequence checkpoint;
  Uint128 state_hash = 0;  // As of `applied`.
  // What was applied since the last checkpoint, in memory.
  uint64_t delta_bytes = 0;
  // Why kHalted; OK otherwise.
  absl::Status fault;
  // Whom it has told to take over as it halted; 0: nobody.
  ReplicaId successor;
  // Writes are refused with DISK_FULL until there is space again.
  bool journal_full = false;
  bool state_full = false;
  Timestamp full_since;  // 0 when neither is.
  // Proposals that were refused since the start: the inbox had no room.
  uint64_t overload_refusals = 0;
  // Journal writes in a row that took too long, the one that is waited for
  // among them; 0 when the last one did not.
  uint32_t slow_writes = 0;
  // In force here.
  Membership membership;
  uint64_t fork = 0;
  // All other members.
  std::vector<PeerStatus> peers;
  // It is damaged, and not used (replica.h, "Repair").
  bool state_held = false;
  // A primary that holds writes for a switchover.
  bool handing_over = false;
  std::vector<Alarm> alarms;
};

// What an operator wants done.
using OperatorRequest =
    std::variant<PromotionRequested, SwitchoverRequested,
                 ForcePromotionRequested, MembershipRequested, PauseRequested>;

// Set once a proposal of a row has failed.
using RowBroken = std::shared_ptr<std::atomic<bool>>;

struct Proposal {
  Command command;
  // Dropped with OVERLOADED when it has not been journalled by then;
  // after that it is answered, however late.
  Deadline deadline;
  // OUTCOME_UNKNOWN: the replica stopped before it knew.
  std::function<void(absl::StatusOr<EntryResult>)> done;
  // What proposals that are to be executed in their order, or not at all,
  // share; empty for others. `done` sets it on an error, and then none of them
  // is taken any more: each is refused with NO_PRIMARY.
  RowBroken row_broken;
};

// How fresh a read must be (ledger.v1.ReadConsistency).
struct Freshness {
  enum class Level { kLinearizable, kAtLeastSequence, kMaxStaleness };
  Level level = Level::kLinearizable;
  Sequence at_least;                          // kAtLeastSequence.
  std::chrono::milliseconds max_staleness{};  // kMaxStaleness.
};

// Runs once on the replica thread, with the applied point that the read is at,
// or with the error. What it returns runs on the reader thread, where it may
// wait for a disk; it may be empty.
using BeginRead =
    std::function<std::function<void()>(absl::StatusOr<Sequence>)>;

// Each kind has a thread of its own: none waits for another.
enum class ReadKind { kLookup, kQuery, kEvents };
inline constexpr std::array kReadKinds = {ReadKind::kLookup, ReadKind::kQuery,
                                          ReadKind::kEvents};

struct ReadRequest {
  ReadKind kind = ReadKind::kLookup;
  Freshness freshness;
  // Not fresh enough by then: TOO_STALE (kAtLeastSequence), else, or not begun,
  // OVERLOADED.
  Deadline deadline;
  // Against the limit of reads at a time. Not so for one that waits for many.
  bool counted = true;
  BeginRead begin;
};

class ReplicaHandle {
 public:
  virtual ~ReplicaHandle() = default;

  // Errors: OVERLOADED, DISK_FULL, DRAINING, NOT_PRIMARY, NO_PRIMARY,
  // NO_QUORUM.
  virtual absl::Status Propose(Proposal proposal) = 0;

  // What Propose would say now to a command of `bytes`: for refusing one that
  // is not made yet. Takes nothing; Propose may decide otherwise a moment
  // later.
  virtual absl::Status Admits(size_t bytes) const = 0;

  // Errors, of this call alone: OVERLOADED, DRAINING.
  virtual absl::Status Read(ReadRequest request) = 0;

  // `done` is called once with what the protocol said at once: refused, or
  // begun. RequestResult says how its end is seen in status().
  // Errors, given to `done`: NO_PRIMARY (halted), OVERLOADED, DRAINING; nothing
  // was done.
  virtual void Request(
      OperatorRequest request,
      std::function<void(absl::StatusOr<RequestResult>)> done) = 0;

  // The replica is about to end, and waits for the reads that have begun: long
  // ones had better give up.
  virtual bool ending() const { return false; }

  virtual ReplicaStatus status() const = 0;

  // Waits until the commit point is above `sequence`, the replica stops, or
  // `deadline` has passed; returns the commit point.
  virtual Sequence WaitForCommit(Sequence sequence, Deadline deadline) = 0;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_REPLICA_HANDLE_H_
