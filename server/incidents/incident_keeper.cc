#include "server/incidents/incident_keeper.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/string_view.h"

#include "proto/base/status_macros.h"
#include "proto/base/wait_at_most.h"
#include "proto/kept_incidents.h"

namespace ledgerd::server {
namespace {

constexpr char kFileName[] = "incidents";

// And what is saved of how far was answered.
static_assert(kKeptIncidentsBytesMin +
                  (IncidentKeeper::kUnsentMax + IncidentKeeper::kOpenMax + 1) *
                      kIncidentBytesMax <=
              storage::IncidentFile::kContentsMax);

bool GoesOnAfterACrash(const Incident& incident) {
  return incident.kind == IncidentKind::kCrashReplay ||
         incident.kind == IncidentKind::kRestore || incident.halted;
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
  if (!crashed_ || open_.empty()) return;
  CloseWhatWasLeft();
  Save();
}

void IncidentKeeper::BeginRunning() {
  const MutexLock lock(mutex_);
  running_ = true;
  Save();
}

void IncidentKeeper::Load(const std::string& contents) {
  if (contents.empty()) return;
  auto kept = DecodeKeptIncidents(contents);
  if (!kept.ok()) {
    logger_.Warning("the file of incidents makes no sense: it begins anew");
    return;
  }
  series_ = kept->series;
  last_number_ = kept->last_number;
  crashed_ = kept->running;
  unsent_.assign(kept->unsent.begin(), kept->unsent.end());
  for (Incident& incident : kept->open) {
    if (incident.kind == IncidentKind::kCompletion) {
      const auto saved = CompletionIn(incident);
      if (saved.has_value()) answered_ = {incident.epoch, saved->through};
      continue;
    }
    // A build that told nobody has left those that ended here, too.
    if (incident.outcome != IncidentOutcome::kInProgress) {
      Tell(incident);
      continue;
    }
    const uint64_t number = incident.id.number;
    open_.emplace(number, std::move(incident));
  }
}

void IncidentKeeper::CloseWhatWasLeft() {
  std::vector<Incident> left;
  for (const auto& [number, incident] : open_) {
    if (!GoesOnAfterACrash(incident)) left.push_back(incident);
  }
  for (Incident& incident : left) {
    CloseOne(std::move(incident),
             {.outcome = IncidentOutcome::kFailed,
              .resolution = "the process ended before it did"});
  }
  // What this process meets is another one.
  ended_.clear();
}

// ---- raising and closing

Incident* IncidentKeeper::FindSame(const IncidentSeen& seen) {
  const auto is_same = [&](const Incident& incident) {
    return incident.kind == seen.kind && incident.cause == seen.cause &&
           incident.planned == seen.planned &&
           incident.injected == seen.injected;
  };
  for (auto& [number, incident] : open_) {
    if (is_same(incident)) return &incident;
  }
  const auto now = clock_.SteadyNow();
  std::erase_if(
      ended_, [&](const Ended& ended) { return now - ended.at > kSameCause; });
  for (Ended& ended : ended_) {
    if (!is_same(ended.incident) || open_.size() >= kOpenMax) continue;
    const uint64_t number = ended.incident.id.number;
    Incident& again =
        open_.insert_or_assign(number, std::move(ended.incident)).first->second;
    std::erase_if(ended_, [number](const Ended& other) {
      return other.incident.id.number == number;
    });
    again.outcome = IncidentOutcome::kInProgress;
    again.ended_at = Timestamp(0);
    again.resolution.clear();
    again.phases.clear();
    return &again;
  }
  return nullptr;
}

uint64_t IncidentKeeper::Raise(const IncidentSeen& seen) {
  const MutexLock lock(mutex_);
  uint64_t number = 0;
  if (Incident* same = FindSame(seen)) {
    number = same->id.number;
    ++same->detections;
    if (IsRecovery(same->kind)) ++same->attempts;
    // Whoever has seen it first may not have known that it halts the replica.
    if (seen.halts && !same->halted) {
      same->halted = true;
      same->of_primary = seen.of_primary;
      same->epoch = seen.epoch;
    }
    Tell(*same);
  } else {
    number = ++last_number_;
    Incident incident;
    incident.id = {options_.replica, series_, number};
    incident.kind = seen.kind;
    incident.injected = seen.injected;
    incident.planned = seen.planned;
    incident.of_primary = seen.of_primary;
    incident.halted = seen.halts;
    incident.epoch = seen.epoch;
    incident.started_at =
        seen.since == Timestamp(0) ? clock_.WallNow() : seen.since;
    incident.cause = seen.cause.substr(0, kIncidentTextMax);
    if (open_.size() < kOpenMax) {
      Tell(incident);
      open_.emplace(number, std::move(incident));
    }
  }
  Save();
  logger_.Warning(
      "incident",
      {{"kind", Name(seen.kind)}, {"number", number}, {"cause", seen.cause}});
  return number;
}

std::optional<uint64_t> IncidentKeeper::GoOn(IncidentKind kind) {
  const MutexLock lock(mutex_);
  for (auto& [number, incident] : open_) {
    if (incident.kind != kind) continue;
    if (!crashed_) return number;
    ++incident.attempts;
    Tell(incident);
    Save();
    return number;
  }
  return std::nullopt;
}

std::vector<Incident> IncidentKeeper::Halted() const {
  const MutexLock lock(mutex_);
  std::vector<Incident> halted;
  for (const auto& [number, incident] : open_) {
    if (incident.halted) halted.push_back(incident);
  }
  return halted;
}

void IncidentKeeper::Close(uint64_t number, const IncidentEnd& end) {
  const MutexLock lock(mutex_);
  const auto found = open_.find(number);
  if (found == open_.end()) return;
  CloseOne(found->second, end);
  Save();
}

void IncidentKeeper::CloseAll(IncidentKind kind, const IncidentEnd& end) {
  const MutexLock lock(mutex_);
  std::vector<Incident> ended;
  for (const auto& [number, incident] : open_) {
    if (incident.kind == kind) ended.push_back(incident);
  }
  if (ended.empty()) return;
  for (Incident& incident : ended) CloseOne(std::move(incident), end);
  Save();
}

void IncidentKeeper::CloseOne(Incident incident, const IncidentEnd& end) {
  const uint64_t number = incident.id.number;
  open_.erase(number);
  incident.outcome = end.outcome;
  incident.ended_at = clock_.WallNow();
  incident.resolution = end.resolution.substr(0, kIncidentTextMax);
  incident.lost_entries += end.lost_entries;
  incident.rolled_back_entries += end.rolled_back_entries;
  incident.write_unavailable_ns += end.write_unavailable_ns;
  incident.phases = end.phases;
  Tell(incident);
  logger_.Info("incident closed", {{"kind", Name(incident.kind)},
                                   {"number", number},
                                   {"outcome", Name(end.outcome)},
                                   {"resolution", end.resolution}});
  ended_.push_back({std::move(incident), clock_.SteadyNow()});
  if (ended_.size() > kOpenMax) ended_.erase(ended_.begin());
}

void IncidentKeeper::AddNote(const IncidentNote& note) {
  const MutexLock lock(mutex_);
  Incident incident;
  incident.id = {options_.replica, series_, ++last_number_};
  incident.kind = note.kind;
  incident.outcome =
      note.successful ? IncidentOutcome::kSuccess : IncidentOutcome::kFailed;
  incident.injected = true;
  incident.detections = 0;
  incident.started_at = note.at == Timestamp(0) ? clock_.WallNow() : note.at;
  incident.ended_at = incident.started_at;
  incident.cause = note.what.substr(0, kIncidentTextMax);
  Tell(incident);
  Save();
  logger_.Info("noted", {{"kind", Name(note.kind)}, {"what", note.what}});
}

CompletionTail::Answered IncidentKeeper::answered() const {
  const MutexLock lock(mutex_);
  return answered_;
}

void IncidentKeeper::SaveAnswered(const CompletionTail::Answered& answered) {
  const MutexLock lock(mutex_);
  if (answered == answered_) return;
  answered_ = answered;
  Save();
}

void IncidentKeeper::EndCleanly() {
  const MutexLock lock(mutex_);
  std::vector<Incident> left;
  for (const auto& [number, incident] : open_) left.push_back(incident);
  for (Incident& incident : left) {
    CloseOne(std::move(incident),
             {.outcome = IncidentOutcome::kAborted,
              .resolution = "the replica was stopped before it ended"});
  }
  running_ = false;
  Save();
}

void IncidentKeeper::Tell(const Incident& incident) {
  std::erase_if(unsent_,
                [&](const Incident& older) { return older.id == incident.id; });
  if (unsent_.size() >= kUnsentMax) unsent_.pop_front();
  unsent_.push_back(incident);
  changed_.SignalAll();
}

void IncidentKeeper::Save() {
  if (file_ == nullptr || !fault_.ok()) return;
  KeptIncidents kept;
  kept.series = series_;
  kept.last_number = last_number_;
  kept.running = running_;
  kept.unsent.assign(unsent_.begin(), unsent_.end());
  for (const auto& [number, incident] : open_) kept.open.push_back(incident);
  if (answered_.through != Sequence(0)) {
    kept.open.push_back(ToRecord({.through = answered_.through},
                                 {options_.replica, series_, 0},
                                 answered_.epoch, series_));
  }
  const absl::Status stored = file_->Store(EncodeKeptIncidents(kept));
  if (stored.ok() || !fault_.ok()) return;
  fault_ = stored;
  options_.on_fault(stored);
}

absl::Status IncidentKeeper::fault() const {
  const MutexLock lock(mutex_);
  return fault_;
}

// ---- for whoever tells the group

std::vector<Incident> IncidentKeeper::Unsent() const {
  const MutexLock lock(mutex_);
  const size_t count = std::min(unsent_.size(), kIncidentsAtOnceMax);
  return {unsent_.begin(),
          unsent_.begin() + static_cast<std::ptrdiff_t>(count)};
}

void IncidentKeeper::NoteSent(const std::vector<Incident>& sent) {
  const MutexLock lock(mutex_);
  for (const Incident& incident : sent) {
    // One that has changed meanwhile is told again.
    std::erase(unsent_, incident);
  }
  Save();
}

bool IncidentKeeper::WaitForUnsent() {
  const MutexLock lock(mutex_);
  while (unsent_.empty() && !ending_) changed_.Wait(mutex_);
  return !ending_;
}

bool IncidentKeeper::WaitAWhile(std::chrono::milliseconds time) {
  const MutexLock lock(mutex_);
  return !WaitAtMost(changed_, mutex_, time,
                     [this]() LEDGERD_REQUIRES(mutex_) { return ending_; });
}

void IncidentKeeper::End() {
  const MutexLock lock(mutex_);
  ending_ = true;
  changed_.SignalAll();
}

}  // namespace ledgerd::server
