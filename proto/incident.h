// An Incident is a durable record of something that was counted: a recovery, a
// fault, or a change of the primary.
//
//   Command command = MakeIncidentsCommand({incident});
//   absl::StatusOr<std::vector<Incident>> read =
//       DecodeIncidents(entry.payload());
//
// Shape   Written when it begins and again when it ends, each time whole: of
//         the records of one id the last one in the journal counts.
// Format  storage/FORMAT.md, "The shared entry", has the payload's grammar. A
//         later version may append to a record: what is not known is passed
//         over.
// Notes   What stands beside the counters, and is no incident, travels the same
//         way (IsNote). It has the flag of a drill and no detections, so that
//         builds which do not know it leave it out of what they count.
// Errors  DATA_LOSS  the bytes are no incidents.
// Source  counters.md; the meaning of kinds and outcomes: admin.proto.
#ifndef LEDGERD_PROTO_INCIDENT_H_
#define LEDGERD_PROTO_INCIDENT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "proto/entry.h"
#include "proto/types.h"

namespace ledgerd {

// As in admin.v1, and on disk: never renumber.
enum class IncidentKind : uint8_t {
  // Recoveries.
  kCrashReplay = 1,
  kCatchUp = 2,
  kResync = 3,
  kRollback = 4,
  kRestore = 5,
  kRepair = 6,
  // Faults.
  kPeerLost = 20,
  kPrimaryLost = 21,
  kDiskError = 22,
  kDiskFull = 23,
  kCorruption = 24,
  kStall = 25,
  kOverload = 26,
  kStateMismatch = 27,
  kClockSkew = 28,
  // Changes of the primary.
  kPromotion = 40,
  kSwitchover = 41,
  kForcedPromotion = 42,
  // Notes; not in admin.v1, and told to nobody as incidents.
  // A promotion while the old primary was alive and connected.
  kUnneededPromotion = 60,
  // Replicas were compared: a success when all were equal.
  kConsistencyCheck = 61,
  // A backup was verified; it began and ended when the backup was made.
  kVerifiedBackup = 62,
  // Sums of clients' writes (server/incidents/completion.h). In a replica's own
  // file: up to where it knows that the primary had answered.
  kCompletion = 63,
};

// As in admin.v1 and in tables: "crash_replay"; "unknown" for a newer build's.
absl::string_view Name(IncidentKind kind);

constexpr bool IsRecovery(IncidentKind kind) {
  return kind < IncidentKind::kPeerLost;
}

constexpr bool IsFault(IncidentKind kind) {
  return kind >= IncidentKind::kPeerLost && kind < IncidentKind::kPromotion;
}

constexpr bool IsPromotion(IncidentKind kind) {
  return kind >= IncidentKind::kPromotion &&
         kind < IncidentKind::kUnneededPromotion;
}

// Those of newer builds, too.
constexpr bool IsNote(IncidentKind kind) {
  return kind >= IncidentKind::kUnneededPromotion;
}

// As in admin.v1, and on disk: never renumber.
enum class IncidentOutcome : uint8_t {
  kInProgress = 1,
  kSuccess = 2,
  kSuccessWithLoss = 3,
  kFailed = 4,
  kAborted = 5,
};

absl::string_view Name(IncidentOutcome outcome);

// Unique in the group. A replica numbers its incidents 1, 2, 3, ... in a series
// that begins with its file of them.
struct IncidentId {
  ReplicaId replica;
  // When the series began, so that those of another disk of the same replica
  // are others.
  Timestamp series;
  uint64_t number = 0;

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 sees a 0 in <=>.
  friend auto operator<=>(const IncidentId&, const IncidentId&) = default;
};

std::string ToString(const IncidentId& id);

// What took a part of an incident's time: "detect", "elect", "fetch", "replay".
struct IncidentPhase {
  std::string name;  // At most kIncidentPhaseNameMax bytes, cut beyond that.
  uint64_t duration_ns = 0;

  friend bool operator==(const IncidentPhase&, const IncidentPhase&) = default;
};

struct Incident {
  IncidentId id;
  IncidentKind kind = IncidentKind::kCrashReplay;
  IncidentOutcome outcome = IncidentOutcome::kInProgress;
  // A drill.
  bool injected = false;
  // Wanted by an operator.
  bool planned = false;
  // The replica was the primary when it happened.
  bool of_primary = false;
  // The replica has halted for it.
  bool halted = false;
  uint32_t attempts = 1;
  // How often its fault was seen.
  uint32_t detections = 1;
  Epoch epoch;
  Timestamp started_at;
  // 0 while it is in progress.
  Timestamp ended_at;
  // Acknowledged ones.
  uint64_t lost_entries = 0;
  // Uncommitted ones, cut off.
  uint64_t rolled_back_entries = 0;
  // For how long clients could not write because of it.
  uint64_t write_unavailable_ns = 0;
  // In words; at most kIncidentTextMax bytes each, cut beyond that.
  std::string cause;
  std::string resolution;
  // In their order; at most kIncidentPhasesMax, the first ones.
  std::vector<IncidentPhase> phases;

  friend bool operator==(const Incident&, const Incident&) = default;
};

inline constexpr size_t kIncidentTextMax = 512;
inline constexpr size_t kIncidentPhasesMax = 8;
inline constexpr size_t kIncidentPhaseNameMax = 16;
// Of one encoded incident.
inline constexpr size_t kIncidentBytesMax =
    92 + 2 * kIncidentTextMax + 1 +
    kIncidentPhasesMax * (1 + kIncidentPhaseNameMax + 8);
// Of one entry.
inline constexpr size_t kIncidentsAtOnceMax = 256;

std::string EncodeIncidents(absl::Span<const Incident> incidents);

absl::StatusOr<std::vector<Incident>> DecodeIncidents(
    absl::string_view payload);

// Requires: 1 to kIncidentsAtOnceMax of them.
Command MakeIncidentsCommand(absl::Span<const Incident> incidents);

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_INCIDENT_H_
