#include "storage/expiry_index.h"

#include <algorithm>
#include <iterator>

#include "proto/base/check.h"

namespace ledgerd::storage {

void ExpiryIndex::SetDeltas(StateDelta* active, const StateDelta* frozen) {
  active_ = active;
  frozen_ = frozen;
  if (frozen_ != nullptr) frozen_at_ = frozen_->added_expiries.begin();
}

void ExpiryIndex::MoveFrozenToDisk() {
  Expiry begin = disk_begin();
  if (frozen_at_ != frozen_->added_expiries.end()) {
    begin = std::min(begin, frozen_at_->first);
  }
  known_.clear();
  at_ = 0;
  rest_ = begin;
  SetDeltas(active_, nullptr);
}

void ExpiryIndex::Add(const Expiry& expiry, TransferId id) {
  if (active_->removed_expiries.erase(expiry) == 0) {
    active_->added_expiries.emplace(expiry, id);
    return;
  }
  // It is below again, in the frozen delta or on the disk, perhaps before the
  // places that were left behind.
  if (frozen_ != nullptr) {
    frozen_at_ = frozen_->added_expiries.begin();
  }
  if (expiry < disk_begin()) {
    known_.clear();
    at_ = 0;
    rest_ = expiry;
  }
}

void ExpiryIndex::Remove(const Expiry& expiry) {
  if (active_->added_expiries.erase(expiry) == 0) {
    active_->removed_expiries.insert(expiry);
  }
}

bool ExpiryIndex::RemovedFromDisk(const Expiry& expiry) const {
  return active_->removed_expiries.contains(expiry) ||
         (frozen_ != nullptr && frozen_->removed_expiries.contains(expiry));
}

void ExpiryIndex::Skip() {
  while (at_ < known_.size() && RemovedFromDisk(known_[at_].first)) ++at_;
  if (frozen_ == nullptr) return;
  while (frozen_at_ != frozen_->added_expiries.end() &&
         active_->removed_expiries.contains(frozen_at_->first)) {
    ++frozen_at_;
  }
}

Expiry ExpiryIndex::disk_begin() {
  Skip();
  return at_ < known_.size() ? known_[at_].first : rest_;
}

Expiry ExpiryIndex::next() {
  Expiry next = disk_begin();
  const Added& added = active_->added_expiries;
  if (!added.empty()) next = std::min(next, added.begin()->first);
  if (frozen_ != nullptr && frozen_at_ != frozen_->added_expiries.end()) {
    next = std::min(next, frozen_at_->first);
  }
  return next;
}

size_t ExpiryIndex::CountRemoved(Timestamp now) {
  const Expiry begin = disk_begin();
  const Expiry end = {now.Next(), Timestamp(0)};
  const auto count = [&](const StateDelta& delta) {
    const auto& removed = delta.removed_expiries;
    if (end <= begin) return ptrdiff_t{0};
    return std::distance(removed.lower_bound(begin), removed.lower_bound(end));
  };
  return static_cast<size_t>(count(*active_) +
                             (frozen_ != nullptr ? count(*frozen_) : 0));
}

bool ExpiryIndex::Load(ExpiryPage page) {
  if (page.from > disk_begin()) return false;
  known_ = std::move(page.expiries);
  at_ = 0;
  rest_ = page.rest;
  return true;
}

bool ExpiryIndex::Covers(Timestamp now, size_t limit) {
  if (disk_begin().expires_at > now || rest_.expires_at > now) return true;
  size_t alive = 0;
  for (size_t i = at_; i < known_.size() && alive < limit; ++i) {
    if (!RemovedFromDisk(known_[i].first)) ++alive;
  }
  return alive == limit;
}

std::vector<TransferId> ExpiryIndex::Find(Timestamp now, size_t limit) {
  LEDGERD_CHECK(Covers(now, limit)) << "what is due was not brought in";
  std::vector<std::pair<Expiry, TransferId>> due;
  const auto collect = [&](auto from, auto end, const auto& removed) {
    size_t taken = 0;
    for (; from != end && taken < limit; ++from) {
      if (from->first.expires_at > now) break;
      if (removed(from->first)) continue;
      due.emplace_back(from->first, from->second);
      ++taken;
    }
  };
  const Added& added = active_->added_expiries;
  collect(added.begin(), added.end(), [](const Expiry&) { return false; });
  if (frozen_ != nullptr) {
    collect(frozen_at_, frozen_->added_expiries.end(), [&](const Expiry& e) {
      return active_->removed_expiries.contains(e);
    });
  }
  collect(known_.begin() + static_cast<ptrdiff_t>(at_), known_.end(),
          [&](const Expiry& e) { return RemovedFromDisk(e); });
  std::sort(due.begin(), due.end());
  if (due.size() > limit) due.resize(limit);
  std::vector<TransferId> ids;
  ids.reserve(due.size());
  for (const auto& [expiry, id] : due) ids.push_back(id);
  return ids;
}

}  // namespace ledgerd::storage
