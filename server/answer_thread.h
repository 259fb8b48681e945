// An AnswerThread does what is left of a call once its result is known: filling
// the response, serializing and sending it. So the replica thread, which finds
// the results, spends no time on any of it.
//
//   answers.Run([reactor, result = std::move(result)] { ... });
//
// Limits   Not bounded by itself: what runs here was taken by the replica,
//          whose inbox and pipeline are bounded.
// Order    Tasks run one after the other, in the order given.
// Threads  Run: any. The destructor runs what is left, then ends the thread;
//          nobody may call Run by then.
#ifndef LEDGERD_SERVER_ANSWER_THREAD_H_
#define LEDGERD_SERVER_ANSWER_THREAD_H_

#include <functional>
#include <thread>
#include <vector>

#include "proto/base/mutex.h"

namespace ledgerd::server {

class AnswerThread {
 public:
  AnswerThread();
  ~AnswerThread();

  AnswerThread(const AnswerThread&) = delete;
  AnswerThread& operator=(const AnswerThread&) = delete;

  void Run(std::function<void()> task) LEDGERD_EXCLUDES(mutex_);

 private:
  void Loop() LEDGERD_EXCLUDES(mutex_);

  Mutex mutex_;
  CondVar changed_;
  std::vector<std::function<void()>> tasks_ LEDGERD_GUARDED_BY(mutex_);
  bool ending_ LEDGERD_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_ANSWER_THREAD_H_
