// A Bridge is a network in which a primary that hears nobody is heard by some
// still, or by all, and these hear the others (rules 5 and 7): a majority hears
// each other, and soon has a primary of its own.
//
//   Bridge bridge(around, network, nodes);
//   bridge.Begin();
//   if (bridge.running()) ...   // no other fault
//
// Fault model  Whatever is sent to the primary is lost, and what it sends to a
//              voter, so that this one may ask the others; unless the plan says
//              that all hear it. Nothing else goes wrong meanwhile, or nobody
//              could say how long the promotion may take.
#ifndef LEDGERD_TESTS_SIM_BRIDGE_H_
#define LEDGERD_TESTS_SIM_BRIDGE_H_

#include "tests/sim/client.h"
#include "tests/sim/network.h"
#include "tests/sim/node.h"

namespace ledgerd::sim {

class Bridge {
 public:
  Bridge(const Surroundings& around, Network& network, Nodes& nodes)
      : around_(around), network_(network), nodes_(nodes) {}

  // Nothing when the group is not whole, or has no primary.
  void Begin();

  bool running() const { return running_; }

  // Goes no further.
  void Stop() { running_ = false; }

 private:
  const Node* FindPrimary() const;
  void Deafen(ReplicaId primary);
  bool HasAnother() const;
  void Await();

  const Surroundings& around_;
  Network& network_;
  Nodes& nodes_;
  bool running_ = false;
  Epoch epoch_;
  // When there has to be another one.
  microseconds until_{};
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_BRIDGE_H_
