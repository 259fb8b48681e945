// A TaskThread runs tasks one after another, in the order given.
//
//   TaskThread reader("reader");
//   reader.Run([] { ... });      // any thread; returns at once
//   reader.Stop();               // after what was given before
//
// Threads  Run and Stop may be called from any thread, Stop once.
#ifndef LEDGERD_REPLICATION_TASK_THREAD_H_
#define LEDGERD_REPLICATION_TASK_THREAD_H_

#include <deque>
#include <functional>
#include <string>
#include <thread>

#include "proto/base/mutex.h"

namespace ledgerd::replication {

class TaskThread {
 public:
  // `name` is what top and perf show; at most 15 characters.
  explicit TaskThread(std::string name);
  ~TaskThread();

  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

  void Run(std::function<void()> task) LEDGERD_EXCLUDES(mutex_);

  // Returns once all tasks have run; Run has no effect from here on.
  void Stop() LEDGERD_EXCLUDES(mutex_);

 private:
  void Loop(const std::string& name) LEDGERD_EXCLUDES(mutex_);

  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> tasks_ LEDGERD_GUARDED_BY(mutex_);
  bool stopping_ LEDGERD_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// Names the calling thread for top and perf.
void NameThisThread(const std::string& name);

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_TASK_THREAD_H_
