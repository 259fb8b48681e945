#include "tests/sim/operators.h"

#include <algorithm>

namespace ledgerd::sim {
namespace {

using replication::MembershipChange;
using replication::MembershipRequested;
using replication::Refusal;
using replication::Replica;

constexpr microseconds kLookEvery = milliseconds(300);
constexpr uint64_t kHeadlessLooksMax = 4;

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
  Node* const primary = Primary();
  headless_ = primary != nullptr ? 0 : headless_ + 1;
  if (IsPair()) LeadPair();
  if (primary != nullptr && replacing_.has_value()) Advance(*primary);
}

Node* Operators::Primary() {
  const auto at = std::find_if(nodes_.begin(), nodes_.end(), [](const auto& n) {
    return n.second->up() && n.second->protocol().is_primary();
  });
  return at == nodes_.end() ? nullptr : at->second.get();
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
  if (nodes_.size() < 3 || replacing_.has_value()) return false;
  const Node& first = *nodes_.begin()->second;
  return std::all_of(nodes_.begin(), nodes_.end(), [&first](const auto& n) {
    const Node& node = *n.second;
    if (node.is_damaged() || !node.up() || !first.up()) return false;
    const EntryId& since = node.protocol().membership().since;
    return since == first.protocol().membership().since &&
           since.sequence <= node.protocol().durable();
  });
}

void Operators::Replace(Node& node) {
  around_.counts.Add("disk lost");
  replacing_ = node.id();
  node.LoseDisk();
  node.Start();
}

void Operators::Advance(Node& primary) {
  const Member wanted = nodes_.at(*replacing_)->member();
  const Membership membership = primary.protocol().membership();
  const Member* const now = membership.Find(wanted.id);
  if (now != nullptr && *now == wanted) {
    // Once it is committed, it stays.
    if (membership.since.sequence > primary.protocol().commit()) return;
    around_.counts.Add("disk replaced");
    replacing_.reset();
    return;
  }
  const auto change = NextChange(membership, wanted);
  if (!change.has_value()) return;
  primary.Do([this, &primary, change = *change](Replica& replica) {
    const auto result = replica.OnEvent(change, primary.ReadClock());
    if (result.has_value() && result->refusal == Refusal::kNone) {
      around_.counts.Add("membership changed");
    }
  });
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
