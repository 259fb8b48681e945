#include "replication/read_queue.h"

#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/errors.h"

namespace ledgerd::replication {
namespace {

Sequence WantedBy(const Freshness& freshness, Sequence commit) {
  switch (freshness.level) {
    case Freshness::Level::kLinearizable:
      return commit;
    case Freshness::Level::kAtLeastSequence:
      return freshness.at_least;
    case Freshness::Level::kMaxStaleness:
      return Sequence(0);  // The primary is behind nobody.
  }
  return commit;
}

absl::Status TooLate(const ReadRequest& request, Sequence wanted) {
  if (request.freshness.level == Freshness::Level::kAtLeastSequence) {
    return MakeError(Reason::kTooStale,
                     absl::StrCat("sequence ", wanted.value(),
                                  " was not applied here by the deadline"));
  }
  return WithReason(
      absl::DeadlineExceededError("the read could not begin by its deadline"),
      Reason::kOverloaded);
}

}  // namespace

void ReadQueue::Add(ReadRequest request, Sequence commit) {
  const Sequence wanted = WantedBy(request.freshness, commit);
  waiting_.emplace(wanted, std::move(request));
}

void ReadQueue::Advance(Sequence applied) {
  while (!waiting_.empty() && waiting_.begin()->first <= applied) {
    auto node = waiting_.extract(waiting_.begin());
    Begin(node.mapped(), applied);
  }
}

void ReadQueue::Begin(ReadRequest& request, Sequence applied) {
  std::function<void()> rest = request.begin(applied);
  if (rest) work_.RunOnReader(std::move(rest));
}

void ReadQueue::Expire(Deadline now) {
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (it->second.deadline > now) {
      ++it;
      continue;
    }
    auto late = waiting_.extract(it++);
    late.mapped().begin(TooLate(late.mapped(), late.key()));
  }
}

void ReadQueue::Abandon(const absl::Status& why) {
  auto abandoned = std::move(waiting_);
  waiting_.clear();
  for (auto& [wanted, request] : abandoned) request.begin(why);
}

}  // namespace ledgerd::replication
