// Faults makes go wrong what the plan has switched on, at random times, and in
// the end makes all of it right again.
//
//   Faults faults(around, network, nodes);
//   faults.Begin();
//   ...
//   faults.Stop();
//   faults.Heal();
//
// Counts  Each fault that really happened.
#ifndef LEDGERD_TESTS_SIM_FAULTS_H_
#define LEDGERD_TESTS_SIM_FAULTS_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "replication/core/message.h"
#include "tests/sim/ambush.h"
#include "tests/sim/bridge.h"
#include "tests/sim/client.h"
#include "tests/sim/network.h"
#include "tests/sim/node.h"
#include "tests/sim/old_disk.h"
#include "tests/sim/operators.h"

namespace ledgerd::sim {

class Faults {
 public:
  Faults(const Surroundings& around, Network& network, Nodes& nodes,
         Operators& operators)
      : around_(around),
        network_(network),
        nodes_(nodes),
        operators_(operators),
        old_disk_(around, network, nodes),
        bridge_(around, network, nodes),
        ambush_(around, network, nodes,
                [this] { return !stopped_ && !old_disk_.running(); }) {}

  void Begin();

  // After each step of a replica.
  void OnStepped(Node& node) { ambush_.OnStepped(node); }

  // A replica has taken it.
  void OnArrived(const replication::Message& message) {
    ambush_.OnArrived(message);
  }

  // The network keeps it back.
  void OnWithheld(const replication::Message& message) {
    ambush_.OnWithheld(message);
  }

  // A primary hears nobody, and somebody watches what comes of it.
  bool bridges() const { return bridge_.running(); }

  // Nothing new goes wrong, and all connections are good.
  void Stop();
  // All that is wrong still is made right. Requires: stopped.
  void Heal();

 private:
  using Fault = std::function<void()>;

  void AddProcessFaults();
  void AddDiskFaults();
  void AddNetworkFaults();
  void AddOperators();
  void Next();

  void Crash(Node& node, bool power_cut);
  void CrashAll();
  void LoseDisk();
  void Damage();
  void DamageDiskOf(Node& node);
  void Partition();
  void CutOneWay();
  void Flap();
  void CutAndJoin(ReplicaId alone, uint64_t times);
  void Isolate(ReplicaId alone);
  void Freeze();
  void Resize();
  void Switchover();
  void PauseGroup();

  Node& AnyNode();
  // A primary rather than others, when they are hunted.
  Node& Victim();
  // A primary as often as not.
  Node& PrimaryOrAny();
  microseconds Between(milliseconds low, milliseconds high);
  // Undoes it after a while, if Heal has not.
  void Later(microseconds delay, const Fault& undo);

  const Surroundings& around_;
  Network& network_;
  Nodes& nodes_;
  Operators& operators_;
  OldDisk old_disk_;
  Bridge bridge_;
  Ambush ambush_;
  std::vector<Fault> faults_;
  bool stopped_ = false;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_FAULTS_H_
