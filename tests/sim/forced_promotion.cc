#include "tests/sim/forced_promotion.h"

#include <vector>

namespace ledgerd::sim {
namespace {

using replication::Replica;

constexpr microseconds kAskEvery = milliseconds(100);

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
