#include "tests/sim/bridge.h"

#include <algorithm>
#include <vector>

namespace ledgerd::sim {
namespace {

constexpr microseconds kLookEvery = milliseconds(20);
// That of a replica's ticks, and what goes beyond a few timeouts: disks and
// ways.
constexpr microseconds kTick = milliseconds(10);
constexpr microseconds kSpare = seconds(1);
constexpr uint32_t kTimeouts = 10;

}  // namespace

void Bridge::Begin() {
  if (running_ || nodes_.size() < 3 || !network_.whole()) return;
  const Node* const primary = FindPrimary();
  if (primary == nullptr) return;
  around_.counts.Add("deaf primary, and a bridge");
  running_ = true;
  epoch_ = primary->protocol().epoch();
  Deafen(primary->id());
  until_ = around_.scheduler.now() + kSpare +
           kTimeouts * around_.plan.timing.timeout_ticks * kTick;
  Await();
}

const Node* Bridge::FindPrimary() const {
  const Node* primary = nullptr;
  for (const auto& [id, node] : nodes_) {
    if (!node->up() || node->paused()) return nullptr;
    if (node->protocol().is_primary()) primary = node.get();
  }
  return primary;
}

void Bridge::Deafen(ReplicaId primary) {
  std::vector<ReplicaId> voters;
  for (const auto& [id, node] : nodes_) {
    if (id == primary) continue;
    network_.Cut(id, primary);
    if (node->keeps_state()) voters.push_back(id);
  }
  if (around_.plan.network.all_hear) return;
  const ReplicaId beyond = around_.random.Pick(voters);
  network_.Cut(primary, beyond);
}

bool Bridge::HasAnother() const {
  return std::any_of(nodes_.begin(), nodes_.end(), [this](const auto& n) {
    return n.second->up() && n.second->protocol().is_primary() &&
           n.second->protocol().epoch() > epoch_;
  });
}

void Bridge::Await() {
  around_.scheduler.After(kLookEvery, [this] {
    if (!running_) return;
    if (HasAnother()) {
      network_.Join();
      running_ = false;
    } else if (around_.scheduler.now() > until_) {
      around_.history.Fail("a majority hears each other, and has no primary");
    } else {
      Await();
    }
  });
}

}  // namespace ledgerd::sim
