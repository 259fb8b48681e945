// A Network carries messages between the replicas, badly.
//
//   Network network(plan, scheduler, random, counts, deliver);
//   network.Send(message);
//
// Fault model  A message is lost, doubled, delayed or overtaken, as the plan
//              says, or lost because the direction is cut. It is never changed,
//              and never comes from nowhere. Heal ends all of that, but what is
//              late already comes late.
#ifndef LEDGERD_TESTS_SIM_NETWORK_H_
#define LEDGERD_TESTS_SIM_NETWORK_H_

#include <functional>
#include <set>
#include <utility>

#include "proto/types.h"
#include "replication/core/message.h"
#include "tests/model/random.h"
#include "tests/sim/counts.h"
#include "tests/sim/plan.h"
#include "tests/sim/scheduler.h"

namespace ledgerd::sim {

class Network {
 public:
  using Deliver = std::function<void(replication::Message)>;

  Network(const NetworkPlan& plan, Scheduler& scheduler, model::Random& random,
          Counts& counts, Deliver deliver)
      : plan_(plan),
        scheduler_(scheduler),
        random_(random),
        counts_(counts),
        deliver_(std::move(deliver)) {}

  void Send(replication::Message message);

  bool IsCut(ReplicaId from, ReplicaId to) const {
    return cut_.count({from, to}) > 0;
  }

  // In this direction.
  void Cut(ReplicaId from, ReplicaId to) { cut_.insert({from, to}); }

  void CutBothWays(ReplicaId a, ReplicaId b) {
    Cut(a, b);
    Cut(b, a);
  }

  void Join() { cut_.clear(); }

  // With all others.
  void Join(ReplicaId id) {
    std::erase_if(cut_, [id](const auto& direction) {
      return direction.first == id || direction.second == id;
    });
  }

  bool whole() const { return cut_.empty(); }

  void Heal();

 private:
  void Post(replication::Message message);

  NetworkPlan plan_;
  Scheduler& scheduler_;
  model::Random& random_;
  Counts& counts_;
  const Deliver deliver_;
  std::set<std::pair<ReplicaId, ReplicaId>> cut_;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_NETWORK_H_
