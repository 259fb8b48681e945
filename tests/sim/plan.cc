#include "tests/sim/plan.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "replication/core/message.h"
#include "tests/model/random.h"

namespace ledgerd::sim {
namespace {

using model::Random;
using replication::Body;

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
  disk.failed_syncs = random.OneIn(2);
  disk.full = random.OneIn(4);
  disk.lost = random.OneIn(4);
  disk.damage = random.OneIn(4);
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

void DrawSmallMessages(Plan& plan, Random& random) {
  plan.flow.message_bytes_max = 1;
  plan.flow.in_flight_bytes_max = random.OneIn(2) ? 1 : random.Between(1, 4000);
}

void DrawTimeout(Plan& plan, Random& random, uint64_t ticks_max) {
  plan.timing.timeout_ticks =
      static_cast<uint32_t>(random.Between(10, ticks_max));
  plan.timing.heartbeat_ticks =
      std::max<uint32_t>(1, plan.timing.timeout_ticks / 10);
}

// So that little is on its way at once, and epochs follow each other quickly.
void DrawHaste(Plan& plan, Random& random) {
  if (random.OneIn(2)) DrawSmallMessages(plan, random);
  if (random.OneIn(2)) DrawTimeout(plan, random, 50);
}

// ---- what is aimed at something

Profile DrawProfile(Random& random) {
  if (random.OneIn(4)) return Profile::kQuiet;
  switch (random.Below(10)) {
    case 0:
    case 1:
      return Profile::kSuccessions;
    case 2:
      return Profile::kMembers;
    case 3:
      return Profile::kReads;
    case 4:
      return Profile::kDisasters;
    case 5:
      if (random.OneIn(2)) return Profile::kAnything;
      return random.OneIn(2) ? Profile::kBridges : Profile::kDeaf;
    default:
      return Profile::kAnything;
  }
}

// What only takes a group apart for long, so that less comes of the rest.
void Calm(Plan& plan) {
  plan.network.loss_percent = std::min<uint64_t>(plan.network.loss_percent, 3);
  plan.network.partitions = false;
  plan.network.one_way_partitions = false;
  plan.network.flapping = false;
  plan.process.pauses = false;
  plan.process.freezes = false;
  plan.disk =
      DiskPlan{.latency_max = plan.disk.latency_max, .slow = plan.disk.slow};
  plan.operators = OperatorPlan{};
  plan.fault_every = std::max<microseconds>(plan.fault_every, seconds(1));
}

// Of those by which primaries follow each other.
size_t DrawKind(Random& random) {
  return random
      .Pick(std::vector<Body>{
          replication::Append{}, replication::Acknowledged{},
          replication::PromiseRequest{}, replication::Promise{},
          replication::Fetch{}, replication::Fetched{}})
      .index();
}

// Entries that few have are left by each.
void AimAtSuccessions(Plan& plan, Random& random) {
  plan.members.clear();
  const bool witness = random.OneIn(4);
  AddMembers(plan, witness ? 2 : 3, witness ? 1 : 0);
  Calm(plan);
  plan.process.ambushes = true;
  if (random.OneIn(2)) plan.process.ambushed_kind = DrawKind(random);
  if (random.OneIn(2)) plan.network.late_kind = DrawKind(random);
  plan.network.withholds = !random.OneIn(3);
  if (!random.OneIn(3)) DrawSmallMessages(plan, random);
  DrawTimeout(plan, random, 20);
}

// Operators ask for changes one upon the other, also where the group has two
// halves that do not know of each other.
void AimAtMembers(Plan& plan, Random& random) {
  plan.members.clear();
  // Two changes of four voters may have majorities that do not meet.
  AddMembers(plan, random.OneIn(2) ? 4 : 5, 0);
  Calm(plan);
  plan.process.ambushes = true;
  plan.process.ambushes_changes = true;
  plan.disk.lost = plan.members.size() == 5 && random.OneIn(2);
  plan.operators.resizes = true;
  plan.operators.hasty = true;
  plan.fault_every = milliseconds(random.Between(100, 600));
  DrawTimeout(plan, random, 25);
}

// Many ask whoever leads, is led, or believes so.
void AimAtReads(Plan& plan, Random& random) {
  plan.members.clear();
  AddMembers(plan, random.OneIn(4) ? 5 : 3, 0);
  Calm(plan);
  plan.clients = random.Between(8, 16);
  plan.read_percent = 60;
  plan.process.hunts = true;
  plan.process.ambushes = random.OneIn(2);
  plan.process.freezes = true;
  plan.disk.slow = true;
  plan.disk.failed_syncs = true;
  plan.fault_every = milliseconds(random.Between(200, 1000));
  DrawTimeout(plan, random, 25);
}

// Who remembers must be there and be heard in time, or nothing is promised
// (rule 14).
void AimAtOldDisks(Plan& plan) {
  plan.disk = DiskPlan{.latency_max = plan.disk.latency_max,
                       .slow = plan.disk.slow,
                       .full = plan.disk.full,
                       .old = true};
  plan.network.loss_percent = 0;
  plan.network.late_percent = 0;
  plan.network.late_kind.reset();
  plan.network.delay_max = NetworkPlan().delay_max;
  plan.timing = replication::Timing();
}

void AimAtDisasters(Plan& plan, Random& random) {
  if (plan.members.size() < 3) {
    plan.members.clear();
    AddMembers(plan, 3, 0);
  }
  plan.operators.forces = random.OneIn(2);
  if (random.OneIn(2)) {
    plan.disk.lost = true;
    plan.disk.damage = true;
  } else if (plan.members.size() == 3) {
    AimAtOldDisks(plan);
  }
}

// Nothing else happens, so that it can be said when there is another primary.
void AimAtBridges(Plan& plan, Random& random) {
  if (plan.members.size() < 3) {
    plan.members.clear();
    AddMembers(plan, 3, 0);
  }
  plan.network =
      NetworkPlan{.bridges = true, .all_hear = plan.profile == Profile::kDeaf};
  plan.process = ProcessPlan{.clock_drift = plan.process.clock_drift};
  plan.disk = DiskPlan();
  plan.operators = OperatorPlan{};
  plan.fault_every = milliseconds(random.Between(100, 600));
  DrawTimeout(plan, random, 50);
}

// Nobody may be replaced, since nobody has all for sure.
void TakeAtlasAway(Plan& plan) {
  plan.disk.atlas = false;
  plan.disk.lost = false;
  plan.operators = OperatorPlan{};
}

void Aim(Plan& plan, Random& random) {
  switch (plan.profile) {
    case Profile::kSuccessions:
      return AimAtSuccessions(plan, random);
    case Profile::kMembers:
      return AimAtMembers(plan, random);
    case Profile::kReads:
      return AimAtReads(plan, random);
    case Profile::kDisasters:
      return AimAtDisasters(plan, random);
    case Profile::kBridges:
    case Profile::kDeaf:
      return AimAtBridges(plan, random);
    default:
      if (random.OneIn(5) && plan.members.size() == 3) AimAtOldDisks(plan);
  }
}

}  // namespace

std::string NameOf(Profile profile) {
  switch (profile) {
    case Profile::kQuiet:
      return "quiet";
    case Profile::kAnything:
      return "anything";
    case Profile::kSuccessions:
      return "successions";
    case Profile::kMembers:
      return "members";
    case Profile::kReads:
      return "reads";
    case Profile::kDisasters:
      return "disasters";
    case Profile::kBridges:
      return "bridges";
    case Profile::kDeaf:
      return "deaf";
    case Profile::kCount:
      break;
  }
  return "";
}

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
  plan.profile = DrawProfile(random);
  if (plan.profile == Profile::kQuiet) return plan;
  plan.network = DrawNetwork(random);
  plan.process = DrawProcess(random);
  plan.disk = DrawDisk(random);
  plan.operators = DrawOperators(plan, random);
  DrawHaste(plan, random);
  if (random.OneIn(6)) plan.network.late_kind = DrawKind(random);
  plan.network.withholds = random.OneIn(6);
  Aim(plan, random);
  if (plan.disk.damage && random.OneIn(4)) TakeAtlasAway(plan);
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
