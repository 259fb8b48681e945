#include "tests/sim/operators.h"

#include <algorithm>
#include <utility>

namespace ledgerd::sim {
namespace {

using replication::MembershipChange;
using replication::MembershipRequested;
using replication::Refusal;
using replication::Replica;

constexpr microseconds kLookEvery = milliseconds(100);
constexpr uint64_t kHeadlessLooksMax = 12;

}  // namespace

void Operators::Begin() {
  around_.scheduler.After(kLookEvery, [this] {
    Look();
    Begin();
  });
}

void Operators::Look() {
  // Whatever does not start has a disk that is worth nothing any more.
  for (const auto& [id, node] : nodes_) {
    if (node->refuses_to_start() && !replacing_.has_value()) Replace(*node);
  }
  if (!out_.empty() && !replacing_.has_value() &&
      around_.scheduler.now() >= out_until_) {
    Node& node = *nodes_.at(out_.back());
    node.Crash(/*power_cut=*/true);
    Replace(node);
  }
  const std::vector<Node*> leaders = Leaders();
  const bool served = std::any_of(
      leaders.begin(), leaders.end(),
      [](const Node* leader) { return leader->protocol().is_primary(); });
  headless_ = served ? 0 : headless_ + 1;
  if (IsPair()) LeadPair();
  for (Node* const leader : leaders) {
    if (leader->leads() && replacing_.has_value()) Advance(*leader);
    if (leader->leads() && !leaving_.empty()) TakeOut(*leader);
  }
}

std::vector<Node*> Operators::Leaders() const {
  std::vector<Node*> leaders;
  for (const auto& [id, node] : nodes_) {
    if (node->leads() && !node->paused()) leaders.push_back(node.get());
  }
  return leaders;
}

// Also on the way from three voters to three others.
bool Operators::IsPair() const {
  return std::any_of(nodes_.begin(), nodes_.end(), [](const auto& n) {
    return n.second->up() &&
           n.second->protocol().membership().voter_count() == 2;
  });
}

// Two voters never promote by themselves.
void Operators::LeadPair() {
  if (headless_ < kHeadlessLooksMax) return;
  headless_ = 0;
  around_.counts.Add("promotion requested");
  Node& node = *around_.random.Pick(nodes_);
  node.Do([&node](Replica& replica) {
    replica.OnEvent(replication::PromotionRequested{}, node.ReadClock());
  });
}

bool Operators::MayLoseDisk() const {
  return nodes_.size() >= 3 && done() &&
         std::none_of(nodes_.begin(), nodes_.end(), [](const auto& n) {
           return n.second->is_damaged() || n.second->refuses_to_start();
         });
}

void Operators::Replace(Node& node) {
  around_.counts.Add("disk lost");
  replacing_ = node.id();
  std::erase(out_, node.id());
  node.LoseDisk();
  node.Start();
}

void Operators::Resize() {
  around_.counts.Add("two of five taken out");
  const uint64_t first = around_.random.Below(nodes_.size());
  const uint64_t next = around_.random.Between(1, nodes_.size() - 1);
  for (const uint64_t n : {first, (first + next) % nodes_.size()}) {
    leaving_.push_back(ReplicaId(n + 1));
  }
}

void Operators::TakeOut(Node& leader) {
  const replication::Protocol& protocol = leader.protocol();
  for (const ReplicaId id : leaving_) {
    if (protocol.membership().Find(id) == nullptr) continue;
    MembershipRequested change;
    change.change = MembershipChange::kRemove;
    change.id = id;
    Request(leader, change);
    return;
  }
  if (protocol.membership().since.sequence > protocol.commit()) return;
  out_ = std::move(leaving_);
  leaving_.clear();
  out_until_ =
      around_.scheduler.now() + milliseconds(around_.random.Below(3000));
}

void Operators::Request(Node& leader, const MembershipRequested& change) {
  leader.Do([this, &leader, change](Replica& replica) {
    const auto result = replica.OnEvent(change, leader.ReadClock());
    if (result.has_value() && result->refusal == Refusal::kNone) {
      around_.counts.Add("membership changed");
    }
  });
}

void Operators::Advance(Node& leader) {
  const Member wanted = nodes_.at(*replacing_)->member();
  const Membership membership = leader.protocol().membership();
  const Member* const now = membership.Find(wanted.id);
  if (now != nullptr && *now == wanted) {
    // Once it is committed, it stays.
    if (membership.since.sequence > leader.protocol().commit()) return;
    around_.counts.Add("disk replaced");
    replacing_.reset();
    return;
  }
  const auto change = NextChange(membership, wanted);
  if (change.has_value()) Request(leader, *change);
}

// Out with the old incarnation, in with the new one, then its vote.
std::optional<MembershipRequested> Operators::NextChange(
    const Membership& membership, const Member& wanted) const {
  MembershipRequested change;
  change.id = wanted.id;
  change.incarnation = wanted.incarnation;
  const Member* const now = membership.Find(wanted.id);
  if (now == nullptr) {
    change.change = wanted.role == MemberRole::kWitness
                        ? MembershipChange::kAddWitness
                        : MembershipChange::kAddLearner;
    return change;
  }
  change.change = now->incarnation != wanted.incarnation
                      ? MembershipChange::kRemove
                      : MembershipChange::kMakeVoter;
  return change;
}

}  // namespace ledgerd::sim
