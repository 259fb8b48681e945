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

bool IsOutOfTime(const absl::Status& status) {
  return absl::IsDeadlineExceeded(status) && !ReasonOf(status).has_value();
}

}  // namespace

Retry::Retry(Options options)
    : options_(options),
      random_(static_cast<std::minstd_rand::result_type>(options.seed)) {}

std::optional<Retry::Duration> Retry::PauseAfter(const RpcError& error,
                                                 Time now, bool elsewhere) {
  ++attempts_;
  last_ = error.status;
  if (!IsOutOfTime(error.status)) cause_ = error.status;
  if (MayHaveBeenExecuted(error.status) && !IsRefusal(error.status)) {
    may_have_been_executed_ = true;
  }
  const auto pause = Pause(error, elsewhere);
  if (!pause.has_value() || now + *pause >= options_.deadline) {
    return std::nullopt;
  }
  return pause;
}

std::optional<Retry::Duration> Retry::Pause(const RpcError& error,
                                            bool elsewhere) {
  // What a read found damaged is damaged the next time too.
  if (absl::IsDataLoss(error.status) && !options_.changes_state) {
    return std::nullopt;
  }
  if (absl::IsResourceExhausted(error.status)) {
    if (!error.retry_delay.has_value()) return std::nullopt;
    // Jitter only adds: RetryInfo is the earliest time.
    return std::max<Duration>(*error.retry_delay, kPauseMin) +
           NextBackOff() / 4;
  }
  if (absl::IsUnavailable(error.status) || IsOfTheTransport(error.status) ||
      ReasonOf(error.status) == Reason::kOutcomeUnknown) {
    return elsewhere ? Duration::zero() : NextBackOff();
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

std::string Retry::Words() const {
  std::string words = IsOutOfTime(last_) ? "no answer before the deadline"
                                         : std::string(last_.message());
  if (IsOutOfTime(last_) && !cause_.ok()) {
    absl::StrAppend(&words, "; the attempt before: ", cause_.message());
  }
  return absl::StrCat(words, " (attempts: ", attempts_, ")");
}

absl::Status Retry::Outcome() const {
  if (options_.changes_state && may_have_been_executed_) {
    const absl::StatusCode code = absl::IsDeadlineExceeded(last_)
                                      ? last_.code()
                                      : absl::StatusCode::kUnavailable;
    return WithReason(
        absl::Status(code,
                     absl::StrCat("it may have been executed; ask again with "
                                  "the same ids: ",
                                  Words())),
        Reason::kOutcomeUnknown);
  }
  absl::Status status(last_.code(), Words());
  last_.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    status.SetPayload(url, payload);
  });
  return status;
}

}  // namespace ledgerd::client
