// A Network carries messages between the replicas, badly.
//
//   Network network(plan, scheduler, random, counts, deliver);
//   network.Send(message);
//
// Fault model  A message is lost, doubled, delayed or overtaken, as the plan
//              says, or lost because the direction is cut; an answer may come
//              when its receiver asks somebody again. It is never changed,
//              and never comes from nowhere. Heal ends all of that, but what is
//              late already comes late.
#ifndef LEDGERD_TESTS_SIM_NETWORK_H_
#define LEDGERD_TESTS_SIM_NETWORK_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

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

  using Withheld = std::function<void(const replication::Message&)>;

  Network(const NetworkPlan& plan, Scheduler& scheduler, model::Random& random,
          Counts& counts, Deliver deliver, Withheld withheld)
      : plan_(plan),
        scheduler_(scheduler),
        random_(random),
        counts_(counts),
        deliver_(std::move(deliver)),
        withheld_(std::move(withheld)) {}

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

  // The next message of `kind` (of Body::index) in this direction waits for
  // ReleaseHeld.
  void HoldNext(ReplicaId from, ReplicaId to, size_t kind) {
    hold_ = Held{from, to, kind, std::nullopt};
  }

  void ReleaseHeld();

 private:
  struct Held {
    ReplicaId from;
    ReplicaId to;
    size_t kind = 0;
    std::optional<replication::Message> message;
  };

  bool Hold(const replication::Message& message);
  bool Withhold(const replication::Message& message);
  void BringLateAnswers(const replication::Message& question);
  void Post(replication::Message message);

  NetworkPlan plan_;
  Scheduler& scheduler_;
  model::Random& random_;
  Counts& counts_;
  const Deliver deliver_;
  // An answer will come when its question has been given up.
  const Withheld withheld_;
  std::set<std::pair<ReplicaId, ReplicaId>> cut_;
  std::optional<Held> hold_;
  // Until their receiver asks again, in a later epoch.
  std::vector<replication::Message> late_answers_;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_NETWORK_H_
