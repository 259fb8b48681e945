#include "tests/bench/measurement.h"

#include <chrono>
#include <thread>
#include <utility>

#include "proto/base/mutex.h"

#include <sys/resource.h>

namespace ledgerd::bench {
namespace {

double OwnCpuSeconds() {
  struct rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) +
           static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

ProcessStats StatsOf(std::optional<pid_t> pid) {
  return pid.has_value() ? ReadProcessStats(*pid) : ProcessStats();
}

// Takes the samples, on a thread of its own.
class Sampler {
 public:
  Sampler(std::optional<pid_t> pid, const Run& run)
      : pid_(pid), run_(run), thread_([this] { Watch(); }) {}

  std::vector<Sample> Stop() {
    {
      const MutexLock lock(mutex_);
      stopping_ = true;
    }
    changed_.SignalAll();
    thread_.join();
    return std::move(samples_);
  }

 private:
  void Watch() {
    for (int second = 1;; ++second) {
      const bool last = WaitUntil(begin_ + std::chrono::seconds(second));
      Take();
      if (last) return;
    }
  }

  // Whether it is to stop.
  bool WaitUntil(Clock::time_point end) {
    const MutexLock lock(mutex_);
    while (!stopping_ && Clock::now() < end) {
      changed_.WaitFor(mutex_, end - Clock::now());
    }
    return stopping_;
  }

  void Take() {
    const uint64_t executed = run_.executed.load();
    const uint64_t refused = run_.refused.load();
    samples_.push_back({.at_seconds = SecondsSince(begin_),
                        .executed = executed - executed_,
                        .refused = refused - refused_,
                        .resident_bytes = StatsOf(pid_).resident_bytes});
    executed_ = executed;
    refused_ = refused;
  }

  const std::optional<pid_t> pid_;
  const Run& run_;
  const Clock::time_point begin_ = Clock::now();
  uint64_t executed_ = 0;
  uint64_t refused_ = 0;
  std::vector<Sample> samples_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ LEDGERD_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace

Measurement Measure(std::optional<pid_t> pid, Run& run,
                    const std::function<LaneCounts()>& drive) {
  Measurement measured;
  Sampler sampler(pid, run);
  const double own = OwnCpuSeconds();
  measured.before = StatsOf(pid);
  const auto begin = Clock::now();
  measured.counts = drive();
  measured.seconds = SecondsSince(begin);
  measured.after = StatsOf(pid);
  measured.client_cpu_seconds = OwnCpuSeconds() - own;
  measured.samples = sampler.Stop();
  return measured;
}

ProcessStats WaitUntilIdle(pid_t pid) {
  constexpr std::chrono::milliseconds kLook(500);
  constexpr int kLooksMax = 240;
  constexpr double kIdleSeconds = 0.02;
  Mutex mutex;
  CondVar never;
  const MutexLock lock(mutex);
  ProcessStats stats = ReadProcessStats(pid);
  for (int i = 0; i < kLooksMax; ++i) {
    const auto end = Clock::now() + kLook;
    while (Clock::now() < end) never.WaitFor(mutex, end - Clock::now());
    const double before =
        std::exchange(stats, ReadProcessStats(pid)).cpu_seconds;
    if (stats.cpu_seconds - before <= kIdleSeconds) break;
  }
  return stats;
}

}  // namespace ledgerd::bench
