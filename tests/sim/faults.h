// Faults makes go wrong what the plan has switched on, at random times, and in
// the end makes all of it right again.
//
//   Faults faults(around, network, nodes);
//   faults.Begin();
//   ...
//   faults.Heal();
//
// Counts  Each fault that really happened.
#ifndef LEDGERD_TESTS_SIM_FAULTS_H_
#define LEDGERD_TESTS_SIM_FAULTS_H_

#include <functional>
#include <vector>

#include "tests/sim/client.h"
#include "tests/sim/network.h"
#include "tests/sim/node.h"
#include "tests/sim/operators.h"

namespace ledgerd::sim {

class Faults {
 public:
  Faults(const Surroundings& around, Network& network, Nodes& nodes,
         Operators& operators)
      : around_(around),
        network_(network),
        nodes_(nodes),
        operators_(operators) {}

  void Begin();
  void Heal();

 private:
  using Fault = std::function<void()>;

  void AddProcessFaults();
  void AddDiskFaults();
  void AddNetworkFaults();
  void AddOperators();
  void Next();

  void Crash(bool power_cut);
  void CrashAll();
  void LoseDisk();
  void Rot();
  void Partition();
  void CutOneWay();
  void Switchover();
  void PauseGroup();

  Node& AnyNode();
  microseconds Between(milliseconds low, milliseconds high);
  // Undoes it after a while, if Heal has not.
  void Later(microseconds delay, const Fault& undo);

  const Surroundings& around_;
  Network& network_;
  Nodes& nodes_;
  Operators& operators_;
  std::vector<Fault> faults_;
  bool healed_ = false;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_FAULTS_H_
