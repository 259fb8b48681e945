// What a replica knows when it starts: what it was configured with, and what it
// found on its disk.
#ifndef LEDGERD_REPLICATION_CORE_DURABLE_STATE_H_
#define LEDGERD_REPLICATION_CORE_DURABLE_STATE_H_

#include <cstdint>
#include <vector>

#include "proto/base/strong_int.h"
#include "proto/entry.h"
#include "proto/membership.h"
#include "proto/types.h"
#include "replication/core/outline.h"

namespace ledgerd::replication {

// Counts forced promotions (replication.md, rule 15).
using Fork = StrongInt<struct ForkTag>;

// Names a process among all that a replica has had. 0: none.
using ProcessId = StrongInt<struct ProcessIdTag>;

// In ticks, of 10 ms in the daemon.
struct Timing {
  uint32_t heartbeat_ticks = 5;
  // T: a standby that has heard nothing for a random time in [T, 2T] asks
  // whether to promote; a primary without a quorum round for T steps down.
  uint32_t timeout_ticks = 50;
  // How long writes are held for a target of a switchover that lags.
  uint32_t switchover_ticks = 100;
};

// Bounds of what is on its way to one replica.
struct FlowLimits {
  // Sent and not acknowledged: beyond it a replica is read for, not streamed
  // to, when it has caught up.
  uint64_t in_flight_bytes_max = uint64_t{16} << 20;
  // One message's entries.
  uint64_t message_bytes_max = uint64_t{2} << 20;
};

struct Options {
  ReplicaId self;
  Incarnation incarnation;
  ProcessId process;
  Timing timing;
  FlowLimits flow;
  // Of the random part of timeouts: different on each replica.
  uint64_t seed = 0;
};

struct DurableState {
  // The highest epoch that it promised to follow or to begin.
  Epoch promised;
  Fork fork;
  // The one in force is `membership` if the journal has its entry or begins
  // after it, else `membership_before` (a crash between superblock and entry).
  // GivenUp(): it takes no part any more.
  Membership membership;
  Membership membership_before;
  // The journal, from its checkpoint's segment on.
  Outline outline;
  // Its last entry's final timestamp.
  Timestamp last_timestamp;
  // What is known to be committed: its applied point.
  Sequence commit;
  // The state's checkpoint.
  Sequence checkpoint;
  // What is in the outline and cannot be read. Ascending.
  std::vector<Sequence> damaged;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_CORE_DURABLE_STATE_H_
