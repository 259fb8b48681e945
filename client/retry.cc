#include "client/retry.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace ledgerd::client {
namespace {

bool IsOfTheTransport(const absl::Status& status) {
  if (ReasonOf(status).has_value()) return false;
  return absl::IsUnavailable(status) || absl::IsCancelled(status) ||
         absl::IsUnknown(status) || absl::IsInternal(status);
}

// Errors that say by themselves that the request was not taken, though they
// carry no reason (an old server, a proxy).
bool IsRefusal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsUnimplemented(status) ||
         absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status);
}

}  // namespace

Retry::Retry(Options options)
    : options_(options),
      random_(static_cast<std::minstd_rand::result_type>(options.seed)) {}

std::optional<Retry::Duration> Retry::PauseAfter(const RpcError& error,
                                                 Time now) {
  ++attempts_;
  last_ = error.status;
  if (MayHaveBeenExecuted(error.status) && !IsRefusal(error.status)) {
    may_have_been_executed_ = true;
  }
  const auto pause = Pause(error);
  if (!pause.has_value() || now + *pause >= options_.deadline) {
    return std::nullopt;
  }
  return pause;
}

std::optional<Retry::Duration> Retry::Pause(const RpcError& error) {
  if (absl::IsResourceExhausted(error.status)) {
    if (!error.retry_delay.has_value()) return std::nullopt;
    // Jitter only adds: RetryInfo is the earliest time.
    return std::max<Duration>(*error.retry_delay, kPauseMin) +
           NextBackOff() / 4;
  }
  if (absl::IsUnavailable(error.status) || IsOfTheTransport(error.status) ||
      ReasonOf(error.status) == Reason::kOutcomeUnknown) {
    return NextBackOff();
  }
  return std::nullopt;
}

Retry::Duration Retry::NextBackOff() {
  const Duration longest = back_off_max_;
  const Duration shortest = std::max<Duration>(kPauseMin, longest / 2);
  back_off_max_ = std::min(2 * back_off_max_, kPauseMax);
  return Duration(std::uniform_int_distribution<Duration::rep>(
      shortest.count(), longest.count())(random_));
}

absl::Status Retry::Outcome() const {
  const std::string after = absl::StrCat(" (attempts: ", attempts_, ")");
  if (options_.changes_state && may_have_been_executed_) {
    return WithReason(
        absl::Status(
            absl::IsDeadlineExceeded(last_) ? last_.code()
                                            : absl::StatusCode::kUnavailable,
            absl::StrCat("outcome unknown: it may have been executed; ask "
                         "again with the same ids; last error: ",
                         last_.message(), after)),
        Reason::kOutcomeUnknown);
  }
  absl::Status status(last_.code(), absl::StrCat(last_.message(), after));
  last_.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    status.SetPayload(url, payload);
  });
  return status;
}

}  // namespace ledgerd::client
