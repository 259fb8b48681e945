#include "tests/sim/network.h"

namespace ledgerd::sim {

using replication::Message;

void Network::Send(Message message) {
  counts_.Add("message");
  if (IsCut(message.from, message.to)) {
    counts_.Add("message cut off");
    return;
  }
  if (random_.Percent(plan_.loss_percent)) {
    counts_.Add("message lost");
    return;
  }
  if (random_.Percent(plan_.duplicate_percent)) {
    counts_.Add("message doubled");
    Post(message);
  }
  Post(std::move(message));
}

void Network::Post(Message message) {
  microseconds delay(
      random_.Between(static_cast<uint64_t>(plan_.delay_min.count()),
                      static_cast<uint64_t>(plan_.delay_max.count())));
  if (random_.Percent(plan_.late_percent)) {
    counts_.Add("message late");
    const auto late_max = static_cast<uint64_t>(plan_.late_max.count());
    delay += microseconds(random_.Between(1000, late_max));
  }
  scheduler_.After(delay, [this, message = std::move(message)]() mutable {
    if (!IsCut(message.from, message.to)) deliver_(std::move(message));
  });
}

void Network::Heal() {
  plan_ = NetworkPlan{};
  Join();
}

}  // namespace ledgerd::sim
