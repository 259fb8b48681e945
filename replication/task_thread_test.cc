#include "replication/task_thread.h"

#include <vector>

#include "gtest/gtest.h"

namespace ledgerd::replication {
namespace {

TEST(TaskThreadTest, RunsAllInOrderBeforeItStops) {
  std::vector<int> ran;
  {
    TaskThread thread("test");
    for (int i = 0; i < 100; ++i) {
      thread.Run([&ran, i] { ran.push_back(i); });
    }
    thread.Stop();
    thread.Run([&ran] { ran.push_back(-1); });
  }
  ASSERT_EQ(ran.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ran[static_cast<size_t>(i)], i);
}

TEST(TaskThreadTest, ATaskMayRunAnother) {
  bool ran = false;
  TaskThread thread("test");
  Mutex mutex;
  CondVar changed;
  thread.Run([&] {
    thread.Run([&] {
      const MutexLock lock(mutex);
      ran = true;
      changed.Signal();
    });
  });
  const MutexLock lock(mutex);
  while (!ran) changed.Wait(mutex);
}

}  // namespace
}  // namespace ledgerd::replication
