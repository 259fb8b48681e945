// What is always true of a Protocol, checked after every step: by the tests,
// and, being cheap, by the replica in production.
//
//   const ProtocolView before = ViewOf(protocol);
//   protocol.Step(event);
//   LEDGERD_CHECK(Violation(before, ViewOf(protocol)).empty());
//
// Source  replication.md, the list at the end; those that speak of several
//         replicas join when there are several.
#ifndef LEDGERD_REPLICATION_CORE_INVARIANTS_H_
#define LEDGERD_REPLICATION_CORE_INVARIANTS_H_

#include <string>

#include "replication/core/protocol.h"

namespace ledgerd::replication {

struct ProtocolView {
  Epoch epoch;
  EntryId last;
  Timestamp last_timestamp;
  Sequence commit;
  bool primary = false;
};

ProtocolView ViewOf(const Protocol& protocol);

// What of the list does not hold between two views of one Protocol, in English;
// empty when all of it does.
std::string Violation(const ProtocolView& before, const ProtocolView& after);

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_CORE_INVARIANTS_H_
