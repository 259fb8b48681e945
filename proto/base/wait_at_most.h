// WaitAtMost waits for a condition that other threads bring about, until time
// is over.
//
//   const MutexLock lock(mutex_);
//   if (!WaitAtMost(changed_, mutex_, std::chrono::seconds(1),
//                   [this]() LEDGERD_REQUIRES(mutex_) { return known_; })) {
//     // The second is over.
//   }
#ifndef LEDGERD_PROTO_BASE_WAIT_AT_MOST_H_
#define LEDGERD_PROTO_BASE_WAIT_AT_MOST_H_

#include <chrono>

#include "proto/base/mutex.h"

namespace ledgerd {

// Whether `condition` holds, for which `changed` is signalled. Clang does not
// see that what `condition` requires is `mutex`.
template <typename Condition>
bool WaitAtMost(CondVar& changed, Mutex& mutex, std::chrono::nanoseconds time,
                const Condition& condition) LEDGERD_REQUIRES(mutex)
    LEDGERD_ATTRIBUTE(no_thread_safety_analysis) {
  const auto until = std::chrono::steady_clock::now() + time;
  while (!condition()) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= left.zero()) return false;
    changed.WaitFor(mutex, left);
  }
  return true;
}

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_BASE_WAIT_AT_MOST_H_
