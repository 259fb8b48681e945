// A Lateness notices in a long walk that whoever asked does not wait any more.
//
//   Lateness lateness(is_late);
//   while (...) {
//     if (lateness.Step()) return lateness.status();
//     ...
//   }
//
// Shape    Asks once in kSteps steps, so that a step costs nothing; those of a
//          query take some milliseconds.
// Threads  Not thread-safe.
#ifndef LEDGERD_STORAGE_LATENESS_H_
#define LEDGERD_STORAGE_LATENESS_H_

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/status/status.h"

namespace ledgerd::storage {

// Whether the answer comes too late by now. Empty: never.
using IsLate = std::function<bool()>;

class Lateness {
 public:
  static constexpr uint32_t kSteps = 4096;

  explicit Lateness(IsLate is_late) : is_late_(std::move(is_late)) {}

  // Whether to give up. Once true, always true.
  bool Step() {
    if (late_ || ++steps_ < kSteps) return late_;
    steps_ = 0;
    late_ = is_late_ && is_late_();
    return late_;
  }

  // DEADLINE_EXCEEDED when it is time to give up.
  absl::Status status() const {
    if (!late_) return absl::OkStatus();
    return absl::DeadlineExceededError(
        "the read did not end by its deadline: ask for a shorter span of time");
  }

 private:
  const IsLate is_late_;
  uint32_t steps_ = 0;
  bool late_ = false;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_LATENESS_H_
