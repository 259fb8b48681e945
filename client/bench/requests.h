// Hands out the requests of a run, and remembers what became of those that were
// not simply executed.
//
//   RequestSource source(workload, 0, {.transfers = 1'000'000});
//   RequestCursor cursor(source);              // one a lane
//   while (const auto request = cursor.Next()) Send(*request);
//
// Shape    Numbers first, first + 1, ... of a Workload, each in one request.
//          With a rate, a request is due at a time, and has waited since then
//          when no lane was free: latencies then have no coordinated omission.
// Threads  RequestSource and Outcomes are thread-safe, a cursor belongs to a
//          lane.
#ifndef LEDGERD_CLIENT_BENCH_REQUESTS_H_
#define LEDGERD_CLIENT_BENCH_REQUESTS_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/bench/workload.h"
#include "proto/base/mutex.h"

namespace ledgerd::bench {

using Clock = std::chrono::steady_clock;

struct Request {
  uint64_t first = 0;
  uint64_t count = 0;
  // Latency counts from here.
  Clock::time_point due;
};

class RequestSource {
 public:
  struct Limits {
    // Both may be given: what comes first.
    uint64_t transfers = UINT64_MAX;
    std::chrono::milliseconds duration = std::chrono::hours(24);
    // Transfers a second; 0: as fast as answers come.
    double rate = 0;
    // Transfers in a request, about; 0: as the workload has it.
    uint64_t batch = 0;
  };

  RequestSource(const Workload& workload, uint64_t first, Limits limits);

  // What one lane must send in order, as one Request.
  std::optional<Request> NextBlock();

  const Workload& workload() const { return workload_; }

  uint64_t batch() const { return batch_; }

  // The number after the last that was handed out.
  uint64_t end() const;

 private:
  const Workload& workload_;
  const uint64_t first_;
  const Limits limits_;
  const Clock::time_point begin_;
  uint64_t block_;
  uint64_t batch_;
  std::atomic<uint64_t> next_;
};

class RequestCursor {
 public:
  explicit RequestCursor(RequestSource& source) : source_(source) {}

  std::optional<Request> Next();

  // The rest of the block, which cannot be sent when what it refers to failed.
  std::optional<Request> Skip();

 private:
  RequestSource& source_;
  Request block_;
};

// What became of a request that has no results.
enum class Ending {
  kRefused,  // RESOURCE_EXHAUSTED: not executed.
  kFailed,   // Another error that says that it was not executed.
  kUnknown,  // It may have been executed.
  kNotSent,
};

struct Exception {
  uint64_t first = 0;
  uint64_t count = 0;
  Ending ending = Ending::kFailed;
};

class Outcomes {
 public:
  void Add(const Request& request, Ending ending, const std::string& message);

  std::vector<Exception> exceptions() const;

  // Of the first that was not refused.
  std::string first_error() const;

 private:
  mutable Mutex mutex_;
  std::vector<Exception> exceptions_ LEDGERD_GUARDED_BY(mutex_);
  std::string first_error_ LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::bench

#endif  // LEDGERD_CLIENT_BENCH_REQUESTS_H_
