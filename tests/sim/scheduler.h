// A Scheduler is simulated time: what is to happen, in its order.
//
//   scheduler.After(milliseconds(10), [&] { node.Tick(); });
//   while (scheduler.RunOne(end)) ...
//
// Order  By time, then as they were scheduled.
#ifndef LEDGERD_TESTS_SIM_SCHEDULER_H_
#define LEDGERD_TESTS_SIM_SCHEDULER_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <tuple>
#include <utility>
#include <vector>

namespace ledgerd::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Scheduler {
 public:
  using Task = std::function<void()>;

  microseconds now() const { return now_; }

  void After(microseconds delay, Task task) {
    tasks_.push_back({now_ + delay, ++last_, std::move(task)});
    std::push_heap(tasks_.begin(), tasks_.end(), IsLater);
  }

  // Runs the next task, if there is one before `end`.
  bool RunOne(microseconds end) {
    if (tasks_.empty() || tasks_.front().at >= end) return false;
    std::pop_heap(tasks_.begin(), tasks_.end(), IsLater);
    const Item next = std::move(tasks_.back());
    tasks_.pop_back();
    now_ = next.at;
    next.task();
    return true;
  }

 private:
  struct Item {
    microseconds at{};
    uint64_t number = 0;
    Task task;
  };

  static bool IsLater(const Item& a, const Item& b) {
    return std::tie(a.at, a.number) > std::tie(b.at, b.number);
  }

  microseconds now_{};
  uint64_t last_ = 0;
  // A heap: the next is the first.
  std::vector<Item> tasks_;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_SCHEDULER_H_
