#include "server/repair/scrubber.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "proto/base/status_macros.h"
#include "proto/base/wait_at_most.h"
#include "proto/incident.h"

namespace ledgerd::server {
namespace {

using storage::SegmentDamage;

constexpr char kReplaced[] = "replaced with a checkpoint of another replica";

std::string WordsOf(const SegmentDamage& damage) {
  const Sequence first = damage.run.first();
  const Sequence last = damage.run.last.sequence;
  return absl::StrCat("journal damaged at sequence ", first.value(),
                      first == last ? "" : absl::StrCat(" to ", last.value()),
                      ", file ", damage.segment->path, ", offset ",
                      damage.run.begin);
}

}  // namespace

Scrubber::Scrubber(ScrubberOptions options, ScrubberPorts ports,
                   IncidentKeeper& incidents, Logger& logger)
    : options_(options),
      ports_(std::move(ports)),
      incidents_(incidents),
      logger_(logger),
      next_(std::chrono::steady_clock::now() +
            std::min<std::chrono::seconds>(options.interval, kFirstAfter)),
      thread_([this] { Loop(); }) {}

Scrubber::~Scrubber() { End(); }

void Scrubber::End() {
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  changed_.SignalAll();
  if (ports_.end_mending_state != nullptr) ports_.end_mending_state();
  if (thread_.joinable()) thread_.join();
}

void Scrubber::LookNow() {
  {
    const MutexLock lock(mutex_);
    look_now_ = true;
  }
  changed_.SignalAll();
}

void Scrubber::NoteStateDamage(const StateDamage::Met& met) {
  {
    const MutexLock lock(mutex_);
    if (!absl::IsDataLoss(met.damage)) {
      if (read_error_.ok()) read_error_ = met.damage;
    } else if (!state_damage_.has_value() ||
               (met.holds && !state_damage_->holds)) {
      // What is held goes first: nothing is applied meanwhile.
      state_damage_ = met;
    }
  }
  changed_.SignalAll();
}

void Scrubber::ForgetStateDamage() {
  const MutexLock lock(mutex_);
  state_damage_.reset();
}

ScrubPasses Scrubber::passes() const {
  const MutexLock lock(mutex_);
  return passes_;
}

void Scrubber::Loop() {
  while (true) {
    const Turn turn = WaitForTurn();
    if (turn == Turn::kEnd) return;
    if (turn == Turn::kState) {
      SeeToNotedDamage().IgnoreError();  // It is to end.
      continue;
    }
    is_clean_ = true;
    absl::Status status = LookAtJournal();
    if (status.ok() && turn == Turn::kAll) status = LookAtState();
    if (turn == Turn::kAll) {
      next_ = std::chrono::steady_clock::now() + options_.interval;
    }
    // It is to end, or the replica is.
    if (!status.ok() || turn != Turn::kAll) continue;
    const MutexLock lock(mutex_);
    passes_.last = ports_.now();
    if (is_clean_) passes_.last_clean = passes_.last;
  }
}

Scrubber::Turn Scrubber::WaitForTurn() {
  const MutexLock lock(mutex_);
  while (!ending_) {
    if (std::exchange(look_now_, false)) return Turn::kJournal;
    if (state_damage_.has_value() || !read_error_.ok()) return Turn::kState;
    if (options_.interval == options_.interval.zero()) {
      changed_.Wait(mutex_);
      continue;
    }
    const auto left = next_ - std::chrono::steady_clock::now();
    if (left <= left.zero()) return Turn::kAll;
    changed_.WaitFor(mutex_, left);
  }
  return Turn::kEnd;
}

absl::Status Scrubber::Sleep(std::chrono::nanoseconds time) {
  const MutexLock lock(mutex_);
  if (!WaitAtMost(changed_, mutex_, time,
                  [this]() LEDGERD_REQUIRES(mutex_) { return ending_; })) {
    return absl::OkStatus();
  }
  return absl::CancelledError("the process is ending");
}

absl::Status Scrubber::Paced(uint64_t bytes) {
  return Sleep(std::chrono::nanoseconds(
      static_cast<int64_t>(static_cast<double>(bytes) * 1'000'000'000.0 /
                           static_cast<double>(options_.bytes_per_second))));
}

absl::Status Scrubber::LookAtJournal() {
  for (const storage::SegmentNumber number : ports_.segments()) {
    LEDGERD_RETURN_IF_ERROR(LookAtSegment(number));
  }
  return absl::OkStatus();
}

// Until nothing is found: what is mended moves with a segment that is rolled
// back meanwhile.
absl::Status Scrubber::LookAtSegment(storage::SegmentNumber number) {
  while (true) {
    const auto damages =
        ports_.find(number, [this](uint64_t bytes) { return Paced(bytes); });
    if (absl::IsCancelled(damages.status())) return damages.status();
    if (!damages.ok()) {
      Report(DamageAlarms::Place::kJournal, damages.status());
      return absl::OkStatus();
    }
    if (damages->empty()) return absl::OkStatus();
    for (const SegmentDamage& damage : *damages) {
      LEDGERD_RETURN_IF_ERROR(SeeTo(damage));
    }
  }
}

absl::Status Scrubber::SeeTo(const SegmentDamage& damage) {
  const std::string what = WordsOf(damage);
  logger_.Error("damage was found", {{"what", what}});
  const uint64_t fault =
      incidents_.Raise({.kind = IncidentKind::kCorruption, .cause = what});
  const uint64_t repair =
      incidents_.Raise({.kind = IncidentKind::kRepair, .cause = what});
  ports_.alarm(DamageAlarms::Place::kJournal, absl::DataLossError(what));
  absl::Status mended =
      ports_.mend(damage, std::chrono::steady_clock::now() + kPatience);
  while (absl::IsUnavailable(mended)) {
    LEDGERD_RETURN_IF_ERROR(Sleep(kRetryAfter));
    mended = ports_.mend(damage, std::chrono::steady_clock::now() + kPatience);
  }
  if (absl::IsAborted(mended)) mended = absl::OkStatus();  // It is gone.
  if (!mended.ok()) {
    incidents_.Close(repair, {.outcome = IncidentOutcome::kFailed,
                              .resolution = std::string(mended.message())});
    ports_.halt(mended);
    return mended;
  }
  const std::string how = "mended with entries of another replica, by hash";
  incidents_.Close(repair, {.resolution = how});
  incidents_.Close(fault, {.resolution = how});
  ports_.clear(DamageAlarms::Place::kJournal);
  logger_.Info("damage was mended", {{"what", what}});
  return absl::OkStatus();
}

bool Scrubber::IsNew(const std::string& what, std::set<std::string>& told) {
  return told.size() < kReportedMax && told.insert(what).second;
}

// What is damaged still is told of once, not in each pass.
void Scrubber::Report(DamageAlarms::Place place, const absl::Status& damage) {
  is_clean_ = false;
  ports_.alarm(place, damage);
  const std::string what(damage.message());
  if (!IsNew(what, reported_)) return;
  logger_.Error(
      "damage was found that is not mended",
      {{"what", place == DamageAlarms::Place::kState ? InState(what) : what}});
  incidents_.Raise({.kind = absl::IsDataLoss(damage) ? IncidentKind::kCorruption
                                                     : IncidentKind::kDiskError,
                    .cause = what});
}

absl::Status Scrubber::LookAtState() {
  if (ports_.verify_state == nullptr) return absl::OkStatus();
  const absl::Status status =
      ports_.verify_state([this](uint64_t bytes) { return Paced(bytes); });
  if (status.ok() || absl::IsCancelled(status)) return status;
  if (absl::IsDataLoss(status)) return SeeToState(status, MetBy::kPass);
  Report(DamageAlarms::Place::kState, status);
  return absl::OkStatus();
}

absl::Status Scrubber::SeeToNotedDamage() {
  std::optional<StateDamage::Met> met;
  absl::Status read_error;
  {
    const MutexLock lock(mutex_);
    met = std::exchange(state_damage_, std::nullopt);
    read_error = std::exchange(read_error_, absl::OkStatus());
  }
  if (!read_error.ok()) Report(DamageAlarms::Place::kState, read_error);
  if (!met.has_value()) return absl::OkStatus();
  return SeeToState(met->damage, met->holds ? MetBy::kHeld : MetBy::kRead);
}

absl::Status Scrubber::SeeToState(const absl::Status& damage, MetBy by) {
  if (ports_.mend_state == nullptr) {
    Report(DamageAlarms::Place::kState, damage);
    return absl::OkStatus();
  }
  ports_.alarm(DamageAlarms::Place::kState, damage);
  const std::string what(damage.message());
  if (lost_.contains(what) || lost_.size() >= kReportedMax) {
    return SeeToLostState(by);
  }
  logger_.Error("damage of the state was found", {{"what", InState(what)}});
  const uint64_t fault =
      incidents_.Raise({.kind = IncidentKind::kCorruption, .cause = what});
  const uint64_t repair =
      incidents_.Raise({.kind = IncidentKind::kRepair, .cause = what});
  lost_.emplace(what, fault);
  const absl::Status mended = MendState();
  if (absl::IsCancelled(mended)) {
    incidents_.Close(repair, {.outcome = IncidentOutcome::kAborted,
                              .resolution = "the process is ending"});
    return mended;
  }
  if (!mended.ok()) {
    is_clean_ = false;
    const std::string why = InState(mended.message());
    logger_.Error("the state cannot be mended", {{"what", what}, {"why", why}});
    incidents_.Close(repair,
                     {.outcome = IncidentOutcome::kFailed, .resolution = why});
    return absl::OkStatus();
  }
  incidents_.Close(repair, {.resolution = kReplaced});
  CloseLost();
  return absl::OkStatus();
}

// Nobody could give another one when it was found. Reads may meet it all the
// time; for them it is not held again.
absl::Status Scrubber::SeeToLostState(MetBy by) {
  is_clean_ = false;
  if (by == MetBy::kRead) return absl::OkStatus();
  const absl::Status mended =
      by == MetBy::kHeld ? MendState() : ports_.mend_state();
  if (absl::IsCancelled(mended)) return mended;
  if (mended.ok()) CloseLost();
  return absl::OkStatus();
}

std::string Scrubber::InState(absl::string_view what) const {
  if (ports_.state_at == nullptr) return std::string(what);
  return absl::StrCat(ports_.state_at(), ": ", what);
}

void Scrubber::CloseLost() {
  for (const auto& [what, fault] : lost_) {
    incidents_.Close(fault, {.resolution = kReplaced});
    logger_.Info("the state was replaced", {{"what", what}});
  }
  lost_.clear();
  ports_.clear(DamageAlarms::Place::kState);
}

absl::Status Scrubber::MendState() {
  absl::Status mended = ports_.mend_state();
  std::string why;
  while (absl::IsUnavailable(mended)) {
    if (why != mended.message()) {
      why = std::string(mended.message());
      logger_.Warning("the state is not mended yet", {{"why", InState(why)}});
    }
    LEDGERD_RETURN_IF_ERROR(Sleep(kRetryAfter));
    mended = ports_.mend_state();
  }
  return mended;
}

}  // namespace ledgerd::server
