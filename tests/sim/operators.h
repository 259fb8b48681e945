// Operators do what a group cannot do by itself: ask one of a pair to promote
// itself, and give a replica that has lost its disk its place back, as a new
// incarnation, by one change of membership after the other.
//
//   Operators operators(around, nodes);
//   operators.Begin();
//   if (operators.MayLoseDisk()) operators.Replace(node);
//
// Atlas   One disk at a time, and only of groups that keep every entry
//         elsewhere: not before the one before is a voter again, and all have
//         that on their disks.
#ifndef LEDGERD_TESTS_SIM_OPERATORS_H_
#define LEDGERD_TESTS_SIM_OPERATORS_H_

#include <cstdint>
#include <optional>

#include "replication/core/event.h"
#include "tests/sim/client.h"
#include "tests/sim/node.h"

namespace ledgerd::sim {

class Operators {
 public:
  Operators(const Surroundings& around, Nodes& nodes)
      : around_(around), nodes_(nodes) {}

  void Begin();

  // Whether all members have their disks, and there are enough of them.
  bool MayLoseDisk() const;

  // It comes back with an empty disk.
  void Replace(Node& node);

  // Nothing is left to do.
  bool done() const { return !replacing_.has_value(); }

 private:
  void Look();
  bool IsPair() const;
  void LeadPair();
  void Advance(Node& primary);
  std::optional<replication::MembershipRequested> NextChange(
      const Membership& membership, const Member& wanted) const;
  Node* Primary();

  const Surroundings& around_;
  Nodes& nodes_;
  std::optional<ReplicaId> replacing_;
  // How often it has found no primary.
  uint64_t headless_ = 0;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_OPERATORS_H_
