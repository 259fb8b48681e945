// A Promised is a value that another thread will know, or never.
//
//   const auto answer = std::make_shared<Promised<absl::Status>>();
//   run([answer] { answer->Set(...); });
//   std::optional<absl::Status> status = answer->WaitFor(2s);
//
// Threads  Any. Whoever sets it shares it: who waits may have gone.
#ifndef LEDGERD_SERVER_REPAIR_PROMISED_H_
#define LEDGERD_SERVER_REPAIR_PROMISED_H_

#include <chrono>
#include <optional>
#include <utility>

#include "proto/base/mutex.h"
#include "proto/base/wait_at_most.h"

namespace ledgerd::server {

template <typename T>
class Promised {
 public:
  void Set(T value) LEDGERD_EXCLUDES(mutex_) {
    {
      const MutexLock lock(mutex_);
      value_.emplace(std::move(value));
    }
    changed_.SignalAll();
  }

  // Nothing when it is not known in time.
  std::optional<T> WaitFor(std::chrono::nanoseconds patience)
      LEDGERD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    WaitAtMost(changed_, mutex_, patience, [this]() LEDGERD_REQUIRES(mutex_) {
      return value_.has_value();
    });
    return value_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::optional<T> value_ LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_REPAIR_PROMISED_H_
