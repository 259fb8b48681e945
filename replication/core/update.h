// What a Protocol wants done after an event, in this order, numbered here once:
//
//   1 send_now    appends, heartbeats: a primary's own sync goes on meanwhile
//   2 persist     cut, superblock, entries
//   3 send_after  promises, votes, acknowledgements: only what is durable
//   4 apply       entries up to the commit point
//   5 answer      the clients whose entries were applied, and reads
//
// Nothing of it has to be held: what must wait for a sync waits in the
// Protocol, and is in the Update of the Persisted that ends the wait.
#ifndef LEDGERD_REPLICATION_CORE_UPDATE_H_
#define LEDGERD_REPLICATION_CORE_UPDATE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "proto/base/strong_int.h"
#include "proto/entry.h"
#include "proto/membership.h"
#include "proto/types.h"
#include "replication/core/durable_state.h"
#include "replication/core/message.h"

namespace ledgerd::replication {

// Numbers a Protocol's writes: 1, 2, 3, ... since its start.
using WriteId = StrongInt<struct WriteIdTag>;

// The superblock's part that is the protocol's.
struct SuperblockWrite {
  Epoch promised;
  Fork fork;
  Membership membership;
  Membership membership_before;
};

// One write, performed in the order of its members; each may be missing.
struct JournalWrite {
  WriteId id;
  // The journal is replaced by the end of a checkpoint that was received (rule
  // 9): it is empty and goes on after this entry.
  std::optional<EntryId> install;
  // Copy this and all after it aside, then remove it (rule 8).
  std::optional<Sequence> cut;
  std::optional<SuperblockWrite> superblock;
  std::vector<Entry> entries;
  // Damaged entries as another replica has them, to be written in their places.
  std::vector<Entry> repairs;
  // Stored beside the entries.
  Sequence commit;
};

// Read the journal for somebody: then Step(EntriesRead).
struct JournalRead {
  ReplicaId to;
  // The sender's epoch as it asked; the answer is worth nothing in another one.
  Epoch epoch;
  Sequence from;
  // Not beyond.
  Sequence through;
  uint64_t bytes_max = 0;
  // For a candidate's Fetch, not for a primary's Append.
  bool fetch = false;
  // Of a Fetch, as it was asked.
  EntryId previous;
};

// Begin to send the newest checkpoint: ends in CheckpointSent. At the other end
// it comes out as CheckpointReceived, with this epoch.
struct CheckpointOrder {
  ReplicaId to;
  Epoch epoch;
};

// The state as of `at_least`, or later, answers the read.
struct ReadReady {
  ReadId read;
  Sequence at_least;
};

// What an operator must know.
enum class Alarm : uint8_t {
  // A primary's journal differs below this commit point. Halted.
  kDiffersBelowCommit,
  // The group has gone on in a higher fork without this replica. Halted.
  kForkedOff,
  // A candidate lacks an entry that only a missing replica may have whole.
  kWaitsForDamaged,
  // The disk is older than what others have seen from this replica.
  kDiskIsOld,
  // Two voters never promote by themselves.
  kPairWithoutPrimary,
  // An even number of voters survives no more than one fewer.
  kFourVoters,
};

// Why a request was not begun.
enum class Refusal : uint8_t {
  kNone,
  kNotPrimary,
  kAsksFirst,      // What the others have seen of it (rule 14).
  kHasPrimary,     // There is one: ask it for a switchover.
  kChangePending,  // One change of membership at a time.
  kNotCaughtUp,    // The learner, or the target.
  kNoSuchMember,   // Or of another role.
  kIdInUse,        // Or an incarnation that was there already.
  kTooManyMembers,
  kLastVoter,         // Nobody would be left who can be primary.
  kNoLivingMajority,  // Too few of the voters that would be left are heard.
  kNotAVoter,         // Learners and witnesses are never primary.
  kHalted,
};

// What became of the request that was stepped.
struct RequestResult {
  Refusal refusal = Refusal::kNone;
  // Done when this is committed; 0: when the role has changed.
  Sequence sequence;
};

struct Update {
  // 1.
  std::vector<Message> send_now;
  // 2. Then Step(Persisted). Several writes may be made durable together.
  std::optional<JournalWrite> persist;
  // 3.
  std::vector<Message> send_after;
  // 4. Apply entries up to here; they can never be lost, and are durable here.
  Sequence commit;
  // 5. No longer primary: writes that wait end in OUTCOME_UNKNOWN.
  bool stepped_down = false;
  // 5.
  std::vector<ReadReady> reads_ready;
  // 5. Not to be answered here now.
  std::vector<ReadId> reads_refused;
  // 5.
  std::optional<RequestResult> request;
  // In any order.
  std::vector<JournalRead> journal_reads;
  std::vector<CheckpointOrder> send_checkpoints;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_CORE_UPDATE_H_
