#include "tests/sim/plan.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "tests/model/random.h"

namespace ledgerd::sim {
namespace {

using model::Random;

void AddMembers(Plan& plan, uint64_t voters, uint64_t witnesses) {
  for (uint64_t i = 1; i <= voters + witnesses; ++i) {
    Member member;
    member.id = ReplicaId(i);
    member.incarnation = Incarnation(1);
    member.role = i <= voters ? MemberRole::kVoter : MemberRole::kWitness;
    plan.members.push_back(member);
  }
}

// Three voters are what most groups have.
void DrawShape(Plan& plan, Random& random) {
  switch (random.Below(10)) {
    case 0:
      return AddMembers(plan, 1, 0);
    case 1:
      return AddMembers(plan, 2, 0);
    case 2:
    case 3:
      return AddMembers(plan, 2, 1);
    case 4:
      return AddMembers(plan, 5, 0);
    default:
      return AddMembers(plan, 3, 0);
  }
}

NetworkPlan DrawNetwork(Random& random) {
  NetworkPlan network;
  if (random.OneIn(2)) network.loss_percent = random.Between(1, 20);
  if (random.OneIn(2)) network.duplicate_percent = random.Between(1, 20);
  if (random.OneIn(2)) network.late_percent = random.Between(1, 20);
  if (random.OneIn(3)) network.late_max = milliseconds(5000);
  if (random.OneIn(4)) network.delay_max = milliseconds(random.Between(1, 40));
  network.partitions = random.OneIn(2);
  network.one_way_partitions = random.OneIn(2);
  network.flapping = random.OneIn(4);
  return network;
}

ProcessPlan DrawProcess(Random& random) {
  ProcessPlan process;
  process.crashes = random.OneIn(2);
  process.power_cuts = random.OneIn(2);
  process.pauses = random.OneIn(3);
  process.clock_jumps = random.OneIn(4);
  process.clock_drift = random.OneIn(4);
  process.hunts = random.OneIn(2);
  process.ambushes = random.OneIn(3);
  process.freezes = random.OneIn(3);
  return process;
}

DiskPlan DrawDisk(Random& random) {
  DiskPlan disk;
  if (random.OneIn(3)) {
    disk.latency_max = milliseconds(random.Between(1, 30));
  }
  disk.slow = random.OneIn(3);
  disk.failed_syncs = random.OneIn(4);
  disk.full = random.OneIn(4);
  disk.lost = random.OneIn(4);
  disk.rot = random.OneIn(4);
  return disk;
}

OperatorPlan DrawOperators(const Plan& plan, Random& random) {
  OperatorPlan operators;
  operators.switchovers = random.OneIn(3);
  operators.pauses = random.OneIn(6);
  operators.resizes = random.OneIn(2) && plan.members.size() == 5;
  operators.forces = random.OneIn(8) && plan.members.size() > 1;
  return operators;
}

// So that little is on its way at once, and epochs follow each other quickly.
void DrawHaste(Plan& plan, Random& random) {
  if (random.OneIn(2)) {
    plan.flow.message_bytes_max = 1;
    plan.flow.in_flight_bytes_max = random.Between(1, 4000);
  }
  if (random.OneIn(2)) {
    plan.timing.timeout_ticks = static_cast<uint32_t>(random.Between(10, 50));
    plan.timing.heartbeat_ticks =
        std::max<uint32_t>(1, plan.timing.timeout_ticks / 10);
  }
}

// Who remembers must be there and be heard in time, or nothing is promised
// (rule 14).
void DrawOldDisks(Plan& plan, Random& random) {
  if (!random.OneIn(5) || plan.members.size() != 3) return;
  plan.disk.old = true;
  plan.disk.lost = false;
  plan.disk.rot = false;
  plan.disk.failed_syncs = false;
  plan.network.loss_percent = 0;
  plan.network.late_percent = 0;
  plan.network.delay_max = NetworkPlan().delay_max;
  plan.timing = replication::Timing();
}

}  // namespace

Plan MakePlan(uint64_t seed) {
  Random random(seed);
  Plan plan;
  plan.seed = seed;
  DrawShape(plan, random);
  plan.clients = random.OneIn(5) ? random.Between(8, 16) : random.Between(1, 4);
  plan.checkpoint_events = random.Between(5, 100);
  plan.retention_entries = random.OneIn(2) ? 0 : random.Below(200);
  plan.cold = random.OneIn(2);
  plan.fault_every = milliseconds(random.Between(100, 1500));
  plan.fire = seconds(random.Between(4, 12));
  if (random.OneIn(4)) return plan;
  plan.network = DrawNetwork(random);
  plan.process = DrawProcess(random);
  plan.disk = DrawDisk(random);
  plan.operators = DrawOperators(plan, random);
  DrawHaste(plan, random);
  DrawOldDisks(plan, random);
  return plan;
}

std::string ShapeOf(const Plan& plan) {
  size_t witnesses = 0;
  for (const Member& member : plan.members) {
    if (member.role == MemberRole::kWitness) ++witnesses;
  }
  std::string shape = absl::StrCat(plan.members.size() - witnesses, " voters");
  if (witnesses > 0) absl::StrAppend(&shape, " and a witness");
  return shape;
}

}  // namespace ledgerd::sim
