// Tries something at 0, stride, 2 * stride, ... on several threads until a try
// says that there is no more, or fails.
//
//   const TriedAll tried = TryEach(1, [](uint64_t at, bool* more) {
//     return problem;  // Empty is well; *more = false ends it.
//   });
//
// For tries that wait more than they compute: after an error RocksDB sleeps for
// a second.
#ifndef LEDGERD_STORAGE_TRY_EACH_H_
#define LEDGERD_STORAGE_TRY_EACH_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "proto/base/mutex.h"

namespace ledgerd::storage {

struct TriedAll {
  uint64_t count = 0;
  std::string problem;  // One of them; empty when there was none.
};

template <typename Try>
TriedAll TryEach(uint64_t stride, const Try& try_at) {
  constexpr int kThreads = 12;
  std::atomic<uint64_t> next{0};
  std::atomic<bool> stop{false};
  Mutex mutex;
  TriedAll all;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (!stop.load()) {
        bool more = true;
        const std::string problem = try_at(next.fetch_add(stride), &more);
        const MutexLock lock(mutex);
        ++all.count;
        if (!problem.empty()) all.problem = problem;
        if (!more || !problem.empty()) stop.store(true);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return all;
}

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_TRY_EACH_H_
