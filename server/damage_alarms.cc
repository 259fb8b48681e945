#include "server/damage_alarms.h"

#include <cstddef>

#include "absl/strings/str_cat.h"

namespace ledgerd::server {
namespace {

constexpr size_t kMessagesMax = 100;

std::string NameOf(DamageAlarms::Place place, const absl::Status& error) {
  if (!absl::IsDataLoss(error)) return "DISK_ERROR";
  switch (place) {
    case DamageAlarms::Place::kState:
      return "STATE_DAMAGED";
    case DamageAlarms::Place::kJournal:
      return "JOURNAL_DAMAGED";
    case DamageAlarms::Place::kReplicas:
      return "STATE_MISMATCH";
  }
  return "DISK_ERROR";
}

}  // namespace

bool DamageAlarms::Raise(Place place, const absl::Status& error,
                         Timestamp now) {
  const MutexLock lock(mutex_);
  return RaiseLocked(NameOf(place, error), error, now);
}

bool DamageAlarms::RaiseUnlessTold(Place place, const absl::Status& error,
                                   Timestamp now) {
  const MutexLock lock(mutex_);
  const std::string name = NameOf(place, error);
  const auto raised = raised_.find(name);
  if (raised != raised_.end() &&
      raised->second.messages.contains(std::string(error.message()))) {
    return false;
  }
  return RaiseLocked(name, error, now);
}

bool DamageAlarms::RaiseLocked(const std::string& name,
                               const absl::Status& error, Timestamp now) {
  if (absl::IsDataLoss(error)) ++detections_;
  const auto [raised, is_new] = raised_.try_emplace(name);
  if (is_new) {
    raised->second.first = std::string(error.message());
    raised->second.at = now;
  } else {
    ++raised->second.more;
  }
  return raised->second.messages.size() < kMessagesMax &&
         raised->second.messages.emplace(error.message()).second;
}

bool DamageAlarms::Clear(const std::string& name) {
  const MutexLock lock(mutex_);
  return raised_.erase(name) > 0;
}

void DamageAlarms::ClearDamage(Place place) {
  Clear(NameOf(place, absl::DataLossError("")));
}

uint64_t DamageAlarms::detections() const {
  const MutexLock lock(mutex_);
  return detections_;
}

std::vector<DamageAlarms::Alarm> DamageAlarms::Get() const {
  const MutexLock lock(mutex_);
  std::vector<Alarm> alarms;
  for (const auto& [name, raised] : raised_) {
    std::string message = raised.first;
    if (raised.more > 0) {
      absl::StrAppend(&message, "; and ", raised.more, " more since");
    }
    alarms.push_back({name, std::move(message), raised.at});
  }
  return alarms;
}

}  // namespace ledgerd::server
