// What a Protocol wants done after an event, in this order, numbered here once:
//
//   1 send_now    appends, heartbeats: a primary's own sync goes on meanwhile
//   2 persist     promise, then entries
//   3 send_after  promises, votes, acknowledgements: only what is durable
//   4 apply       entries up to the commit point
//   5 answer      the clients whose entries were applied
//
// 1 and 3 have nothing to carry while the group has one voter.
#ifndef LEDGERD_REPLICATION_CORE_UPDATE_H_
#define LEDGERD_REPLICATION_CORE_UPDATE_H_

#include <optional>
#include <vector>

#include "proto/entry.h"
#include "proto/types.h"

namespace ledgerd::replication {

struct Update {
  // 2. Make this promise durable, then Step(PromisePersisted).
  std::optional<Epoch> promise;
  // 2. Append these to the journal, make them durable, then
  // Step(EntriesPersisted); several Updates' entries may be persisted together.
  std::vector<Entry> entries;
  // 4. Apply entries up to here; they can never be lost.
  Sequence commit;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_CORE_UPDATE_H_
