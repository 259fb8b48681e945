#include "client/bench/requests.h"

#include <algorithm>

#include "proto/base/check.h"

namespace ledgerd::bench {

RequestSource::RequestSource(const Workload& workload, uint64_t first,
                             Limits limits)
    : workload_(workload),
      first_(first),
      limits_(limits),
      begin_(Clock::now()),
      block_(workload.block()),
      batch_(workload.batch()),
      next_(first) {
  LEDGERD_CHECK(first % workload.block() == 0) << first;
  if (limits.batch < block_) return;
  block_ = limits.batch / block_ * block_;
  batch_ = block_;
}

std::optional<Request> RequestSource::NextBlock() {
  const auto now = Clock::now();
  if (now >= begin_ + limits_.duration) return std::nullopt;
  const uint64_t at = next_.fetch_add(block_);
  const uint64_t before = at - first_;
  if (before >= limits_.transfers) {
    next_.fetch_sub(block_);
    return std::nullopt;
  }
  Clock::time_point due = now;
  if (limits_.rate > 0) {
    const std::chrono::duration<double> offset(static_cast<double>(before) /
                                               limits_.rate);
    due = begin_ + std::chrono::duration_cast<Clock::duration>(offset);
  }
  return Request{.first = at, .count = block_, .due = due};
}

uint64_t RequestSource::end() const { return next_.load(); }

std::optional<Request> RequestCursor::Next() {
  if (block_.count == 0) {
    const auto block = source_.NextBlock();
    if (!block.has_value()) return std::nullopt;
    block_ = *block;
  } else {
    block_.due = std::max(block_.due, Clock::now());
  }
  Request request = block_;
  request.count = std::min(block_.count, source_.batch());
  block_.first += request.count;
  block_.count -= request.count;
  return request;
}

std::optional<Request> RequestCursor::Skip() {
  if (block_.count == 0) return std::nullopt;
  const Request rest = block_;
  block_.count = 0;
  return rest;
}

void Outcomes::Add(const Request& request, Ending ending,
                   const std::string& message) {
  const MutexLock lock(mutex_);
  exceptions_.push_back({request.first, request.count, ending});
  if (ending != Ending::kRefused && first_error_.empty()) {
    first_error_ = message;
  }
}

std::vector<Exception> Outcomes::exceptions() const {
  const MutexLock lock(mutex_);
  return exceptions_;
}

std::string Outcomes::first_error() const {
  const MutexLock lock(mutex_);
  return first_error_;
}

}  // namespace ledgerd::bench
