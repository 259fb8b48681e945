// Everything that can happen to a Protocol.
#ifndef LEDGERD_REPLICATION_CORE_EVENT_H_
#define LEDGERD_REPLICATION_CORE_EVENT_H_

#include <variant>
#include <vector>

#include "proto/entry.h"
#include "proto/types.h"

namespace ledgerd::replication {

// The replica has opened its journal and may take part. The first event, once.
struct Started {
  Timestamp now;
};

// Clients, or the replica itself, want these journalled, in this order.
// Requires: Protocol::is_primary().
struct Proposed {
  std::vector<Command> commands;
  Timestamp now;
};

// The promise of an Update is durable.
struct PromisePersisted {
  Epoch epoch;
  Timestamp now;
};

// All entries up to `last` that Updates carried are durable. Matched by epoch
// and sequence, never by sequence alone (replication.md, rule 1).
struct EntriesPersisted {
  EntryId last;
};

using Event =
    std::variant<Started, Proposed, PromisePersisted, EntriesPersisted>;

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_CORE_EVENT_H_
