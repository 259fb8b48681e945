// A Plan is what a seed decides before anything happens: the shape of the
// group, its limits, and which faults are on at all.
//
//   const Plan plan = MakePlan(seed);
//
// Shape   A quarter of the seeds have no faults. Otherwise each is on or off by
//         itself, since a fault that is always there hides what others do; and
//         half of these are aimed at something, which needs things to happen
//         so close to each other that chance alone brings them about too
//         seldom: their Profile says at what.
#ifndef LEDGERD_TESTS_SIM_PLAN_H_
#define LEDGERD_TESTS_SIM_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/membership.h"
#include "replication/core/durable_state.h"
#include "tests/sim/scheduler.h"

namespace ledgerd::sim {

enum class Profile : uint8_t {
  kQuiet,        // Without faults.
  kAnything,     // Each fault by itself.
  kSuccessions,  // One primary after the other, stopped at awkward moments.
  kMembers,      // Changes of membership, in groups that fall in halves.
  kReads,        // Of primaries that are none any more, or not yet.
  kDisasters,    // Disks that are lost, rot or come back old, and forks.
  kBridges,      // Primaries that hear nobody, and one voter does not hear.
  kDeaf,         // Primaries that hear nobody, and all hear.
  kCount,
};

struct NetworkPlan {
  uint64_t loss_percent = 0;
  uint64_t duplicate_percent = 0;
  microseconds delay_min{100};
  microseconds delay_max{400};
  // Of one message in so many, to be overtaken.
  uint64_t late_percent = 0;
  microseconds late_max = milliseconds(1500);
  // Half of the messages of one kind (of Body::index) are late.
  std::optional<size_t> late_kind;
  // Some promises and fetched entries come when their candidate has asked
  // again, in a later epoch.
  bool withholds = false;
  bool partitions = false;
  bool one_way_partitions = false;
  // Cut and joined again, many times.
  bool flapping = false;
  // bridge.h.
  bool bridges = false;
  bool all_hear = false;
};

struct ProcessPlan {
  bool crashes = false;
  // Loses what was not synced.
  bool power_cuts = false;
  bool pauses = false;
  bool clock_jumps = false;
  bool clock_drift = false;
  // What goes wrong does so to primaries more than to others.
  bool hunts = false;
  // Something happens to a primary at an awkward moment: ambush.h.
  bool ambushes = false;
  // Also where it changes the membership; and where a message of this kind
  // has arrived.
  bool ambushes_changes = false;
  std::optional<size_t> ambushed_kind;
  // A primary stands still and hears nobody, while clients ask it.
  bool freezes = false;
};

struct DiskPlan {
  microseconds latency_max{1000};
  bool slow = false;
  bool failed_syncs = false;
  bool full = false;
  bool lost = false;
  // Rotten records, misdirected and stale writes.
  bool damage = false;
  // Every entry is whole elsewhere. Without it all that is promised is that a
  // damaged disk is not used, and that nothing else goes wrong.
  bool atlas = true;
  // Comes back as it was, where others remember what it has forgotten.
  bool old = false;
  // A write that takes so many is slow; 0: none is.
  uint32_t slow_write_ticks = 0;
};

struct OperatorPlan {
  bool switchovers = false;
  bool pauses = false;
  // Two of five voters go, and come back as new incarnations.
  bool resizes = false;
  // They ask whoever begins an epoch, and for the next change, at once.
  bool hasty = false;
  // When the fire ends, one replica goes on alone, in a new fork.
  bool forces = false;
};

struct Plan {
  uint64_t seed = 0;
  Profile profile = Profile::kQuiet;
  std::vector<Member> members;
  NetworkPlan network;
  ProcessPlan process;
  DiskPlan disk;
  OperatorPlan operators;
  replication::Timing timing;
  replication::FlowLimits flow;
  // How often something goes wrong, on average.
  microseconds fault_every = milliseconds(500);
  uint64_t clients = 3;
  // Of what they ask.
  uint64_t read_percent = 25;
  // Events between two checkpoints.
  uint64_t checkpoint_events = 20;
  // Entries that the journal keeps below a checkpoint.
  uint64_t retention_entries = 0;
  // Nothing is in memory that was not asked for.
  bool cold = false;
  microseconds fire = seconds(10);
  // The group has so long to converge once everything is healed.
  microseconds heal_max = seconds(60);
};

Plan MakePlan(uint64_t seed);

// "members"; empty for kCount.
std::string NameOf(Profile profile);

// "2 voters and a witness".
std::string ShapeOf(const Plan& plan);

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_PLAN_H_
