#include "server/event_feed.h"

#include <algorithm>
#include <iterator>

#include "proto/base/check.h"
#include "proto/errors.h"
#include "server/responses.h"

namespace ledgerd::server {

EventFeed::Piece EventFeed::Get(storage::EventPosition from,
                                const void* watcher, Done done) {
  bool reads = false;
  {
    const MutexLock lock(mutex_);
    for (const auto& [begin, piece] : kept_) {
      if (begin == from) return piece;
    }
    Waiting& waiting = waiting_[from];
    waiting.watchers[watcher] = std::move(done);
    if (waiting.reading) return nullptr;
    reads = from.sequence <= applied_;
    waiting.reading = reads;
  }
  if (reads) {
    Read(from);
  } else {
    WaitForNext();
  }
  return nullptr;
}

void EventFeed::Leave(storage::EventPosition from, const void* watcher) {
  // What it holds goes once the mutex is free.
  Done done;
  const MutexLock lock(mutex_);
  const auto found = waiting_.find(from);
  if (found == waiting_.end()) return;
  auto left = found->second.watchers.extract(watcher);
  if (!left.empty()) done = std::move(left.mapped());
  if (found->second.watchers.empty() && !found->second.reading) {
    waiting_.erase(found);
  }
}

EventFeed::Piece EventFeed::FirstOf(const Messages& piece,
                                    storage::EventPosition from, size_t count) {
  const ledger::v1::WatchEventsResponse& whole = piece.messages.front();
  const auto size = static_cast<size_t>(whole.events_size());
  count = std::min(count, size);
  auto first = std::make_shared<Messages>();
  first->bytes = count * kEventBytes;
  ledger::v1::WatchEventsResponse& message = first->messages.emplace_back();
  message.set_sequence(whole.sequence());
  message.set_more(whole.more() || count < size);
  for (size_t i = 0; i < count; ++i) {
    *message.add_events() = whole.events(static_cast<int>(i));
  }
  const Sequence sequence(whole.sequence());
  const uint32_t begin = sequence == from.sequence ? from.index : 0;
  first->next.sequence = message.more() ? sequence : sequence.Next();
  first->next.index = message.more() ? begin + static_cast<uint32_t>(count) : 0;
  return first;
}

size_t EventFeed::waiting() const {
  const MutexLock lock(mutex_);
  size_t count = 0;
  for (const auto& [from, waiting] : waiting_) count += waiting.watchers.size();
  return count;
}

// ---- what is not applied yet

void EventFeed::WaitForNext() {
  Sequence next;
  {
    const MutexLock lock(mutex_);
    // Who waits for what is applied is above all whose piece is being read.
    if (waits_ || waiting_.empty() || waiting_.rbegin()->second.reading) return;
    waits_ = true;
    next = applied_.Next();
  }
  const absl::Status taken = replica_.Read(
      {.kind = replication::ReadKind::kEvents,
       .freshness = {.level = replication::Freshness::Level::kAtLeastSequence,
                     .at_least = next},
       .deadline = std::chrono::steady_clock::now() + kWait,
       .counted = false,
       .begin = [this](const absl::StatusOr<Sequence>& at) {
         // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): returned.
         return OnApplied(at);
       }});
  if (!taken.ok()) thread_.Run([this, taken] { FailWaiting(taken); });
}

std::function<void()> EventFeed::OnApplied(const absl::StatusOr<Sequence>& at) {
  if (!at.ok()) {
    thread_.Run([this, error = at.status()] { OnNothingApplied(error); });
    return nullptr;
  }
  const std::vector<storage::EventPosition> ready = TakeReady(*at);
  thread_.Run([this, ready] {
    for (size_t i = 1; i < ready.size(); ++i) Read(ready[i]);
    WaitForNext();
  });
  // Nearly always all are at one position: it needs no turn of its own.
  return ready.empty() ? nullptr : Begin(ready.front(), at);
}

void EventFeed::OnNothingApplied(const absl::Status& error) {
  // Either the entry did not come, or its turn did not.
  const bool is_over = ReasonOf(error) == Reason::kTooStale ||
                       ReasonOf(error) == Reason::kOverloaded;
  if (!is_over) return FailWaiting(error);
  // The group may go on without this replica, and who watches here would take
  // it for a quiet one.
  if (replica_.status().primary == ReplicaId(0)) {
    return FailWaiting(MakeError(Reason::kNoPrimary,
                                 "this replica knows no primary and hears of "
                                 "nothing new: watch at another one"));
  }
  {
    const MutexLock lock(mutex_);
    waits_ = false;
  }
  WaitForNext();
}

std::vector<storage::EventPosition> EventFeed::TakeReady(Sequence at) {
  const MutexLock lock(mutex_);
  waits_ = false;
  applied_ = std::max(applied_, at);
  std::vector<storage::EventPosition> ready;
  for (auto& [from, waiting] : waiting_) {
    if (from.sequence > applied_) break;
    if (waiting.reading) continue;
    waiting.reading = true;
    ready.push_back(from);
  }
  return ready;
}

void EventFeed::FailWaiting(const absl::Status& error) {
  std::map<storage::EventPosition, Waiting> failed;
  {
    const MutexLock lock(mutex_);
    waits_ = false;
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      const auto next = std::next(it);
      if (!it->second.reading) failed.insert(waiting_.extract(it));
      it = next;
    }
  }
  for (const auto& [from, waiting] : failed) {
    for (const auto& [watcher, done] : waiting.watchers) done(error);
  }
}

