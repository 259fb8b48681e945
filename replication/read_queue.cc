#include "replication/read_queue.h"

#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/errors.h"

namespace ledgerd::replication {
namespace {

absl::Status TooLate(const ReadRequest& request) {
  if (request.freshness.level == Freshness::Level::kAtLeastSequence) {
    return MakeError(
        Reason::kTooStale,
        absl::StrCat("sequence ", request.freshness.at_least.value(),
                     " was not applied here by the deadline"));
  }
  return MakeError(Reason::kOverloaded,
                   "the read could not begin by its deadline");
}

// Ends those of `reads`, a map with requests, whose deadline has passed.
template <typename Reads>
void ExpireIn(Reads& reads, Deadline now) {
  for (auto it = reads.begin(); it != reads.end();) {
    if (it->second.deadline > now) {
      ++it;
      continue;
    }
    auto late = reads.extract(it++);
    late.mapped().begin(TooLate(late.mapped()));
  }
}

}  // namespace

void ReadQueue::Add(ReadRequest request) {
  const Freshness& freshness = request.freshness;
  LEDGERD_CHECK(freshness.level != Freshness::Level::kLinearizable);
  // The primary, which alone adds those of a bounded staleness, is behind
  // nobody.
  const Sequence wanted = freshness.level == Freshness::Level::kAtLeastSequence
                              ? freshness.at_least
                              : Sequence(0);
  waiting_.emplace(wanted, std::move(request));
}

void ReadQueue::Ask(ReadId id, ReadRequest request) {
  const bool inserted = asked_.emplace(id, std::move(request)).second;
  LEDGERD_CHECK(inserted);
}

void ReadQueue::Ready(ReadId id, Sequence at_least) {
  auto read = asked_.extract(id);
  if (!read.empty()) waiting_.emplace(at_least, std::move(read.mapped()));
}

void ReadQueue::Refuse(ReadId id, const absl::Status& why) {
  auto read = asked_.extract(id);
  if (!read.empty()) read.mapped().begin(why);
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
  ExpireIn(asked_, now);
  ExpireIn(waiting_, now);
}

void ReadQueue::Abandon(const absl::Status& why) {
  auto asked = std::move(asked_);
  auto waiting = std::move(waiting_);
  asked_.clear();
  waiting_.clear();
  for (auto& [id, request] : asked) request.begin(why);
  for (auto& [wanted, request] : waiting) request.begin(why);
}

}  // namespace ledgerd::replication
