#include "tests/sim/forced_promotion.h"

#include <vector>

namespace ledgerd::sim {
namespace {

using replication::Replica;

constexpr microseconds kAskEvery = milliseconds(100);
// How many primaries of the others are ended, at most.
constexpr uint64_t kUnrest = 5;

}  // namespace

bool ForcedPromotion::HasAll(const Node& node) const {
  if (!node.up() || !node.keeps_state() || node.is_damaged()) return false;
  const replication::Protocol& protocol = node.protocol();
  const Member* const member = protocol.membership().Find(node.id());
  if (member == nullptr || !member->votes() || protocol.halted()) return false;
  const EntryId last = around_.history.last_id();
  return protocol.durable() >= last.sequence &&
         (protocol.outline().base().sequence >= last.sequence ||
          protocol.outline().Has(last));
}

bool ForcedPromotion::Begin() {
  std::vector<Node*> able;
  for (const auto& [id, node] : nodes_) {
    if (HasAll(*node)) able.push_back(node.get());
  }
  if (able.empty()) return false;
  left_ = around_.random.Pick(able);
  fork_ = left_->protocol().fork();
  around_.counts.Add("forced promotion");
  for (const auto& [id, node] : nodes_) {
    if (node.get() != left_) node->PowerOff();
  }
  left_->Heal();
  Ask();
  return true;
}

// Refused while it is primary still, and does not know that it is alone.
void ForcedPromotion::Ask() {
  if (done()) return;
  if (left_->up() && left_->protocol().fork() == fork_) {
    left_->Do([this](Replica& replica) {
      replica.OnEvent(replication::ForcePromotionRequested{},
                      left_->ReadClock());
    });
  }
  around_.scheduler.After(kAskEvery, [this] { Ask(); });
}

void ForcedPromotion::BringOthersBack(Network& network) {
  around_.counts.Add("two forks");
  for (const auto& [id, node] : nodes_) {
    if (node.get() == left_) continue;
    network.CutBothWays(id, left_->id());
    node->LeaveBehind();
    node->Heal();
  }
  Unsettle(kUnrest);
}

// So that their epoch may be above the other's.
void ForcedPromotion::Unsettle(uint64_t times) {
  if (times == 0) return;
  around_.scheduler.After(milliseconds(around_.random.Between(100, 500)),
                          [this, times] {
                            for (const auto& [id, node] : nodes_) {
                              if (!node->left_behind() || !node->leads())
                                continue;
                              node->Crash(/*power_cut=*/false);
                              node->Start();
                            }
                            Unsettle(times - 1);
                          });
}

void ForcedPromotion::Restart() {
  around_.counts.Add("two forks, and a restart");
  left_->Crash(/*power_cut=*/false);
  left_->Start();
}

void ForcedPromotion::End() {
  for (const auto& [id, node] : nodes_) {
    if (node.get() != left_) operators_.BringBack(id);
  }
}

bool ForcedPromotion::done() const {
  return left_->up() && left_->protocol().fork() > fork_ &&
         left_->protocol().is_primary();
}

}  // namespace ledgerd::sim
