#include "tests/sim/ambush.h"

#include <utility>
#include <vector>

namespace ledgerd::sim {
namespace {

// Long enough for that, most of the time; in milliseconds.
constexpr uint64_t kTwoPromotions = 800;

}  // namespace

bool Ambush::may() const {
  return around_.plan.process.ambushes && nodes_.size() > 2 && allowed_();
}

// ---- moments

Ambush::Moment Ambush::DrawMoment() {
  if (around_.plan.process.ambushes_changes && !around_.random.OneIn(4)) {
    return Moment::kNone;
  }
  switch (around_.random.Below(6)) {
    case 0:
    case 1:
      return Moment::kBegun;
    case 2:
    case 3:
      return Moment::kCommitted;
    case 4:
      return Moment::kLater;
    default:
      return Moment::kNone;
  }
}

void Ambush::OnStepped(Node& node) {
  if (!node.leads() || !may()) return;
  const replication::Protocol& protocol = node.protocol();
  if (protocol.epoch() > epoch_) {
    epoch_ = protocol.epoch();
    commit_ = protocol.commit();
    changed_ = protocol.membership().since;
    change_settled_ = true;
    in_peace_ = false;
    moment_ = DrawMoment();
    if (std::exchange(changed_alone_, false)) {
      moment_ = Moment::kNone;
      HalveFor(node);
    } else {
      Await(node);
    }
  } else if (protocol.epoch() == epoch_) {
    AwaitMore(node);
  }
}

void Ambush::AwaitMore(Node& node) {
  if (moment_ == Moment::kCommitted && node.protocol().commit() > commit_) {
    moment_ = Moment::kNone;
    Strike(node);
  } else if (around_.plan.process.ambushes_changes && !in_peace_) {
    AwaitChange(node);
  }
}

void Ambush::AwaitChange(Node& node) {
  const replication::Protocol& protocol = node.protocol();
  const Membership& membership = protocol.membership();
  // Majorities of as many and of one more always meet; those of two changes of
  // an even number need not.
  const bool even = membership.voter_count() % 2 == 0;
  if (!(membership.since == changed_)) {
    changed_ = membership.since;
    change_settled_ = false;
    const uint64_t draw = around_.random.Below(4);
    if (!even && draw > 0) {
      LeaveAloneWithChange(node);
    } else if (even && draw == 1) {
      HalveFor(node);
    } else if (even && draw == 2) {
      Strike(node);
    }
  } else if (!change_settled_ && protocol.commit() >= changed_.sequence) {
    change_settled_ = true;
    // What it does next it does with its half alone.
    in_peace_ = even && !around_.random.OneIn(4);
    if (in_peace_) HalveFor(node);
  }
}

// It has just begun.
void Ambush::Await(Node& node) {
  if (moment_ == Moment::kBegun) {
    Strike(node);
  } else if (moment_ == Moment::kLater) {
    const uint64_t longest = around_.random.OneIn(2) ? 5'000 : 300'000;
    around_.scheduler.After(microseconds(around_.random.Below(longest)),
                            [this, &node, epoch = epoch_] {
                              const bool leads =
                                  epoch == epoch_ && node.leads();
                              if (leads && may()) Strike(node);
                            });
  }
}

void Ambush::OnArrived(const replication::Message& message) {
  if (around_.plan.process.ambushed_kind != message.body.index() || !may() ||
      around_.scheduler.now() < next_message_ || !around_.random.OneIn(4)) {
    return;
  }
  around_.counts.Add("message ambushed");
  next_message_ =
      around_.scheduler.now() + milliseconds(around_.random.Between(300, 2000));
  CutOff({around_.random.OneIn(2) ? message.from : message.to});
  JoinLater();
}

void Ambush::OnWithheld(const replication::Message& message) {
  if (!may() || around_.random.OneIn(4)) return;
  around_.counts.Add("message ambushed");
  CutOff({message.from});
  JoinLater();
}

// ---- deeds

void Ambush::Strike(Node& node) {
  around_.counts.Add("primary ambushed");
  switch (around_.random.Below(7)) {
    case 0:
      Crash(node, around_.random.OneIn(2));
      break;
    case 1:
      CutOff({node.id()});
      CrashOthers(node);
      break;
    case 2:
      // What it has not synced, and who has.
      CutOff({AnyOther(node)});
      Crash(node, /*power_cut=*/true);
      break;
    case 3:
      node.SlowDisk(milliseconds(around_.random.Between(50, 1000)));
      break;
    case 4:
      CutOff({node.id()});
      break;
    default:
      Halve(node);
  }
  JoinLater();
}

ReplicaId Ambush::AnyOther(const Node& node) {
  std::vector<ReplicaId> others;
  for (const auto& [id, other] : nodes_) {
    if (id != node.id()) others.push_back(id);
  }
  return around_.random.Pick(others);
}

void Ambush::CutOff(const std::set<ReplicaId>& side) {
  network_.Join();
  for (const auto& [from, a] : nodes_) {
    for (const auto& [to, b] : nodes_) {
      if (side.contains(from) != side.contains(to)) network_.Cut(from, to);
    }
  }
}

void Ambush::Halve(const Node& node) {
  std::vector<ReplicaId> others;
  for (const Member& member : node.protocol().membership().members) {
    if (member.votes() && member.id != node.id()) others.push_back(member.id);
  }
  std::set<ReplicaId> side = {node.id()};
  while (side.size() < nodes_.size() / 2 && side.size() <= others.size()) {
    side.insert(around_.random.Pick(others));
  }
  CutOff(side);
}

void Ambush::HalveFor(const Node& node) {
  around_.counts.Add("primary ambushed");
  Halve(node);
  JoinLater(kTwoPromotions);
}

// The next primary does not know of the change.
void Ambush::LeaveAloneWithChange(const Node& node) {
  around_.counts.Add("primary ambushed");
  changed_alone_ = true;
  CutOff({node.id()});
  JoinLater(kTwoPromotions);
}

// Not within the step that has led here.
void Ambush::Crash(Node& node, bool power_cut) {
  around_.scheduler.After(microseconds(0), [this, &node, power_cut] {
    if (!node.up() || !may()) return;
    around_.counts.Add(power_cut ? "power cut" : "crash");
    node.Crash(power_cut);
    around_.scheduler.After(milliseconds(around_.random.Between(10, 1000)),
                            [&node] { node.Start(); });
  });
}

// What they were just told is not synced yet.
void Ambush::CrashOthers(const Node& node) {
  for (const auto& [id, other] : nodes_) {
    if (id != node.id() && around_.random.OneIn(2)) {
      Crash(*other, /*power_cut=*/true);
    }
  }
}

void Ambush::JoinLater(uint64_t shortest) {
  const uint64_t deed = ++deeds_;
  around_.scheduler.After(milliseconds(around_.random.Between(shortest, 2000)),
                          [this, deed] {
                            if (deed == deeds_ && may()) network_.Join();
                          });
}

}  // namespace ledgerd::sim