// ---- what is

void EventFeed::Read(storage::EventPosition from) {
  const absl::Status taken = replica_.Read(
      {.kind = replication::ReadKind::kEvents,
       .freshness = {.level = replication::Freshness::Level::kAtLeastSequence,
                     .at_least = from.sequence},
       .deadline = std::chrono::steady_clock::now() + kWait,
       .begin = [this, from](const absl::StatusOr<Sequence>& at) {
         return Begin(from, at);
       }});
  if (!taken.ok()) {
    thread_.Run([this, from, taken] { CallAll(from, taken); });
  }
}

std::function<void()> EventFeed::Begin(storage::EventPosition from,
                                       const absl::StatusOr<Sequence>& at) {
  if (!at.ok()) {
    thread_.Run([this, from, error = at.status()] { CallAll(from, error); });
    return nullptr;
  }
  if (!IsWanted(from)) return nullptr;
  // Shared, since a function must be copyable.
  std::shared_ptr read = store_.ReadEvents(from, kEventsMax);
  return [this, from, read] {
    thread_.Run([this, from, found = read->Finish()] { Deliver(from, found); });
  };
}

bool EventFeed::IsWanted(storage::EventPosition from) {
  const MutexLock lock(mutex_);
  const auto found = waiting_.find(from);
  LEDGERD_CHECK(found != waiting_.end());
  if (!found->second.watchers.empty()) return true;
  waiting_.erase(found);
  return false;
}

void EventFeed::Deliver(storage::EventPosition from,
                        const absl::StatusOr<storage::FoundEvents>& found) {
  if (!found.ok()) return CallAll(from, found.status());
  auto messages = std::make_shared<Messages>();
  messages->messages.resize(found->entries.size());
  for (size_t i = 0; i < found->entries.size(); ++i) {
    ToMessage(found->entries[i], messages->messages[i]);
  }
  for (const auto& message : messages->messages) {
    messages->bytes += kEventBytes * static_cast<size_t>(message.events_size());
  }
  messages->next = found->next;
  Piece piece = std::move(messages);
  {
    const MutexLock lock(mutex_);
    kept_.emplace_back(from, piece);
    if (kept_.size() > kPiecesKept) kept_.pop_front();
  }
  CallAll(from, piece);
}

void EventFeed::CallAll(storage::EventPosition from,
                        const absl::StatusOr<Piece>& piece) {
  Waiting waiting;
  {
    const MutexLock lock(mutex_);
    const auto found = waiting_.find(from);
    if (found == waiting_.end()) return;
    waiting = std::move(found->second);
    waiting_.erase(found);
  }
  for (const auto& [watcher, done] : waiting.watchers) done(piece);
}

}  // namespace ledgerd::server
