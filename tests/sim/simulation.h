// A Simulation is one run: a group of real replicas, clients that retry, and
// what goes wrong, all decided by one seed.
//
//   const Outcome outcome = Simulation(MakePlan(seed)).Run();
//   EXPECT_EQ(outcome.violation, "");
//
// Shape    Two phases. Under fire: faults come and go, and nothing may be
//          wrong. Then all is healed: within Plan::heal_max the group answers
//          every client again, and all states are equal. Without the atlas
//          (plan.h) it need not where damaged disks leave no majority; what it
//          does is right.
// Checked  After every step of a replica: the invariants of
//          replication/core/invariants.h, and what History and Node check. Of
//          an acknowledgement: that the primary has the same entry (rule 2). Of
//          a primary that hears no majority: that it steps down (rule 7).
// Source   reliability.md, Simulation.
#ifndef LEDGERD_TESTS_SIM_SIMULATION_H_
#define LEDGERD_TESTS_SIM_SIMULATION_H_

#include <cstdint>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "replication/core/invariants.h"
#include "tests/model/random.h"
#include "tests/sim/client.h"
#include "tests/sim/counts.h"
#include "tests/sim/faults.h"
#include "tests/sim/forced_promotion.h"
#include "tests/sim/history.h"
#include "tests/sim/mutation.h"
#include "tests/sim/network.h"
#include "tests/sim/node.h"
#include "tests/sim/operators.h"
#include "tests/sim/plan.h"
#include "tests/sim/scheduler.h"

namespace ledgerd::sim {

struct Outcome {
  // Empty when all was right.
  std::string violation;
  // Equal for equal runs.
  uint64_t trace = 0;
  microseconds simulated{};
  Counts counts;
};

class Simulation {
 public:
  // Tells `story` all that happens, if there is one.
  explicit Simulation(const Plan& plan, Mutation mutation = Mutation::kNone,
                      std::ostream* story = nullptr);

  // Called once.
  Outcome Run();

 private:
  void Deliver(replication::Message message);
  void OnStepped(Node& node);
  void SendCheckpoint(Node& from, const replication::CheckpointOrder& order);
  // A forced promotion has begun.
  void Force();
  void CheckAcknowledged(const replication::Message& message);
  void WatchPrimaries();
  bool HearsMajority(const Node& node) const;
  void Trace(uint64_t value);
  void Tell(absl::string_view what);
  // Until `done`, or a violation, or for `length` at most.
  bool RunUntil(microseconds length, const std::function<bool()>& done);
  bool AllServed() const;
  bool Converged() const;
  std::string WhereTheyAre() const;
  // Within bounded times all clients are answered, and all states are equal.
  void Serve();
  bool HasHalted(const Node& node) const;
  bool CanServe() const;
  void CheckEnd();

  const Plan plan_;
  std::ostream* const story_;
  Scheduler scheduler_;
  model::Random random_;
  Counts counts_;
  History history_;
  replication::GroupInvariants group_;
  const Surroundings around_;
  Network network_;
  Nodes nodes_;
  std::vector<std::unique_ptr<Client>> clients_;
  Operators operators_;
  Faults faults_;
  ForcedPromotion forced_;
  std::map<ReplicaId, replication::ProtocolView> views_;
  // Primaries that hear no majority, and since when.
  std::map<ReplicaId, microseconds> lonely_;
  uint64_t trace_ = 0;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_SIMULATION_H_
