#include "server/answer_thread.h"

#include <pthread.h>

#include <utility>

namespace ledgerd::server {

AnswerThread::AnswerThread() : thread_([this] { Loop(); }) {}

AnswerThread::~AnswerThread() {
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  changed_.Signal();
  thread_.join();
}

void AnswerThread::Run(std::function<void()> task) {
  {
    const MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.Signal();
}

void AnswerThread::Loop() {
  pthread_setname_np(pthread_self(), "answers");
  while (true) {
    std::vector<std::function<void()>> tasks;
    {
      const MutexLock lock(mutex_);
      while (tasks_.empty() && !ending_) changed_.Wait(mutex_);
      if (tasks_.empty()) return;
      tasks.swap(tasks_);
    }
    for (const auto& task : tasks) task();
  }
}

}  // namespace ledgerd::server
