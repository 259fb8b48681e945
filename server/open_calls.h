// OpenCalls counts the calls that have not ended, so that a clean stop can wait
// until their answers have left.
//
//   calls.Begin();   ...   calls.End();
//   calls.WaitUntilNone(std::chrono::seconds(1));
//
// Threads  Any.
#ifndef LEDGERD_SERVER_OPEN_CALLS_H_
#define LEDGERD_SERVER_OPEN_CALLS_H_

#include <atomic>
#include <chrono>
#include <cstddef>

#include "proto/base/mutex.h"
#include "proto/base/wait_at_most.h"

namespace ledgerd::server {

class OpenCalls {
 public:
  void Begin() { open_.fetch_add(1); }

  void End() LEDGERD_EXCLUDES(mutex_) {
    // Only the last one, while somebody waits, pays for more than the count.
    if (open_.fetch_sub(1) != 1 || !waited_for_) return;
    const MutexLock lock(mutex_);
    none_.SignalAll();
  }

  // False when some are open still after `patience`.
  bool WaitUntilNone(std::chrono::milliseconds patience)
      LEDGERD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    waited_for_ = true;
    return WaitAtMost(none_, mutex_, patience, [this] { return open_ == 0; });
  }

 private:
  std::atomic<size_t> open_ = 0;
  std::atomic<bool> waited_for_ = false;
  Mutex mutex_;
  CondVar none_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_OPEN_CALLS_H_
