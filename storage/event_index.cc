#include "storage/event_index.h"

#include <algorithm>

#include "absl/hash/hash.h"

namespace ledgerd::storage {
namespace {

// Events that make a block, at least: more by less than an entry's.
constexpr size_t kBlockEvents = 4096;

uint32_t HashOf(AccountId account) {
  return static_cast<uint32_t>(absl::Hash<AccountId>()(account));
}

}  // namespace

const std::vector<EventBlock::Place>& EventBlock::Places(
    const EventLogView& log) {
  const MutexLock lock(mutex_);
  if (!places_.empty()) return places_;
  const uint64_t first = log[begin_].position;
  for (size_t i = begin_; i < end_; ++i) {
    EventLogCursor cursor = log.Read(i);
    uint64_t at = cursor.position();
    while (const Event* event = cursor.Next()) {
      const auto offset = static_cast<uint32_t>(at - first);
      places_.push_back({HashOf(event->debit.account), offset});
      if (event->type != EventType::kAccountCreated) {
        places_.push_back({HashOf(event->credit.account), offset});
      }
      at = cursor.position();
    }
  }
  std::sort(places_.begin(), places_.end());
  return places_;
}

std::optional<EventSide> EventBlock::Find(const EventLogView& log,
                                          AccountId account) {
  const std::vector<Place>& places = Places(log);
  const uint64_t first = log[begin_].position;
  const uint32_t hash = HashOf(account);
  // The newest first.
  auto after =
      std::upper_bound(places.begin(), places.end(), Place{hash, ~uint32_t{0}});
  for (; after != places.begin() && std::prev(after)->hash == hash; --after) {
    // The timestamps, which depend on the entry, do not matter.
    const Event event = log.ReadEvent(begin_, first + std::prev(after)->offset);
    if (event.debit.account == account) return event.debit;
    if (event.type != EventType::kAccountCreated &&
        event.credit.account == account) {
      return event.credit;
    }
  }
  return std::nullopt;
}

std::optional<EventSide> EventIndexView::Find(AccountId account) {
  if (rest_ != nullptr) {
    if (auto found = rest_->Find(log_, account)) return found;
  }
  for (size_t i = blocks_.size(); i-- > 0;) {
    if (auto found = blocks_[i]->Find(log_, account)) return found;
  }
  return std::nullopt;
}

EventIndexView EventIndex::View(const EventLog& log) {
  EventIndexView view;
  view.log_ = log.ViewFrom(Sequence(0));
  size_t begin = blocks_.empty() ? 0 : blocks_.back()->end();
  size_t events = 0;
  for (size_t i = begin; i < view.log_.size(); ++i) {
    events += view.log_[i].count;
    if (events < kBlockEvents) continue;
    blocks_.push_back(std::make_unique<EventBlock>(begin, i + 1));
    begin = i + 1;
    events = 0;
  }
  for (const auto& block : blocks_) view.blocks_.push_back(block.get());
  if (begin < view.log_.size()) {
    view.rest_ = std::make_unique<EventBlock>(begin, view.log_.size());
  }
  return view;
}

}  // namespace ledgerd::storage
