#include "tests/sim/faults.h"

#include <set>

namespace ledgerd::sim {
namespace {

using replication::Replica;

}  // namespace

void Faults::Begin() {
  AddProcessFaults();
  AddDiskFaults();
  AddNetworkFaults();
  AddOperators();
  if (!faults_.empty()) Next();
}

void Faults::Next() {
  const auto every = static_cast<uint64_t>(around_.plan.fault_every.count());
  around_.scheduler.After(microseconds(around_.random.Between(0, 2 * every)),
                          [this] {
                            if (stopped_) return;
                            if (!old_disk_.running() && !bridge_.running()) {
                              around_.random.Pick(faults_)();
                            }
                            Next();
                          });
}

void Faults::Stop() {
  stopped_ = true;
  old_disk_.Stop();
  bridge_.Stop();
  network_.Heal();
}

void Faults::Heal() {
  for (const auto& [id, node] : nodes_) node->Heal();
}

Node& Faults::AnyNode() { return *around_.random.Pick(nodes_); }

Node& Faults::Victim() {
  return around_.plan.process.hunts ? PrimaryOrAny() : AnyNode();
}

Node& Faults::PrimaryOrAny() {
  Node& any = AnyNode();
  if (around_.random.OneIn(2)) return any;
  for (const auto& [id, node] : nodes_) {
    if (node->leads()) return *node;
  }
  return any;
}

microseconds Faults::Between(milliseconds low, milliseconds high) {
  return milliseconds(around_.random.Between(
      static_cast<uint64_t>(low.count()), static_cast<uint64_t>(high.count())));
}

void Faults::Later(microseconds delay, const Fault& undo) {
  around_.scheduler.After(delay, [this, undo] {
    if (!stopped_) undo();
  });
}

// ---- processes

void Faults::AddProcessFaults() {
  const ProcessPlan& plan = around_.plan.process;
  if (plan.crashes) {
    faults_.emplace_back([this] { Crash(Victim(), /*power_cut=*/false); });
  }
  if (plan.power_cuts) {
    faults_.emplace_back([this] { Crash(Victim(), /*power_cut=*/true); });
    faults_.emplace_back([this] { CrashAll(); });
  }
  if (plan.pauses) {
    faults_.emplace_back([this] {
      around_.counts.Add("pause");
      Victim().Pause(Between(milliseconds(10), milliseconds(3000)));
    });
  }
  if (plan.freezes && nodes_.size() > 2) {
    faults_.emplace_back([this] { Freeze(); });
  }
  if (plan.clock_jumps) {
    faults_.emplace_back([this] {
      around_.counts.Add("clock jump");
      const auto by = Between(milliseconds(1), milliseconds(20'000));
      AnyNode().JumpClock(around_.random.OneIn(2) ? by : -by);
    });
  }
  if (plan.clock_drift) {
    for (const auto& [id, node] : nodes_) {
      around_.counts.Add("clock drift");
      const auto percent = static_cast<double>(around_.random.Below(11));
      node->SetDrift((percent - 5) / 100);
    }
  }
}

void Faults::Crash(Node& node, bool power_cut) {
  if (!node.up() || old_disk_.running()) return;
  around_.counts.Add(power_cut ? "power cut" : "crash");
  node.Crash(power_cut);
  around_.scheduler.After(Between(milliseconds(10), milliseconds(3000)),
                          [&node] { node.Start(); });
}

// What it was asked meanwhile it finds before it hears anything else.
void Faults::Freeze() {
  for (const auto& [id, node] : nodes_) {
    if (!node->leads()) continue;
    around_.counts.Add("primary frozen");
    const microseconds length = Between(milliseconds(800), milliseconds(3000));
    node->Pause(length);
    Later(Between(milliseconds(0), milliseconds(20)),
          [this, id = id] { Isolate(id); });
    Later(length + Between(milliseconds(50), milliseconds(400)),
          [this] { network_.Join(); });
    return;
  }
}

void Faults::CrashAll() {
  if (!around_.random.OneIn(3)) return;
  around_.counts.Add("power cut everywhere");
  for (const auto& [id, node] : nodes_) {
    node->Crash(true);
    around_.scheduler.After(Between(milliseconds(10), milliseconds(1000)),
                            [node = node.get()] { node->Start(); });
  }
}

// ---- disks

void Faults::AddDiskFaults() {
  const DiskPlan& plan = around_.plan.disk;
  if (plan.slow) {
    faults_.emplace_back([this] {
      around_.counts.Add("slow disk");
      Victim().SlowDisk(Between(milliseconds(50), milliseconds(3000)));
    });
  }
  if (plan.failed_syncs) {
    faults_.emplace_back([this] {
      around_.counts.Add("failed sync");
      PrimaryOrAny().FailNextSync();
    });
  }
  if (plan.lost) faults_.emplace_back([this] { LoseDisk(); });
  if (plan.damage) faults_.emplace_back([this] { Damage(); });
  if (plan.old) faults_.emplace_back([this] { old_disk_.Begin(); });
  if (plan.full) {
    faults_.emplace_back([this] {
      around_.counts.Add("full disk");
      Node& node = AnyNode();
      node.SetDiskFull(true);
      Later(Between(milliseconds(10), milliseconds(3000)),
            [&node] { node.SetDiskFull(false); });
    });
  }
}

void Faults::LoseDisk() {
  if (!operators_.MayLoseDisk()) return;
  Node& node = AnyNode();
  node.Crash(/*power_cut=*/true);
  operators_.Replace(node);
}

// Of one, while the others have all of it; without the atlas of any.
void Faults::Damage() {
  if (around_.plan.disk.atlas) {
    if (operators_.MayLoseDisk()) DamageDiskOf(AnyNode());
    return;
  }
  around_.counts.Add("damage without the atlas");
  for (const auto& [id, node] : nodes_) {
    if (around_.random.OneIn(2)) DamageDiskOf(*node);
  }
}

// Found when the journal is opened.
void Faults::DamageDiskOf(Node& node) {
  if (!node.up()) return;
  node.Crash(/*power_cut=*/false);
  node.Damage();
  around_.scheduler.After(Between(milliseconds(10), milliseconds(1000)),
                          [&node] { node.Start(); });
}

// ---- the network

void Faults::AddNetworkFaults() {
  const NetworkPlan& plan = around_.plan.network;
  if (nodes_.size() == 1) return;
  if (plan.partitions) faults_.emplace_back([this] { Partition(); });
  if (plan.one_way_partitions) faults_.emplace_back([this] { CutOneWay(); });
  if (plan.flapping) faults_.emplace_back([this] { Flap(); });
  if (plan.bridges) faults_.emplace_back([this] { bridge_.Begin(); });
}

// Two halves; in some of them one replica still hears both (a bridge).
void Faults::Partition() {
  std::set<ReplicaId> side;
  for (const auto& [id, node] : nodes_) {
    if (around_.random.OneIn(2)) side.insert(id);
  }
  if (around_.plan.process.hunts && around_.random.OneIn(2)) {
    side = {Victim().id()};
    if (nodes_.size() == 5 && around_.random.OneIn(2)) {
      side.insert(AnyNode().id());
    }
  }
  const ReplicaId bridge = AnyNode().id();
  const bool bridged = nodes_.size() > 2 && around_.random.OneIn(3);
  around_.counts.Add(bridged ? "partition with a bridge" : "partition");
  for (const auto& [from, a] : nodes_) {
    for (const auto& [to, b] : nodes_) {
      if (bridged && (from == bridge || to == bridge)) continue;
      if (side.count(from) != side.count(to)) network_.Cut(from, to);
    }
  }
  Later(Between(milliseconds(50), milliseconds(4000)),
        [this] { network_.Join(); });
}

void Faults::CutOneWay() {
  const ReplicaId from = Victim().id();
  const ReplicaId to = Victim().id();
  if (from == to) return;
  around_.counts.Add("one way cut");
  network_.Cut(from, to);
  Later(Between(milliseconds(50), milliseconds(4000)),
        [this] { network_.Join(); });
}

void Faults::Isolate(ReplicaId alone) {
  if (old_disk_.running()) return;
  for (const auto& [id, node] : nodes_) {
    if (id != alone) network_.CutBothWays(id, alone);
  }
}

void Faults::Flap() {
  around_.counts.Add("flapping partition");
  CutAndJoin(Victim().id(), around_.random.Between(3, 20));
}

void Faults::CutAndJoin(ReplicaId alone, uint64_t times) {
  if (times % 2 == 0) {
    network_.Join();
  } else {
    Isolate(alone);
  }
  if (times == 0) return;
  Later(Between(milliseconds(5), milliseconds(400)),
        [this, alone, times] { CutAndJoin(alone, times - 1); });
}

// ---- operators

void Faults::AddOperators() {
  if (nodes_.size() == 1) return;
  if (around_.plan.operators.resizes) {
    faults_.emplace_back([this] { Resize(); });
  }
  if (around_.plan.operators.switchovers) {
    faults_.emplace_back([this] { Switchover(); });
  }
  if (around_.plan.operators.pauses) {
    faults_.emplace_back([this] { PauseGroup(); });
  }
}

// Those that operators take out are often those that nobody hears.
void Faults::Resize() {
  if (!operators_.MayResize()) return;
  // Of four, one would be left.
  const bool three = nodes_.size() == 5 && around_.random.OneIn(2);
  if (three && around_.plan.disk.lost) LoseDisk();
  operators_.Resize();
  if (!around_.random.OneIn(2)) return;
  for (const ReplicaId out : operators_.leaving()) {
    for (const auto& [id, node] : nodes_) {
      if (!operators_.leaving().contains(id)) network_.CutBothWays(out, id);
    }
  }
  Later(Between(milliseconds(200), milliseconds(2000)),
        [this] { network_.Join(); });
}

void Faults::Switchover() {
  const ReplicaId target = AnyNode().id();
  for (const auto& [id, node] : nodes_) {
    if (!node->up() || !node->protocol().is_primary()) continue;
    node->Do([this, node = node.get(), target](Replica& replica) {
      const auto result = replica.OnEvent(
          replication::SwitchoverRequested{target}, node->ReadClock());
      if (result.has_value() &&
          result->refusal == replication::Refusal::kNone) {
        around_.counts.Add("switchover");
      }
    });
  }
}

// With an end: nobody promotes by himself before.
void Faults::PauseGroup() {
  for (const auto& [id, node] : nodes_) {
    if (!node->up() || !node->protocol().is_primary()) continue;
    node->Do([this, node = node.get()](Replica& replica) {
      const replication::Now now = node->ReadClock();
      const Timestamp until(now.wall.value() + 2 * kNanosPerSecond);
      around_.counts.Add("promotions paused");
      replica.OnEvent(replication::PauseRequested{true, until}, now);
    });
  }
}

}  // namespace ledgerd::sim
