#include "server/clock_watch.h"

#include <cstdint>
#include <cstdlib>

namespace ledgerd::server {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

nanoseconds Ahead(Timestamp clock, Timestamp other) {
  return nanoseconds(static_cast<int64_t>(clock.value() - other.value()));
}

}  // namespace

void ClockWatch::Note(ReplicaId primary, Timestamp sent, Timestamp received,
                      SteadyTime now) {
  const MutexLock lock(mutex_);
  if (primary != primary_) {
    primary_ = primary;
    least_.reset();
    differs_.reset();
  }
  // What came before it fell silent may all have been late.
  if (now - noted_ >= kWindow) least_.reset();
  noted_ = now;
  if (least_.has_value() && now - begin_ >= kWindow) EndWindow(now);
  if (!least_.has_value()) begin_ = now;
  const nanoseconds ahead = Ahead(received, sent);
  if (!least_.has_value() ||
      std::abs(ahead.count()) < std::abs(least_->count())) {
    least_ = ahead;
  }
}

std::optional<milliseconds> ClockWatch::Difference(ReplicaId primary) const {
  const MutexLock lock(mutex_);
  return primary == primary_ ? differs_ : std::nullopt;
}

void ClockWatch::EndWindow(SteadyTime now) {
  const auto ahead = duration_cast<milliseconds>(*least_);
  least_.reset();
  if (ahead < kLimit && ahead > -kLimit) {
    if (said_at_.has_value()) {
      logger_.Info("clocks agree again", {{"primary_id", primary_.value()}});
    }
    said_at_.reset();
    differs_.reset();
    return;
  }
  differs_ = ahead;
  if (said_at_.has_value() && now - *said_at_ < kSayAgain) return;
  said_at_ = now;
  logger_.Warning(
      "clocks differ",
      {{"primary_id", primary_.value()},
       {"ahead_ms", ahead.count()},
       {"what",
        ahead.count() > 0
            ? "this machine's clock is ahead of the primary's: reads here with "
              "max_staleness are refused, and what the other one orders gets "
              "earlier times. Synchronize both: chronyc tracking"
            : "this machine's clock is behind the primary's: as the primary it "
              "would give the times of its newest entry until its clock is "
              "there, and expire what is pending late. Synchronize both: "
              "chronyc tracking"}});
}

void CompareWithJournal(Timestamp newest, Timestamp now, Logger& logger) {
  const auto behind = duration_cast<milliseconds>(Ahead(newest, now));
  if (behind < ClockWatch::kLimit) return;
  logger.Warning(
      "the clock is behind the journal",
      {{"behind_ms", behind.count()},
       {"what",
        "this machine's clock was set back, or that of the primary was ahead: "
        "until it is there, new entries get the times of the newest one, a "
        "nanosecond apart, and what is pending expires late. Check it: "
        "chronyc tracking"}});
}

}  // namespace ledgerd::server
