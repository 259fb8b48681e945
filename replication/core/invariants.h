// What is always true of Protocols, checked after every step: of one, by the
// replica in production too, being cheap; of a whole group, by the tests.
//
//   const ProtocolView before = ViewOf(protocol);
//   protocol.Step(event, now);
//   LEDGERD_CHECK(Violation(before, ViewOf(protocol)).empty());
//
// Source  replication.md, the list at the end; its numbers are beside the
//         checks.
#ifndef LEDGERD_REPLICATION_CORE_INVARIANTS_H_
#define LEDGERD_REPLICATION_CORE_INVARIANTS_H_

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "replication/core/protocol.h"

namespace ledgerd::replication {

struct ProtocolView {
  Epoch epoch;
  Fork fork;
  EntryId last;
  Timestamp last_timestamp;
  Sequence durable;
  Sequence commit;
  // In this epoch, by this process.
  Sequence acknowledged;
  // Has begun its epoch.
  bool primary = false;
};

ProtocolView ViewOf(const Protocol& protocol);

// What of the list does not hold between two views of one Protocol, in English;
// empty when all of it does.
std::string Violation(const ProtocolView& before, const ProtocolView& after);

// What a group must agree on. It remembers what was committed and who was
// primary, so it must see every step.
class GroupInvariants {
 public:
  // After a step of any of them. What does not hold, in English.
  std::string Check(const std::vector<const Protocol*>& replicas);

  // The last sequence that is committed in `fork`, as far as anyone knows.
  Sequence committed(Fork fork) const;

 private:
  using Position = std::tuple<Fork, Epoch, Sequence>;

  std::string CheckPrimary(const Protocol& replica);
  std::string CheckJournal(const Protocol& replica);
  std::string CheckCommitted(const Protocol& replica);

  std::map<std::pair<Fork, Epoch>, ReplicaId> primaries_;
  std::map<Position, Hash256> entries_;
  std::map<std::pair<Fork, Sequence>, EntryId> committed_;
  // Of those first seen committed in each epoch.
  std::map<std::pair<Fork, Epoch>, Sequence> last_committed_;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_CORE_INVARIANTS_H_
