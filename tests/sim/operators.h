// Operators do what a group cannot do by itself: ask one of a pair to promote
// itself, take replicas out of the group, and give one that has lost its disk
// its place back, as a new incarnation, by one change of membership after the
// other.
//
//   Operators operators(around, nodes);
//   operators.Begin();
//   if (operators.MayLoseDisk()) operators.Replace(node);
//
// Shape   They ask whoever says that it has begun an epoch, also one that has
//         been deposed or cannot commit anything; do not wait for a change to
//         be committed before they ask for the next; and may want one thing of
//         one and another of the other. The group refuses.
// Atlas   One disk at a time, and only of groups that keep every entry
//         elsewhere: not before the one before is a voter again.
#ifndef LEDGERD_TESTS_SIM_OPERATORS_H_
#define LEDGERD_TESTS_SIM_OPERATORS_H_

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "replication/core/event.h"
#include "tests/sim/client.h"
#include "tests/sim/node.h"

namespace ledgerd::sim {

class Operators {
 public:
  Operators(const Surroundings& around, Nodes& nodes)
      : around_(around), nodes_(nodes) {}

  void Begin();

  // It has begun an epoch, changed the membership, or committed a change.
  void OnStepped(Node& node);

  // Whether all members have their disks, and there are enough of them.
  bool MayLoseDisk() const;

  // Whether there are enough to take two out, of five also while another is on
  // its way back.
  bool MayResize() const;

  // Takes two of four or five voters out. Once one is out, it loses its disk,
  // and comes back in its turn. Requires: MayResize.
  void Resize();

  const std::set<ReplicaId>& leaving() const { return leaving_; }

  // It comes back with an empty disk.
  void Replace(Node& node);

  // Is no member any more, and will be one as a new incarnation, in its turn.
  void BringBack(ReplicaId id) { out_.push_back(id); }

  // Nothing is left to do.
  bool done() const {
    return !replacing_.has_value() && leaving_.empty() && out_.empty();
  }

 private:
  void Look();
  void Ask(Node& leader);
  bool AllAreWhole() const;
  bool IsPair() const;
  void LeadPair();
  std::vector<Node*> Leaders() const;
  void Advance(Node& leader);
  void TakeOut(Node& leader);
  microseconds TimeOut();
  void Request(Node& leader, const replication::MembershipRequested& change);
  std::optional<replication::MembershipRequested> NextChange(
      const Membership& membership, const Member& wanted) const;

  const Surroundings& around_;
  Nodes& nodes_;
  std::optional<ReplicaId> replacing_;
  // To be taken out of the group, and taken out: they run on until then.
  std::set<ReplicaId> leaving_;
  std::vector<ReplicaId> out_;
  microseconds out_until_{};
  // Whom a primary has taken out last, in its journal.
  ReplicaId removed_;
  // The newest epoch and membership that was seen, and whether it was
  // committed.
  Epoch epoch_;
  EntryId changed_;
  bool settled_ = false;
  // How often it has found no primary.
  uint64_t headless_ = 0;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_OPERATORS_H_
