#include "tests/bench/measurement.h"

#include <algorithm>
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

std::vector<ProcessStats> StatsOf(const std::vector<pid_t>& pids) {
  std::vector<ProcessStats> stats;
  stats.reserve(pids.size());
  for (const pid_t pid : pids) stats.push_back(ReadProcessStats(pid));
  return stats;
}

// What the busiest used.
double CpuSecondsBetween(const std::vector<ProcessStats>& before,
                         const std::vector<ProcessStats>& after) {
  double most = 0;
  for (size_t i = 0; i < after.size(); ++i) {
    most = std::max(most, after[i].cpu_seconds - before[i].cpu_seconds);
  }
  return most;
}

// Takes the samples, on a thread of its own.
class Sampler {
 public:
  Sampler(const std::vector<pid_t>& daemons, const Run& run)
      : daemons_(daemons), run_(run), thread_([this] { Watch(); }) {}

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
    const uint64_t resident =
        daemons_.empty() ? 0 : ReadProcessStats(daemons_[0]).resident_bytes;
    samples_.push_back({.at_seconds = SecondsSince(begin_),
                        .executed = executed - executed_,
                        .refused = refused - refused_,
                        .resident_bytes = resident});
    executed_ = executed;
    refused_ = refused;
  }

  const std::vector<pid_t>& daemons_;
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

Measurement Measure(const std::vector<pid_t>& daemons, Run& run,
                    const std::function<LaneCounts()>& drive) {
  Measurement measured;
  Sampler sampler(daemons, run);
  const double own = OwnCpuSeconds();
  const std::vector<ProcessStats> before = StatsOf(daemons);
  const auto begin = Clock::now();
  measured.counts = drive();
  measured.seconds = SecondsSince(begin);
  const std::vector<ProcessStats> after = StatsOf(daemons);
  measured.client_cpu_seconds = OwnCpuSeconds() - own;
  measured.samples = sampler.Stop();
  for (size_t i = 0; i < daemons.size(); ++i) {
    measured.daemons.push_back({before[i], after[i]});
  }
  return measured;
}

std::vector<ProcessStats> WaitUntilIdle(const std::vector<pid_t>& pids) {
  constexpr std::chrono::milliseconds kLook(500);
  constexpr int kLooksMax = 240;
  // Replicas of a group say to each other that they are there.
  const double idle_seconds = pids.size() > 1 ? 0.04 : 0.02;
  Mutex mutex;
  CondVar never;
  const MutexLock lock(mutex);
  std::vector<ProcessStats> stats = StatsOf(pids);
  for (int i = 0; i < kLooksMax; ++i) {
    const auto end = Clock::now() + kLook;
    while (Clock::now() < end) never.WaitFor(mutex, end - Clock::now());
    const auto before = std::exchange(stats, StatsOf(pids));
    if (CpuSecondsBetween(before, stats) <= idle_seconds) break;
  }
  return stats;
}

}  // namespace ledgerd::bench
