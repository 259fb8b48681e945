#include "server/incidents/incident_keeper.h"

#include <algorithm>
#include <utility>

#include "absl/strings/string_view.h"

#include "proto/base/little_endian.h"
#include "proto/base/status_macros.h"

namespace ledgerd::server {
namespace {

constexpr char kFileName[] = "incidents";

// Offsets in the file's contents; FORMAT.md says the same in words.
constexpr size_t kSeriesAt = 0;
constexpr size_t kLastNumberAt = 8;
constexpr size_t kRunningAt = 16;
constexpr size_t kIncidentsAt = 24;

static_assert(kIncidentsAt + IncidentKeeper::kOpenMax * kIncidentBytesMax <=
              storage::IncidentFile::kContentsMax);

bool IsOpen(const Incident& incident) {
  return incident.outcome == IncidentOutcome::kInProgress;
}

}  // namespace

absl::StatusOr<std::unique_ptr<IncidentKeeper>> IncidentKeeper::Open(
    storage::FileSystem& files, const IncidentKeeperOptions& options,
    const replication::Clock& clock, Logger& logger) {
  auto file = storage::IncidentFile::Open(files, options.data_dir, kFileName);
  if (absl::IsResourceExhausted(file.status())) {
    logger.Warning(
        "no space for the file of incidents: this process keeps "
        "them in memory alone",
        {{"data_dir", options.data_dir}});
    file = std::unique_ptr<storage::IncidentFile>();
  }
  LEDGERD_RETURN_IF_ERROR(file.status());
  return std::unique_ptr<IncidentKeeper>(
      new IncidentKeeper(options, *std::move(file), clock, logger));
}

IncidentKeeper::IncidentKeeper(IncidentKeeperOptions options,
                               std::unique_ptr<storage::IncidentFile> file,
                               const replication::Clock& clock, Logger& logger)
    : options_(std::move(options)),
      file_(std::move(file)),
      clock_(clock),
      logger_(logger) {
  const MutexLock lock(mutex_);
  if (file_ != nullptr && file_->damaged()) {
    logger_.Warning("the file of incidents is damaged: it begins anew",
                    {{"data_dir", options_.data_dir}});
  }
  if (file_ != nullptr) Load(file_->contents());
  if (series_ == Timestamp(0)) series_ = clock_.WallNow();
  running_ = crashed_;
  if (!crashed_) return;
  CloseAll({.outcome = IncidentOutcome::kFailed,
            .resolution = "the process ended before it did"},
           IncidentKind::kCrashReplay);
  // What this process meets is another one.
  closed_.clear();
  if (changes_ > 0) Save();
}

void IncidentKeeper::Load(const std::string& contents) {
  if (contents.size() < kIncidentsAt) return;
  auto incidents =
      DecodeIncidents(absl::string_view(contents).substr(kIncidentsAt));
  if (!incidents.ok()) {
    logger_.Warning("the file of incidents makes no sense: it begins anew");
    return;
  }
  const char* from = contents.data();
  series_ = Timestamp(GetLittle<uint64_t>(from + kSeriesAt));
  last_number_ = GetLittle<uint64_t>(from + kLastNumberAt);
  crashed_ = from[kRunningAt] != 0;
  for (Incident& incident : *incidents) {
    const uint64_t number = incident.id.number;
    incidents_.insert_or_assign(number, std::move(incident));
  }
}

void IncidentKeeper::BeginRunning() {
  const MutexLock lock(mutex_);
  running_ = true;
  Save();
}

void IncidentKeeper::EndCleanly() {
  const MutexLock lock(mutex_);
  CloseAll({.outcome = IncidentOutcome::kAborted,
            .resolution = "the replica was stopped before it ended"},
           std::nullopt);
  running_ = false;
  Save();
}

// ---- raising and closing

uint64_t IncidentKeeper::Raise(const IncidentSeen& seen) {
  const MutexLock lock(mutex_);
  Incident* incident = FindSame(seen);
  if (incident != nullptr) {
    ++incident->detections;
    if (IsRecovery(incident->kind)) ++incident->attempts;
  } else {
    incident = Begin(seen);
  }
  ++changes_;
  Save();
  logger_.Warning("incident", {{"kind", Name(seen.kind)},
                               {"number", last_number_},
                               {"cause", seen.cause}});
  return incident == nullptr ? last_number_ : incident->id.number;
}

Incident* IncidentKeeper::FindSame(const IncidentSeen& seen) {
  const auto now = clock_.SteadyNow();
  std::erase_if(closed_, [&](const auto& closed) {
    return now - closed.second > kSameCause;
  });
  for (auto& [number, incident] : incidents_) {
    const bool is_same =
        incident.kind == seen.kind && incident.cause == seen.cause &&
        incident.planned == seen.planned && incident.injected == seen.injected;
    if (!is_same || (!IsOpen(incident) && !closed_.contains(number))) continue;
    closed_.erase(number);
    incident.outcome = IncidentOutcome::kInProgress;
    incident.ended_at = Timestamp(0);
    incident.resolution.clear();
    return &incident;
  }
  return nullptr;
}

// Null when there are too many: only its number is left.
Incident* IncidentKeeper::Begin(const IncidentSeen& seen) {
  const uint64_t number = ++last_number_;
  const auto open = std::count_if(
      incidents_.begin(), incidents_.end(),
      [](const auto& numbered) { return IsOpen(numbered.second); });
  if (static_cast<size_t>(open) >= kOpenMax) return nullptr;
  Incident& incident = incidents_[number];
  incident.id = {options_.replica, series_, number};
  incident.kind = seen.kind;
  incident.injected = seen.injected;
  incident.planned = seen.planned;
  incident.epoch = seen.epoch;
  incident.started_at =
      seen.since == Timestamp(0) ? clock_.WallNow() : seen.since;
  incident.cause = seen.cause.substr(0, kIncidentTextMax);
  return &incident;
}

void IncidentKeeper::Close(uint64_t number, const IncidentEnd& end) {
  const MutexLock lock(mutex_);
  const auto found = incidents_.find(number);
  if (found == incidents_.end() || !IsOpen(found->second)) return;
  CloseOne(found->second, end);
  Save();
}

void IncidentKeeper::CloseAll(const IncidentEnd& end,
                              std::optional<IncidentKind> but) {
  for (auto& [number, incident] : incidents_) {
    if (IsOpen(incident) && incident.kind != but) CloseOne(incident, end);
  }
}

void IncidentKeeper::CloseOne(Incident& incident, const IncidentEnd& end) {
  incident.outcome = end.outcome;
  incident.ended_at = clock_.WallNow();
  incident.resolution = end.resolution.substr(0, kIncidentTextMax);
  incident.lost_entries += end.lost_entries;
  incident.rolled_back_entries += end.rolled_back_entries;
  incident.write_unavailable_ns += end.write_unavailable_ns;
  closed_[incident.id.number] = clock_.SteadyNow();
  ++changes_;
  logger_.Info("incident closed", {{"kind", Name(incident.kind)},
                                   {"number", incident.id.number},
                                   {"outcome", Name(end.outcome)},
                                   {"resolution", end.resolution}});
}

// ---- the file

std::string IncidentKeeper::Encode() {
  std::string contents(kIncidentsAt, '\0');
  PutLittle(contents.data() + kSeriesAt, series_.value());
  PutLittle(contents.data() + kLastNumberAt, last_number_);
  contents[kRunningAt] = running_ ? 1 : 0;
  for (const auto& [number, incident] : incidents_) {
    contents += EncodeIncidents({incident});
  }
  return contents;
}

void IncidentKeeper::Save() {
  if (file_ == nullptr || !fault_.ok()) return;
  std::string contents = Encode();
  while (contents.size() > options_.bytes_max) {
    const auto oldest = std::find_if(
        incidents_.begin(), incidents_.end(),
        [](const auto& numbered) { return !IsOpen(numbered.second); });
    incidents_.erase(oldest);
    contents = Encode();
  }
  const absl::Status stored = file_->Store(contents);
  if (stored.ok()) return;
  fault_ = stored;
  options_.on_fault(stored);
}

absl::Status IncidentKeeper::fault() const {
  const MutexLock lock(mutex_);
  return fault_;
}

std::vector<Incident> IncidentKeeper::Records() const {
  const MutexLock lock(mutex_);
  std::vector<Incident> records;
  records.reserve(incidents_.size());
  for (const auto& [number, incident] : incidents_) records.push_back(incident);
  return records;
}

uint64_t IncidentKeeper::changes() const {
  const MutexLock lock(mutex_);
  return changes_;
}

}  // namespace ledgerd::server
