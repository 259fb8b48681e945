// An IncidentGroup is a group of simulated machines whose daemons record their
// incidents, and clients that pay: everything happens when, and only when, a
// test lets simulated time pass.
//
//   IncidentGroup group({.seed = 7});
//   ASSERT_TRUE(group.RunUntil([&] { return group.Primary() == 0; }));
//   group.Kill(1);
//   group.RunFor(milliseconds(50));
//   group.Start(1);
//
// Shape    Replicas are numbered from 0, as in tests/integration; their ids
//          from 1. The network is a good one, until it is cut. Who ends has
//          broken its connections.
// Checked  What History and Node check: nothing acknowledged is lost, all
//          states are those of the naive ledger.
#ifndef LEDGERD_TESTS_SIM_INCIDENT_GROUP_H_
#define LEDGERD_TESTS_SIM_INCIDENT_GROUP_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "proto/incident.h"
#include "proto/types.h"
#include "replication/replica.h"
#include "tests/model/random.h"
#include "tests/sim/client.h"
#include "tests/sim/counts.h"
#include "tests/sim/history.h"
#include "tests/sim/incident_daemon.h"
#include "tests/sim/network.h"
#include "tests/sim/node.h"
#include "tests/sim/plan.h"
#include "tests/sim/scheduler.h"

namespace ledgerd::sim {

class IncidentGroup {
 public:
  static constexpr size_t kReplicas = 3;

  struct Options {
    uint64_t seed = 0;
    uint32_t timeout_ticks = 50;
  };

  explicit IncidentGroup(const Options& options);

  // ---- time

  void RunFor(microseconds length);
  // False when it does not come about within a simulated minute.
  bool RunUntil(const std::function<bool()>& done);

  microseconds now() const { return scheduler_.now(); }

  // ---- clients

  // Runs until none of them waits for an answer; they ask no more until GoOn.
  bool Hold();
  void GoOn();

  // ---- machines

  Node& node(size_t replica) { return *nodes_.at(ReplicaId(replica + 1)); }

  IncidentDaemon& daemon(size_t replica) { return *daemons_[replica]; }

  Network& network() { return network_; }

  void Kill(size_t replica);
  void CutPower(size_t replica);
  // Its replica has nothing left to do. Requires: it is no primary.
  void Stop(size_t replica);

  void Start(size_t replica) { node(replica).Start(); }

  // From the other replicas.
  void CutOff(size_t replica);

  void Do(size_t replica, const Node::Task& task) { node(replica).Do(task); }

  // ---- what can be seen

  // Who serves, of the highest epoch.
  std::optional<size_t> Primary();
  // All are up, and have applied the same, which is all there is.
  bool AreEqual();
  // Of all that `replica` has applied.
  std::vector<Incident> Records(size_t replica);

  // Replicas that have tried to begin an epoch, and which: seen by the
  // protocol's own state.
  const std::set<std::pair<size_t, uint64_t>>& candidates() const {
    return candidates_;
  }

  const std::string& violation() const { return history_.violation(); }

  // What is not right in the end.
  std::string CheckStates();

 private:
  using Sent = std::function<void(bool)>;

  Plan PlanOf(const Options& options) const;
  void Deliver(replication::Message message);
  void SendCheckpoint(Node& from, const replication::CheckpointOrder& order);
  void OnStepped(Node& node);
  // Its process has ended.
  void BreakConnections(size_t replica);
  void Tell(size_t from, size_t to, replication::Event event);
  void Look(size_t replica);
  // As incident_reporter.h.
  void Report(size_t replica);

  // Of one replica.
  struct Reporting {
    // 0: none.
    uint64_t attempt = 0;
    uint64_t attempts = 0;
    microseconds next{};
  };

  const Plan plan_;
  Scheduler scheduler_;
  model::Random random_;
  Counts counts_;
  History history_;
  const Surroundings around_;
  Network network_;
  Nodes nodes_;
  std::vector<std::unique_ptr<IncidentDaemon>> daemons_;
  std::vector<Reporting> reporting_{kReplicas};
  std::vector<std::unique_ptr<Client>> clients_;
  std::set<std::pair<size_t, uint64_t>> candidates_;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_INCIDENT_GROUP_H_
