#include "client/bench/lane.h"

#include "proto/errors.h"

namespace ledgerd::bench {

void LaneCounts::Add(const LaneCounts& other) {
  executed += other.executed;
  refused += other.refused;
  failed += other.failed;
  not_created += other.not_created;
  latency.Merge(other.latency);
  refusal_latency.Merge(other.refusal_latency);
}

Ending EndingOf(const absl::Status& status) {
  if (MayHaveBeenExecuted(status)) return Ending::kUnknown;
  return absl::IsResourceExhausted(status) ? Ending::kRefused : Ending::kFailed;
}

std::optional<Request> Lane::Next() {
  const auto request = cursor_.Next();
  if (request.has_value()) request_ = *request;
  return request;
}

void Lane::Executed(uint64_t created) {
  counts_.latency.Add(Clock::now() - request_.due);
  counts_.executed += request_.count;
  counts_.not_created += request_.count - created;
  run_.executed.fetch_add(request_.count, std::memory_order_relaxed);
}

void Lane::NotExecuted(const absl::Status& status) {
  const Ending ending = EndingOf(status);
  run_.outcomes.Add(request_, ending, status.ToString());
  if (ending == Ending::kRefused) {
    counts_.refusal_latency.Add(Clock::now() - request_.due);
    counts_.refused += request_.count;
    run_.refused.fetch_add(request_.count, std::memory_order_relaxed);
  } else {
    counts_.failed += request_.count;
  }
  if (const auto rest = cursor_.Skip()) {
    run_.outcomes.Add(*rest, Ending::kNotSent, status.ToString());
  }
}

}  // namespace ledgerd::bench
