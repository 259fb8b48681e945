// A std::mutex whose use clang checks (-Wthread-safety) and whose hand-overs
// ThreadSanitizer sees (absl::Mutex comes uninstrumented from Debian).
//
//   Mutex mutex_;
//   int value_ LEDGERD_GUARDED_BY(mutex_);
//   ...
//   const MutexLock lock(mutex_);
//   while (value_ == 0) changed_.Wait(mutex_);
#ifndef LEDGERD_PROTO_BASE_MUTEX_H_
#define LEDGERD_PROTO_BASE_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define LEDGERD_ATTRIBUTE(x) __attribute__((x))
#else
#define LEDGERD_ATTRIBUTE(x)
#endif
#define LEDGERD_GUARDED_BY(x) LEDGERD_ATTRIBUTE(guarded_by(x))
#define LEDGERD_REQUIRES(x) LEDGERD_ATTRIBUTE(requires_capability(x))
#define LEDGERD_EXCLUDES(x) LEDGERD_ATTRIBUTE(locks_excluded(x))

namespace ledgerd {

class LEDGERD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void Lock() LEDGERD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }

  void Unlock() LEDGERD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class LEDGERD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) LEDGERD_ATTRIBUTE(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.Lock();
  }

  ~MutexLock() LEDGERD_ATTRIBUTE(release_capability()) { mutex_.Unlock(); }

  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits return now and then without a signal: wait in a loop for a condition.
class CondVar {
 public:
  void Wait(Mutex& mutex) LEDGERD_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    changed_.wait(lock);
    lock.release();
  }

  // False when `timeout` has passed without a signal.
  bool WaitFor(Mutex& mutex, std::chrono::nanoseconds timeout)
      LEDGERD_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const std::cv_status status = changed_.wait_for(lock, timeout);
    lock.release();
    return status == std::cv_status::no_timeout;
  }

  void Signal() { changed_.notify_one(); }

  void SignalAll() { changed_.notify_all(); }

 private:
  std::condition_variable changed_;
};

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_BASE_MUTEX_H_
