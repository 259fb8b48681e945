// Watches a group under load: how long its replicas hear nothing of each other.
//
//   GroupWatch watch(group);
//   ...                                  // the load
//   report.Add("silence_ms_max", watch.Stop());
//
// Shape    Asks every replica twenty times a second: a standby how long it has
//          heard nothing of the primary, the primary how long of each standby.
//          Half a second without a word is what the timeouts begin with.
// Threads  One of its own. The group outlives it.
#ifndef LEDGERD_TESTS_BENCH_GROUP_WATCH_H_
#define LEDGERD_TESTS_BENCH_GROUP_WATCH_H_

#include <thread>

#include "proto/base/mutex.h"
#include "tests/bench/group.h"

namespace ledgerd::bench {

class GroupWatch {
 public:
  explicit GroupWatch(const Group& group);
  ~GroupWatch();

  GroupWatch(const GroupWatch&) = delete;
  GroupWatch& operator=(const GroupWatch&) = delete;

  // The longest silence seen, in milliseconds. Called once.
  double Stop();

 private:
  void Watch();
  // Whether it is to stop.
  bool Pause();

  const Group& group_;
  double longest_ms_ = 0;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ LEDGERD_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace ledgerd::bench

#endif  // LEDGERD_TESTS_BENCH_GROUP_WATCH_H_
