// Protocol is the first pure machine: how replicas agree on one journal.
//
//   Protocol protocol({.self = ReplicaId(1), .voters = {ReplicaId(1)}}, state);
//   Update update = protocol.Step(Started{now});
//   // Perform it in the order of update.h; tell what came of it by Step.
//
// Shape    Step(Event) -> Update. No threads, no I/O, no clock, no randomness:
//          a function of (state, event). It calls nobody back.
// Roles    Idle until Started; Promising while it makes its epoch durable;
//          Promoting until its epoch_start is committed; Primary from then on.
//          The group has one voter as yet: its own durable entries are a
//          majority.
// Errors   None. What only a bug can do is a check.
// Threads  Belongs to the replica thread.
// Source   replication.md, rules 1, 3 and 6; Ongaro 2014, chapter 3.
#ifndef LEDGERD_REPLICATION_CORE_PROTOCOL_H_
#define LEDGERD_REPLICATION_CORE_PROTOCOL_H_

#include <variant>
#include <vector>

#include "proto/entry.h"
#include "proto/types.h"
#include "replication/core/event.h"
#include "replication/core/update.h"

namespace ledgerd::replication {

// Who takes part; fixed for the life of a Protocol.
struct Group {
  ReplicaId self;
  std::vector<ReplicaId> voters;
};

// What the replica found on its disk.
struct DurableState {
  // The highest epoch that it promised to follow or to begin.
  Epoch promised;
  // The end of its journal, with that entry's final timestamp.
  EntryId last;
  Timestamp last_timestamp;
  // What is known to be committed: its checkpoint.
  Sequence commit;
};

class Protocol {
 public:
  // Requires: `group.voters` is {group.self}.
  Protocol(Group group, const DurableState& state);

  // Advances by one event and returns what must be done about it.
  Update Step(Event event);

  // Whether Proposed may be stepped: the epoch's start is committed.
  bool is_primary() const { return std::holds_alternative<Primary>(role_); }

  // The epoch that this replica has promised, begun or not.
  Epoch epoch() const { return promised_; }

  // The end of the journal as given out by Updates, durable or not.
  const EntryId& last() const { return last_; }

  Timestamp last_timestamp() const { return last_timestamp_; }

  Sequence commit() const { return commit_; }

 private:
  struct Idle {};

  struct Promising {};

  // epoch_start is in the journal at `start`, not committed yet.
  struct Promoting {
    Sequence start;
  };

  struct Primary {};

  Update On(Started event);
  Update On(Proposed event);
  Update On(PromisePersisted event);
  Update On(EntriesPersisted event);

  // Seals `command` as the next entry of this epoch. The final timestamp of an
  // entry that takes n of them is max(last + n, wall clock): ledger.md, Time.
  Entry Append(Command command, Timestamp now);

  Update MakeUpdate(std::vector<Entry> entries = {}) const;

  const Group group_;
  Epoch promised_;
  EntryId last_;
  Timestamp last_timestamp_;
  Sequence durable_;
  Sequence commit_;
  std::variant<Idle, Promising, Promoting, Primary> role_;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_CORE_PROTOCOL_H_
