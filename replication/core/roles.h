// What a Protocol remembers for as long as it has a role, and no longer.
//
// Shape   Idle until Started; then a Standby until it is a Candidate, which
//         becomes Primary or a Standby again. Halted is for good. Learners and
//         witnesses are standbys whose membership says so.
#ifndef LEDGERD_REPLICATION_CORE_ROLES_H_
#define LEDGERD_REPLICATION_CORE_ROLES_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "proto/entry.h"
#include "proto/membership.h"
#include "proto/types.h"
#include "replication/core/message.h"

namespace ledgerd::replication {

struct Idle {};

// Nothing is done any more: an operator must look (Protocol::alarms()), or its
// disk has failed.
struct Halted {
  // Whom it has told to take over, if that was to be.
  std::optional<ReplicaId> successor;
};

// A round of asking whether the others would leave the primary too (rule 5).
struct Asking {
  Epoch epoch;
  std::set<ReplicaId> yes;
  uint32_t ticks = 0;
};

struct Standby {
  // Of the promised epoch, once it has been heard.
  std::optional<ReplicaId> primary;
  // Who was promised this epoch, by this process.
  std::optional<ReplicaId> promised_to;
  // The promise's answer waits for its sync.
  bool promise_owed = false;
  // A checkpoint is on its way to whom it was promised.
  bool sending_checkpoint = false;
  // Since the primary was heard, and when that is too long.
  uint32_t silent_ticks = 0;
  uint32_t timeout_ticks = 0;
  // The primary's last quorum round known, and since when.
  Round completed;
  uint32_t round_ticks = 0;
  // Equal to the primary's journal up to here; known in this epoch alone.
  Sequence verified;
  Sequence acknowledged;
  Sequence primary_commit;
  std::optional<Asking> asking;
  // Reads here that wait for the primary's word, ascending; the last one that
  // it was asked about, which stands for all before, and since when.
  std::deque<ReadId> reads;
  std::optional<ReadId> asked;
  uint32_t asked_ticks = 0;
  // Somebody who asks for this epoch was given way to.
  Epoch gave_way_for;
};

struct Candidate {
  // The journal that this epoch will begin with.
  struct Best {
    ReplicaId source;
    EntryId base;
    EntryId last;
  };

  // Its own promise is durable, and the others have been asked.
  bool asking = false;
  // Begins a fork: nobody else is asked (rule 15).
  bool forced = false;
  std::set<std::pair<ReplicaId, Incarnation>> asked;
  std::map<ReplicaId, Promise> promises;
  // Of the disks that gave these: another disk of the same replica has promised
  // nothing.
  std::map<ReplicaId, Incarnation> givers;
  std::optional<Best> best;
  // Where the next fetch begins.
  EntryId fetch_after;
  bool wants_checkpoint = false;
  // It is on its way, since when, and when it is asked for again.
  bool fetching = false;
  uint32_t fetch_ticks = 0;
  uint32_t fetch_patience = 0;
  // Since something came of it, and when that is too long.
  uint32_t idle_ticks = 0;
  uint32_t timeout_ticks = 0;
};

// Another replica, as its primary sees it.
struct Progress {
  enum class State : uint8_t {
    kProbing,     // Where its journal meets this one is not known yet.
    kStreaming,   // Sent to without waiting.
    kInstalling,  // A checkpoint is on its way.
  };

  struct InFlight {
    Sequence through;
    uint64_t bytes = 0;
  };

  Member member;
  State state = State::kProbing;
  // The first that has not been sent.
  Sequence next;
  Sequence acknowledged;
  // As it said itself, to see what was lost; how often it has said so again,
  // once in the time of a heartbeat, and how long ago that was.
  Sequence received;
  uint32_t repeats = 0;
  uint32_t repeat_ticks = 0;
  Round round;
  // Since it has answered a round of this epoch; nothing: never, or its
  // process is gone.
  std::optional<uint32_t> silent_ticks;
  Sequence checkpoint;
  bool replaying = false;
  // While probing: it has been asked.
  bool asked = false;
  bool reading = false;
  std::deque<InFlight> in_flight;
  uint64_t in_flight_bytes = 0;
};

struct PendingRead {
  ReadId read;
  // Who asked; the primary itself or a standby.
  ReplicaId from;
  Sequence at_least;
  // The first round that began after the read had arrived.
  Round round;
};

struct Switchover {
  ReplicaId target;
  uint32_t ticks_left = 0;
  bool told = false;
  // As PromoteNow says it.
  bool failed = false;
};

struct Primary {
  // epoch_start. Nothing is answered before it is committed.
  Sequence start;
  // By id.
  std::map<ReplicaId, Progress> peers;
  // The newest entries, for those who are nearly there.
  std::deque<Entry> recent;
  uint64_t recent_bytes = 0;
  Round round;
  Round completed;
  uint32_t heartbeat_ticks = 0;
  // As the last tick said: else it begins no rounds (rule 4).
  bool progressing = true;
  // Since a round was completed.
  uint32_t round_ticks = 0;
  std::deque<PendingRead> reads;
  std::optional<Switchover> switchover;
  Sequence answered_through;
};

using RoleState = std::variant<Idle, Standby, Candidate, Primary, Halted>;

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_CORE_ROLES_H_
