#include "replication/task_thread.h"

#include <pthread.h>

#include <utility>

namespace ledgerd::replication {

void NameThisThread(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

TaskThread::TaskThread(std::string name)
    : thread_([this, name = std::move(name)] { Loop(name); }) {}

TaskThread::~TaskThread() {
  if (thread_.joinable()) Stop();
}

void TaskThread::Run(std::function<void()> task) {
  {
    const MutexLock lock(mutex_);
    if (stopping_) return;
    tasks_.push_back(std::move(task));
  }
  changed_.Signal();
}

void TaskThread::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.Signal();
  thread_.join();
}

void TaskThread::Loop(const std::string& name) {
  NameThisThread(name);
  while (true) {
    std::function<void()> task;
    {
      const MutexLock lock(mutex_);
      while (tasks_.empty() && !stopping_) changed_.Wait(mutex_);
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace ledgerd::replication
