// What follows a failed attempt: another one after a pause, or the end.
//
//   Retry retry({.changes_state = true, .deadline = now + 10s, .seed = 7});
//   while (...) {
//     const RpcError error = Attempt();
//     const auto pause = retry.PauseAfter(error, Now(), elsewhere);
//     if (!pause.has_value()) return retry.Outcome();
//     Sleep(*pause);
//   }
//
// Shape   A pure function of what it was told: no clock, no threads.
// Rules   Asked again, with the same ids: UNAVAILABLE; whatever says
//         OUTCOME_UNKNOWN; RESOURCE_EXHAUSTED after its RetryInfo; and an error
//         of the transport (no reason: UNAVAILABLE, CANCELLED, UNKNOWN,
//         INTERNAL). Not asked again: the rest, and whatever would start after
//         the deadline.
//         Once an attempt may have been executed, only a definite answer takes
//         that back: a call that ends without one ends as OUTCOME_UNKNOWN, even
//         if its last attempt did nothing.
//         A server that was not asked yet is asked at once, but after a
//         RetryInfo.
// Units   Pauses are 10 .. 200 ms, doubling, with jitter down to a half.
#ifndef LEDGERD_CLIENT_RETRY_H_
#define LEDGERD_CLIENT_RETRY_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "absl/status/status.h"

#include "client/rpc_status.h"

namespace ledgerd::client {

inline constexpr std::chrono::milliseconds kPauseMin{10};
inline constexpr std::chrono::milliseconds kPauseMax{200};

class Retry {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  struct Options {
    // Whether the call can change anything; else it has no unknown outcome.
    bool changes_state = false;
    Time deadline;
    uint64_t seed = 0;
  };

  explicit Retry(Options options);

  // How long to wait before the next attempt; nothing: give up. `elsewhere`:
  // the next one is at a server that has not been asked since the last pause.
  std::optional<Duration> PauseAfter(const RpcError& error, Time now,
                                     bool elsewhere = false);

  // Why it was given up. Requires: PauseAfter has returned nothing.
  absl::Status Outcome() const;

 private:
  std::optional<Duration> Pause(const RpcError& error, bool elsewhere);
  // 10 .. 20 ms, then 20 .. 40, up to 100 .. 200.
  Duration NextBackOff();
  std::string Words() const;

  const Options options_;
  std::minstd_rand random_;
  std::chrono::milliseconds back_off_max_ = 2 * kPauseMin;
  int attempts_ = 0;
  bool may_have_been_executed_ = false;
  absl::Status last_;
  // The last error that says more than that time was up.
  absl::Status cause_;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_RETRY_H_
