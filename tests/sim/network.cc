#include "tests/sim/network.h"

namespace ledgerd::sim {

void Network::Send(const replication::Message& message) {
  counts_.Add("message");
  if (IsCut(message.from, message.to)) {
    counts_.Add("message cut off");
    return;
  }
  if (random_.Percent(plan_.loss_percent)) {
    counts_.Add("message lost");
    return;
  }
  Post(message);
  if (random_.Percent(plan_.duplicate_percent)) {
    counts_.Add("message doubled");
    Post(message);
  }
}

void Network::Post(const replication::Message& message) {
  microseconds delay(
      random_.Between(static_cast<uint64_t>(plan_.delay_min.count()),
                      static_cast<uint64_t>(plan_.delay_max.count())));
  if (random_.Percent(plan_.late_percent)) {
    counts_.Add("message late");
    delay += milliseconds(random_.Between(1, 1500));
  }
  scheduler_.After(delay, [this, message] {
    if (!IsCut(message.from, message.to)) deliver_(message);
  });
}

void Network::Heal() {
  plan_ = NetworkPlan{};
  Join();
}

}  // namespace ledgerd::sim
