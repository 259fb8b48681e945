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
    if (node->refuses_to_start() && !replacing_.has_value() &&
        around_.plan.disk.atlas) {
      Replace(*node);
    }
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
  for (Node* const leader : leaders) Ask(*leader);
}

void Operators::Ask(Node& leader) {
  if (!leader.leads()) return;
  const bool replace =
      replacing_.has_value() && (leaving_.empty() || around_.random.OneIn(2));
  if (replace) {
    Advance(leader);
  } else if (!leaving_.empty()) {
    TakeOut(leader);
  }
}

// Not within the step that has led here.
void Operators::OnStepped(Node& node) {
  if (!around_.plan.operators.hasty || !node.leads()) return;
  const replication::Protocol& protocol = node.protocol();
  const EntryId& changed = protocol.membership().since;
  const bool settled = protocol.commit() >= changed.sequence;
  if (protocol.epoch() == epoch_ && changed == changed_ &&
      settled == settled_) {
    return;
  }
  epoch_ = protocol.epoch();
  changed_ = changed;
  settled_ = settled;
  const uint64_t longest = around_.random.OneIn(2) ? 100 : 1000;
  around_.scheduler.After(microseconds(around_.random.Below(longest)),
                          [this, &node] { Ask(node); });
}

std::vector<Node*> Operators::Leaders() const {
  std::vector<Node*> leaders;
  for (const auto& [id, node] : nodes_) {
    if (node->leads() && !node->paused() && !node->left_behind()) {
      leaders.push_back(node.get());
    }
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
  return nodes_.size() >= 3 && done() && AllAreWhole();
}

void Operators::Replace(Node& node) {
  around_.counts.Add("disk lost");
  replacing_ = node.id();
  std::erase(out_, node.id());
  node.LoseDisk();
  node.Start();
}

bool Operators::MayResize() const {
  // Of four, one would be left with none to remember what it has.
  const bool enough =
      nodes_.size() == 5 || (nodes_.size() == 4 && !replacing_.has_value());
  return enough && leaving_.empty() && out_.empty() && AllAreWhole();
}

bool Operators::AllAreWhole() const {
  return std::none_of(nodes_.begin(), nodes_.end(), [](const auto& n) {
    return n.second->is_damaged() || n.second->refuses_to_start();
  });
}

void Operators::Resize() {
  around_.counts.Add("two voters taken out");
  while (leaving_.size() < 2) {
    const ReplicaId id = around_.random.Pick(nodes_)->id();
    if (replacing_ != id) leaving_.insert(id);
  }
}

void Operators::TakeOut(Node& leader) {
  const replication::Protocol& protocol = leader.protocol();
  const Membership& membership = protocol.membership();
  // Once it is committed, it stays.
  if (membership.since.sequence <= protocol.commit()) {
    std::erase_if(leaving_, [&](ReplicaId id) {
      if (membership.Find(id) != nullptr) return false;
      out_.push_back(id);
      out_until_ = around_.scheduler.now() + TimeOut();
      return true;
    });
  }
  std::vector<ReplicaId> members;
  for (const ReplicaId id : leaving_) {
    if (membership.Find(id) != nullptr) members.push_back(id);
  }
  if (members.empty()) return;
  MembershipRequested change;
  // Not of two primaries the same, and of neither itself, if it can be.
  if (members.size() > 1) std::erase(members, removed_);
  if (members.size() > 1) std::erase(members, leader.id());
  change.change = MembershipChange::kRemove;
  change.id = around_.random.Pick(members);
  Request(leader, change);
}

// Those in haste often give them no time, and sometimes much: who is out may
// not know it, and promote itself.
microseconds Operators::TimeOut() {
  if (!around_.plan.operators.hasty) {
    return milliseconds(around_.random.Below(3000));
  }
  return milliseconds(
      around_.random.Below(around_.random.OneIn(2) ? 300 : 1500));
}

void Operators::Request(Node& leader, const MembershipRequested& change) {
  leader.Do([this, &leader, change](Replica& replica) {
    const auto result = replica.OnEvent(change, leader.ReadClock());
    if (!result.has_value() || result->refusal != Refusal::kNone) return;
    around_.counts.Add("membership changed");
    if (change.change == MembershipChange::kRemove) removed_ = change.id;
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
