#include "proto/incident.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/little_endian.h"

namespace ledgerd {
namespace {

// Offsets in a record; FORMAT.md says the same in words.
constexpr size_t kSizeAt = 0;
constexpr size_t kKindAt = 4;
constexpr size_t kOutcomeAt = 5;
constexpr size_t kFlagsAt = 6;
constexpr size_t kReplicaAt = 8;
constexpr size_t kSeriesAt = 16;
constexpr size_t kNumberAt = 24;
constexpr size_t kEpochAt = 32;
constexpr size_t kStartedAt = 40;
constexpr size_t kEndedAt = 48;
constexpr size_t kLostAt = 56;
constexpr size_t kRolledBackAt = 64;
constexpr size_t kUnavailableAt = 72;
constexpr size_t kAttemptsAt = 80;
constexpr size_t kDetectionsAt = 84;
// Behind these: the sizes of both texts, then the texts, then the phases.
constexpr size_t kTextSizesAt = 88;
constexpr size_t kTextsAt = 92;
// Of the phases: how many; of each: the size of its name, the name, how long.
constexpr size_t kPhaseCountBytes = 1;
constexpr size_t kPhaseNameSizeBytes = 1;
constexpr size_t kPhaseDurationBytes = 8;
static_assert(kTextsAt + 2 * kIncidentTextMax + kPhaseCountBytes +
                  kIncidentPhasesMax *
                      (kPhaseNameSizeBytes + kIncidentPhaseNameMax +
                       kPhaseDurationBytes) ==
              kIncidentBytesMax);

constexpr uint8_t kInjected = 1;
constexpr uint8_t kPlanned = 2;
constexpr uint8_t kOfPrimary = 4;
constexpr uint8_t kHalted = 8;

absl::string_view Cut(absl::string_view text) {
  return text.substr(0, kIncidentTextMax);
}

// Nothing when there are none: so it was before there were any.
std::string EncodePhases(const std::vector<IncidentPhase>& phases) {
  std::string bytes;
  const size_t count = std::min(phases.size(), kIncidentPhasesMax);
  if (count == 0) return bytes;
  bytes.push_back(static_cast<char>(count));
  for (size_t i = 0; i < count; ++i) {
    const std::string name = phases[i].name.substr(0, kIncidentPhaseNameMax);
    bytes.push_back(static_cast<char>(name.size()));
    bytes += name;
    char duration[kPhaseDurationBytes];
    PutLittle(duration, phases[i].duration_ns);
    bytes.append(duration, sizeof(duration));
  }
  return bytes;
}

// Of what is behind the texts; nothing when it is not all there.
std::vector<IncidentPhase> DecodePhases(absl::string_view bytes) {
  std::vector<IncidentPhase> phases;
  if (bytes.empty()) return phases;
  const size_t count = static_cast<uint8_t>(bytes[0]);
  bytes.remove_prefix(kPhaseCountBytes);
  for (size_t i = 0; i < count; ++i) {
    if (bytes.empty()) return {};
    const size_t name = static_cast<uint8_t>(bytes[0]);
    const size_t size = kPhaseNameSizeBytes + name + kPhaseDurationBytes;
    if (bytes.size() < size) return {};
    phases.push_back(
        {.name = std::string(bytes.substr(kPhaseNameSizeBytes, name)),
         .duration_ns =
             GetLittle<uint64_t>(bytes.data() + size - kPhaseDurationBytes)});
    bytes.remove_prefix(size);
  }
  return phases;
}

void Encode(const Incident& incident, std::string& to) {
  const absl::string_view cause = Cut(incident.cause);
  const absl::string_view resolution = Cut(incident.resolution);
  const std::string phases = EncodePhases(incident.phases);
  std::string record(kTextsAt, '\0');
  char* at = record.data();
  PutLittle(at + kSizeAt,
            static_cast<uint32_t>(kTextsAt + cause.size() + resolution.size() +
                                  phases.size()));
  at[kKindAt] = static_cast<char>(incident.kind);
  at[kOutcomeAt] = static_cast<char>(incident.outcome);
  at[kFlagsAt] = static_cast<char>(
      (incident.injected ? kInjected : 0) | (incident.planned ? kPlanned : 0) |
      (incident.of_primary ? kOfPrimary : 0) | (incident.halted ? kHalted : 0));
  PutLittle(at + kReplicaAt, incident.id.replica.value());
  PutLittle(at + kSeriesAt, incident.id.series.value());
  PutLittle(at + kNumberAt, incident.id.number);
  PutLittle(at + kEpochAt, incident.epoch.value());
  PutLittle(at + kStartedAt, incident.started_at.value());
  PutLittle(at + kEndedAt, incident.ended_at.value());
  PutLittle(at + kLostAt, incident.lost_entries);
  PutLittle(at + kRolledBackAt, incident.rolled_back_entries);
  PutLittle(at + kUnavailableAt, incident.write_unavailable_ns);
  PutLittle(at + kAttemptsAt, incident.attempts);
  PutLittle(at + kDetectionsAt, incident.detections);
  PutLittle(at + kTextSizesAt, static_cast<uint16_t>(cause.size()));
  PutLittle(at + kTextSizesAt + 2, static_cast<uint16_t>(resolution.size()));
  absl::StrAppend(&to, record, cause, resolution, phases);
}

// Takes one record off the front of `payload`.
absl::StatusOr<Incident> DecodeNext(absl::string_view& payload) {
  if (payload.size() < kTextsAt) {
    return absl::DataLossError(
        absl::StrCat("an incident of ", payload.size(), " bytes"));
  }
  const char* at = payload.data();
  const auto size = GetLittle<uint32_t>(at + kSizeAt);
  const size_t cause = GetLittle<uint16_t>(at + kTextSizesAt);
  const size_t resolution = GetLittle<uint16_t>(at + kTextSizesAt + 2);
  if (size > payload.size() || size < kTextsAt + cause + resolution) {
    return absl::DataLossError(absl::StrCat(
        "an incident says that it has ", size, " bytes, of ", payload.size()));
  }
  Incident incident;
  incident.kind = static_cast<IncidentKind>(at[kKindAt]);
  incident.outcome = static_cast<IncidentOutcome>(at[kOutcomeAt]);
  const auto flags = static_cast<uint8_t>(at[kFlagsAt]);
  incident.injected = (flags & kInjected) != 0;
  incident.planned = (flags & kPlanned) != 0;
  incident.of_primary = (flags & kOfPrimary) != 0;
  incident.halted = (flags & kHalted) != 0;
  incident.id.replica = ReplicaId(GetLittle<uint64_t>(at + kReplicaAt));
  incident.id.series = Timestamp(GetLittle<uint64_t>(at + kSeriesAt));
  incident.id.number = GetLittle<uint64_t>(at + kNumberAt);
  incident.epoch = Epoch(GetLittle<uint64_t>(at + kEpochAt));
  incident.started_at = Timestamp(GetLittle<uint64_t>(at + kStartedAt));
  incident.ended_at = Timestamp(GetLittle<uint64_t>(at + kEndedAt));
  incident.lost_entries = GetLittle<uint64_t>(at + kLostAt);
  incident.rolled_back_entries = GetLittle<uint64_t>(at + kRolledBackAt);
  incident.write_unavailable_ns = GetLittle<uint64_t>(at + kUnavailableAt);
  incident.attempts = GetLittle<uint32_t>(at + kAttemptsAt);
  incident.detections = GetLittle<uint32_t>(at + kDetectionsAt);
  incident.cause = std::string(payload.substr(kTextsAt, cause));
  incident.resolution =
      std::string(payload.substr(kTextsAt + cause, resolution));
  const size_t texts_end = kTextsAt + cause + resolution;
  incident.phases = DecodePhases(payload.substr(texts_end, size - texts_end));
  payload.remove_prefix(size);
  return incident;
}

}  // namespace

absl::string_view Name(IncidentKind kind) {
  switch (kind) {
    case IncidentKind::kCrashReplay:
      return "crash_replay";
    case IncidentKind::kCatchUp:
      return "catch_up";
    case IncidentKind::kResync:
      return "resync";
    case IncidentKind::kRollback:
      return "rollback";
    case IncidentKind::kRestore:
      return "restore";
    case IncidentKind::kRepair:
      return "repair";
    case IncidentKind::kPeerLost:
      return "peer_lost";
    case IncidentKind::kPrimaryLost:
      return "primary_lost";
    case IncidentKind::kDiskError:
      return "disk_error";
    case IncidentKind::kDiskFull:
      return "disk_full";
    case IncidentKind::kCorruption:
      return "corruption";
    case IncidentKind::kStall:
      return "stall";
    case IncidentKind::kOverload:
      return "overload";
    case IncidentKind::kStateMismatch:
      return "state_mismatch";
    case IncidentKind::kClockSkew:
      return "clock_skew";
    case IncidentKind::kPromotion:
      return "promotion";
    case IncidentKind::kSwitchover:
      return "switchover";
    case IncidentKind::kForcedPromotion:
      return "forced_promotion";
    case IncidentKind::kUnneededPromotion:
      return "unneeded_promotion";
    case IncidentKind::kConsistencyCheck:
      return "consistency_check";
    case IncidentKind::kVerifiedBackup:
      return "verified_backup";
    case IncidentKind::kCompletion:
      return "completion";
  }
  return "unknown";
}

absl::string_view Name(IncidentOutcome outcome) {
  switch (outcome) {
    case IncidentOutcome::kInProgress:
      return "in_progress";
    case IncidentOutcome::kSuccess:
      return "success";
    case IncidentOutcome::kSuccessWithLoss:
      return "success_with_loss";
    case IncidentOutcome::kFailed:
      return "failed";
    case IncidentOutcome::kAborted:
      return "aborted";
  }
  return "unknown";
}

std::string ToString(const IncidentId& id) {
  return absl::StrCat(id.replica.value(), "-", absl::Hex(id.series.value()),
                      "-", id.number);
}

std::string EncodeIncidents(absl::Span<const Incident> incidents) {
  std::string bytes;
  for (const Incident& incident : incidents) Encode(incident, bytes);
  return bytes;
}

absl::StatusOr<std::vector<Incident>> DecodeIncidents(
    absl::string_view payload) {
  std::vector<Incident> incidents;
  while (!payload.empty()) {
    absl::StatusOr<Incident> next = DecodeNext(payload);
    if (!next.ok()) return next.status();
    incidents.push_back(*std::move(next));
  }
  return incidents;
}

Command MakeIncidentsCommand(absl::Span<const Incident> incidents) {
  LEDGERD_CHECK(!incidents.empty());
  LEDGERD_CHECK(incidents.size() <= kIncidentsAtOnceMax);
  Command command;
  command.kind = EntryKind::kIncidents;
  command.buffer += EncodeIncidents(incidents);
  return command;
}

}  // namespace ledgerd
