// An Ambush waits for an awkward moment in the life of each primary, and then
// takes it from the others, or these from each other. Chance alone brings about
// too seldom that primaries follow each other so that each leaves entries which
// few have; or that a message is the last that has passed.
//
//   Ambush ambush(around, network, nodes, [&] { return !stopped; });
//   ambush.OnStepped(node);   // after each step
//   ambush.OnArrived(message);
//
// Moments  The step in which the newest primary has begun its epoch, so that
//          nothing of it arrives anywhere; some time after; its first commit;
//          its changes of membership, and where one is committed, which only
//          the primary knows then; where a message of the kind that the plan
//          names has arrived; and where a fetched answer has been withheld.
//          After a change that only its primary has, often the next primary's
//          begin: what that one is asked for then is another change.
// Deeds    One at a time: what a deed has cut is joined by the next one, or
//          after a while.
#ifndef LEDGERD_TESTS_SIM_AMBUSH_H_
#define LEDGERD_TESTS_SIM_AMBUSH_H_

#include <cstdint>
#include <functional>
#include <set>
#include <utility>

#include "replication/core/message.h"
#include "tests/sim/client.h"
#include "tests/sim/network.h"
#include "tests/sim/node.h"

namespace ledgerd::sim {

class Ambush {
 public:
  // `allowed`: whether something may go wrong now.
  Ambush(const Surroundings& around, Network& network, Nodes& nodes,
         std::function<bool()> allowed)
      : around_(around),
        network_(network),
        nodes_(nodes),
        allowed_(std::move(allowed)) {}

  void OnStepped(Node& node);
  void OnArrived(const replication::Message& message);
  // Its sender is gone before it is asked again.
  void OnWithheld(const replication::Message& message);

 private:
  enum class Moment : uint8_t { kNone, kBegun, kLater, kCommitted };

  bool may() const;
  Moment DrawMoment();
  void Await(Node& node);
  void AwaitMore(Node& node);
  void AwaitChange(Node& node);
  void Strike(Node& node);
  ReplicaId AnyOther(const Node& node);
  // From all others.
  void CutOff(const std::set<ReplicaId>& side);
  // The primary, and as many voters as make no majority of all with it.
  void Halve(const Node& node);
  void HalveFor(const Node& node);
  void LeaveAloneWithChange(const Node& node);
  void Crash(Node& node, bool power_cut);
  void CrashOthers(const Node& node);
  // After so many milliseconds, or more.
  void JoinLater(uint64_t shortest = 100);

  const Surroundings& around_;
  Network& network_;
  Nodes& nodes_;
  const std::function<bool()> allowed_;
  // Of the newest primary, and what it was when it began.
  Epoch epoch_;
  Moment moment_ = Moment::kNone;
  Sequence commit_;
  EntryId changed_;
  bool change_settled_ = false;
  bool in_peace_ = false;
  // It has a change of membership that nobody else has.
  bool changed_alone_ = false;
  // When a message may be ambushed again.
  microseconds next_message_{};
  // Counts the deeds.
  uint64_t deeds_ = 0;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_AMBUSH_H_
