// What replicas say to each other.
//
// Shape    An envelope (who, to whom, in which fork and epoch) and one body.
// Network  May lose, delay, double and reorder messages; never invents one.
// Source   replication.md; the number beside a body is its rule.
#ifndef LEDGERD_REPLICATION_CORE_MESSAGE_H_
#define LEDGERD_REPLICATION_CORE_MESSAGE_H_

#include <cstdint>
#include <variant>
#include <vector>

#include "proto/base/strong_int.h"
#include "proto/entry.h"
#include "proto/membership.h"
#include "proto/types.h"
#include "replication/core/durable_state.h"

namespace ledgerd::replication {

// Counts a primary's quorum rounds within its epoch.
using Round = StrongInt<struct RoundTag>;
// Names a read, as its replica does.
using ReadId = StrongInt<struct ReadIdTag>;

// ---- from a primary

// 2. The entries after `previous`; none when it only asks whether `previous` is
// there.
struct Append {
  EntryId previous;
  std::vector<Entry> entries;
  Sequence commit;
};

// 4.
struct Heartbeat {
  Sequence commit;
  Round round;
  Round completed;
  // Entries up to here have been answered to clients.
  Sequence answered_through;
  Timestamp wall;
  // The lowest checkpoint of the voters with state: a witness keeps what is
  // above it (16).
  Sequence lowest_checkpoint;
  // Up to here the primary's own journal is durable, which counts as its
  // acknowledgement (14).
  Sequence durable;
};

// 12. Promote now, without asking first.
struct PromoteNow {
  // Nobody wants it: the primary's disk has failed, or is too slow.
  bool failed = false;
};

// ---- to a primary

// 2. All up to here is verified against this epoch's primary, and durable.
struct Acknowledged {
  Sequence through;
};

// 14. All up to here is verified, but counts for nothing: the disk came back
// old, or others have not said yet whether it did.
struct Matched {
  Sequence through;
};

// 2. `previous` is not there. `last_common` may be: go on from it.
struct Mismatch {
  EntryId previous;
  EntryId last_common;
};

// 4. Also says again what is acknowledged, and what has arrived.
struct HeartbeatAnswer {
  Round round;
  Sequence through;
  Sequence received;
  Sequence checkpoint;
  // It could not serve at once, were it primary.
  bool replaying = false;
};

// To whoever speaks in an older epoch: mine is the envelope's, and durable.
struct StaleEpoch {};

// ---- promotion

// 5. Would you leave the primary for `epoch` too?
struct WouldYouLeave {
  Epoch epoch;
  EntryId last;
};

struct WouldLeave {
  Epoch epoch;
  bool yes = false;
};

// 6. Promise me the envelope's epoch.
struct PromiseRequest {};

// 6. Promised, and durable. What my journal holds, as far as it is durable.
struct Promise {
  EntryId base;
  EntryId last;
  Sequence commit;
  std::vector<Sequence> damaged;
  // That which the journal ends with.
  Membership membership;
};

// 6. What follows `previous` in your journal, up to `through`.
struct Fetch {
  EntryId previous;
  Sequence through;
};

struct Fetched {
  EntryId previous;
  std::vector<Entry> entries;
};

// `previous` is not in the source's journal; `last_common` may be in both.
struct FetchMismatch {
  EntryId previous;
  EntryId last_common;
};

// 6, 9. Send me a checkpoint: your journal begins after my end.
struct FetchCheckpoint {};

// ---- others

// 10. Reads that another replica was asked, up to this one: how far must I have
// applied?
struct ReadIndex {
  ReadId read;
};

struct ReadIndexAnswer {
  ReadId read;
  bool ok = false;
  Sequence at_least;
};

// 14. I have restarted: what have you seen from me?
struct Recall {
  ProcessId process;
};

// Unasked too, from a witness that hears no primary.
struct Recalled {
  // The highest promise.
  Epoch promise;
  // The newest entry that it has acknowledged: by its epoch first. What it has
  // acknowledged as a primary, to itself, counts too.
  Epoch acknowledged_epoch;
  Sequence acknowledged;
  // That of who remembers: newer than the asker's, perhaps.
  Membership membership;
  // Whom it answers: what was said to a process before may be older than what
  // that has promised since. 0: nobody has asked.
  ProcessId asked_by;
};

using Body =
    std::variant<Append, Heartbeat, PromoteNow, Acknowledged, Matched, Mismatch,
                 HeartbeatAnswer, StaleEpoch, WouldYouLeave, WouldLeave,
                 PromiseRequest, Promise, Fetch, Fetched, FetchMismatch,
                 FetchCheckpoint, ReadIndex, ReadIndexAnswer, Recall, Recalled>;

struct Message {
  ReplicaId from;
  Incarnation from_incarnation;
  ReplicaId to;
  Incarnation to_incarnation;
  Fork fork;
  // The sender's promise.
  Epoch epoch;
  Body body;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_CORE_MESSAGE_H_
