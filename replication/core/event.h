// Everything that can happen to a Protocol.
#ifndef LEDGERD_REPLICATION_CORE_EVENT_H_
#define LEDGERD_REPLICATION_CORE_EVENT_H_

#include <cstdint>
#include <variant>
#include <vector>

#include "proto/entry.h"
#include "proto/membership.h"
#include "proto/types.h"
#include "replication/core/message.h"
#include "replication/core/update.h"

namespace ledgerd::replication {

// The replica has opened its journal and may take part. The first event, once.
struct Started {};

// Time passes: one every 10 ms.
struct Tick {
  // Whether the replica's and the journal's threads get on with their work. A
  // primary that does not is silent (rule 4).
  bool progressing = true;
  // Entries up to here have been answered to clients.
  Sequence answered_through;
  // The journal has entries that the state lacks and that memory has not: they
  // would have to be read back before this replica could serve.
  bool replaying = false;
  // How many this one stands for: more when the thread was busy. Heartbeats are
  // due by time; silence counts only while somebody listened.
  uint32_t passed = 1;
};

struct Received {
  Message message;
};

// The connection to the process of `peer` was reset or refused: it is gone, not
// merely silent.
struct ConnectionBroken {
  ReplicaId peer;
};

// This write of an Update, and all before it, are durable.
struct Persisted {
  WriteId write;
};

// What a JournalRead has found, with the id of the entry before; no entries
// when the journal does not reach back so far.
struct EntriesRead {
  JournalRead read;
  EntryId previous;
  std::vector<Entry> entries;
};

// Clients, or the replica itself, want these journalled, in this order.
// Requires: Protocol::takes_proposals().
struct Proposed {
  std::vector<Command> commands;
};

// The state's checkpoint is durable. Below it the journal's ids are forgotten.
struct CheckpointTaken {
  Sequence checkpoint;
};

// A CheckpointOrder has come to its end.
struct CheckpointSent {
  ReplicaId to;
};

// A checkpoint has been received aside, verified and synced. It becomes this
// replica's only if its sender may still send one (rule 9): then the Update
// has a write with `install`.
struct CheckpointReceived {
  ReplicaId from;
  // Of its CheckpointOrder.
  Epoch epoch;
  EntryId checkpoint;
  Timestamp timestamp;
  Membership membership;
};

// A linearizable read (rule 10).
struct ReadArrived {
  ReadId read;
};

// This replica cannot go on: a write or a sync has failed, so that what it has
// given out last may never be durable here, or it cannot read what it needs.
struct DiskFailed {};

// ---- requests; each is answered by Update::request

// Promote this standby, though nobody has fallen silent (rule 12).
struct PromotionRequested {};

// Hand over to `target`.
struct SwitchoverRequested {
  ReplicaId target;
  // For how long writes are held at most; 0: Timing::switchover_ticks.
  uint32_t ticks = 0;
  // Nobody wants it: the disk is too slow to go on with.
  bool failed = false;
};

// Begin a new fork in which this replica is the only member (rule 15).
struct ForcePromotionRequested {};

enum class MembershipChange : uint8_t {
  kAddLearner,
  kAddWitness,
  kMakeVoter,  // Of a learner that has caught up.
  kRemove,
};

struct MembershipRequested {
  MembershipChange change = MembershipChange::kAddLearner;
  ReplicaId id;
  Incarnation incarnation;
};

struct PauseRequested {
  bool paused = false;
  // 0: without end.
  Timestamp until;
};

using Event =
    std::variant<Started, Tick, Received, ConnectionBroken, Persisted,
                 EntriesRead, Proposed, CheckpointTaken, CheckpointSent,
                 CheckpointReceived, ReadArrived, DiskFailed,
                 PromotionRequested, SwitchoverRequested,
                 ForcePromotionRequested, MembershipRequested, PauseRequested>;

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_CORE_EVENT_H_
