#include "replication/read_queue.h"

#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/errors.h"

namespace ledgerd::replication {
namespace {

absl::Status NotBegun() {
  return MakeError(Reason::kOverloaded,
                   "the read could not begin by its deadline");
}

absl::Status TooLate(const ReadRequest& request) {
  if (request.freshness.level == Freshness::Level::kAtLeastSequence) {
    return MakeError(
        Reason::kTooStale,
        absl::StrCat("sequence ", request.freshness.at_least.value(),
                     " was not applied here by the deadline"));
  }
  return NotBegun();
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
  // Those of a bounded staleness are fresh enough when they come.
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

void ReadQueue::AbandonAsked(const absl::Status& why) {
  auto asked = std::move(asked_);
  asked_.clear();
  for (auto& [id, request] : asked) request.begin(why);
}

void ReadQueue::Advance(Sequence applied) {
  while (!waiting_.empty() && waiting_.begin()->first <= applied) {
    auto node = waiting_.extract(waiting_.begin());
    std::list<ReadRequest>& ready = lanes_[Index(node.mapped().kind)].ready;
    ready.push_back(std::move(node.mapped()));
  }
  for (const ReadKind kind : kReadKinds) BeginReady(kind, applied);
}

void ReadQueue::Done(ReadKind kind, size_t count, Sequence applied) {
  size_t& begun = lanes_[Index(kind)].begun;
  LEDGERD_CHECK(begun >= count);
  begun -= count;
  BeginReady(kind, applied);
}

void ReadQueue::BeginReady(ReadKind kind, Sequence applied) {
  Lane& lane = lanes_[Index(kind)];
  while (!lane.ready.empty() && lane.begun < BegunMax(kind)) {
    const ReadRequest request = std::move(lane.ready.front());
    lane.ready.pop_front();
    std::function<void()> rest = request.begin(applied);
    if (!rest) continue;
    ++lane.begun;
    work_.RunOnReader(kind, std::move(rest));
  }
}

size_t ReadQueue::size() const {
  size_t size = asked_.size() + waiting_.size();
  for (const Lane& lane : lanes_) size += lane.ready.size();
  return size;
}

void ReadQueue::Expire(Deadline now) {
  ExpireIn(asked_, now);
  ExpireIn(waiting_, now);
  for (Lane& lane : lanes_) {
    for (auto it = lane.ready.begin(); it != lane.ready.end();) {
      if (it->deadline > now) {
        ++it;
        continue;
      }
      it->begin(NotBegun());
      it = lane.ready.erase(it);
    }
  }
}

void ReadQueue::Abandon(const absl::Status& why) {
  AbandonAsked(why);
  auto waiting = std::move(waiting_);
  waiting_.clear();
  for (auto& [wanted, request] : waiting) request.begin(why);
  for (Lane& lane : lanes_) {
    const std::list<ReadRequest> ready = std::move(lane.ready);
    lane.ready.clear();
    for (const ReadRequest& request : ready) request.begin(why);
  }
}

}  // namespace ledgerd::replication
