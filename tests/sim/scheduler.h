// A Scheduler is simulated time: what is to happen, in its order.
//
//   scheduler.After(milliseconds(10), [&] { node.Tick(); });
//   while (scheduler.RunOne(end)) ...
//
// Order  By time, then as they were scheduled.
#ifndef LEDGERD_TESTS_SIM_SCHEDULER_H_
#define LEDGERD_TESTS_SIM_SCHEDULER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace ledgerd::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Scheduler {
 public:
  using Task = std::function<void()>;

  microseconds now() const { return now_; }

  void After(microseconds delay, Task task) {
    tasks_.emplace(std::make_pair(now_ + delay, ++last_), std::move(task));
  }

  // Runs the next task, if there is one before `end`.
  bool RunOne(microseconds end) {
    if (tasks_.empty() || tasks_.begin()->first.first >= end) return false;
    now_ = tasks_.begin()->first.first;
    const Task task = std::move(tasks_.begin()->second);
    tasks_.erase(tasks_.begin());
    task();
    return true;
  }

 private:
  microseconds now_{};
  uint64_t last_ = 0;
  std::map<std::pair<microseconds, uint64_t>, Task> tasks_;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_SCHEDULER_H_
