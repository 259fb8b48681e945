#include "server/event_feed.h"

#include "proto/errors.h"
#include "server/responses.h"

namespace ledgerd::server {

EventFeed::Piece EventFeed::Get(storage::EventPosition from, Done done) {
  {
    const MutexLock lock(mutex_);
    for (const auto& [begin, piece] : kept_) {
      if (begin == from) return piece;
    }
    std::vector<Done>& waiting = waiting_[from];
    waiting.push_back(std::move(done));
    if (waiting.size() > 1) return nullptr;
  }
  Read(from);
  return nullptr;
}

size_t EventFeed::waiting() const {
  const MutexLock lock(mutex_);
  size_t count = 0;
  for (const auto& [from, waiting] : waiting_) count += waiting.size();
  return count;
}

void EventFeed::Read(storage::EventPosition from) {
  const absl::Status taken = replica_.Read(
      {.freshness = {.level = replication::Freshness::Level::kAtLeastSequence,
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
  if (ReasonOf(at.status()) == Reason::kTooStale) {
    thread_.Run([this, from] { Read(from); });
    return nullptr;
  }
  if (!at.ok()) {
    thread_.Run([this, from, error = at.status()] { CallAll(from, error); });
    return nullptr;
  }
  // Shared, since a function must be copyable.
  std::shared_ptr read = store_.ReadEvents(from, kEventsMax);
  return [this, from, read] {
    thread_.Run([this, from, found = read->Finish()] { Deliver(from, found); });
  };
}

void EventFeed::Deliver(storage::EventPosition from,
                        const absl::StatusOr<storage::FoundEvents>& found) {
  if (!found.ok()) return CallAll(from, found.status());
  auto messages = std::make_shared<Messages>();
  messages->messages.resize(found->entries.size());
  for (size_t i = 0; i < found->entries.size(); ++i) {
    ToMessage(found->entries[i], messages->messages[i]);
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
  std::vector<Done> waiting;
  {
    const MutexLock lock(mutex_);
    const auto found = waiting_.find(from);
    if (found == waiting_.end()) return;
    waiting = std::move(found->second);
    waiting_.erase(found);
  }
  for (const Done& done : waiting) done(piece);
}

}  // namespace ledgerd::server
