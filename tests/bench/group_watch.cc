#include "tests/bench/group_watch.h"

#include <algorithm>
#include <chrono>

namespace ledgerd::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook(50);

}  // namespace

GroupWatch::GroupWatch(const Group& group)
    : group_(group), thread_([this] { Watch(); }) {}

GroupWatch::~GroupWatch() {
  if (thread_.joinable()) Stop();
}

double GroupWatch::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.SignalAll();
  thread_.join();
  return longest_ms_;
}

void GroupWatch::Watch() {
  while (!Pause()) {
    longest_ms_ = std::max(longest_ms_, group_.LongestSilenceMs());
  }
}

bool GroupWatch::Pause() {
  const auto end = Clock::now() + kLook;
  const MutexLock lock(mutex_);
  while (!stopping_ && Clock::now() < end) {
    changed_.WaitFor(mutex_, end - Clock::now());
  }
  return stopping_;
}

}  // namespace ledgerd::bench
