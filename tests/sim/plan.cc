#include "tests/sim/plan.h"

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
  if (random.OneIn(4)) network.delay_max = milliseconds(random.Between(1, 40));
  network.partitions = random.OneIn(2);
  network.one_way_partitions = random.OneIn(2);
  return network;
}

ProcessPlan DrawProcess(Random& random) {
  ProcessPlan process;
  process.crashes = random.OneIn(2);
  process.power_cuts = random.OneIn(2);
  process.pauses = random.OneIn(3);
  process.clock_jumps = random.OneIn(4);
  process.clock_drift = random.OneIn(4);
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

}  // namespace

Plan MakePlan(uint64_t seed) {
  Random random(seed);
  Plan plan;
  plan.seed = seed;
  DrawShape(plan, random);
  plan.clients = random.Between(1, 4);
  plan.checkpoint_events = random.Between(5, 100);
  plan.retention_entries = random.OneIn(2) ? 0 : random.Below(200);
  plan.cold = random.OneIn(2);
  plan.fault_every = milliseconds(random.Between(100, 1500));
  plan.fire = seconds(random.Between(4, 12));
  if (random.OneIn(4)) return plan;
  plan.network = DrawNetwork(random);
  plan.process = DrawProcess(random);
  plan.disk = DrawDisk(random);
  plan.operators.switchovers = random.OneIn(3);
  plan.operators.pauses = random.OneIn(6);
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
