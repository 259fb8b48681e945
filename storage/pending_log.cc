#include "storage/pending_log.h"

#include <algorithm>
#include <numeric>

namespace ledgerd::storage {

PendingState PendingBlockIndex::Find(const PendingChange* changes, size_t count,
                                     Timestamp transfer) {
  const MutexLock lock(mutex_);
  if (sorted_.empty()) {
    sorted_.resize(count);
    std::iota(sorted_.begin(), sorted_.end(), uint16_t{0});
    std::stable_sort(sorted_.begin(), sorted_.end(),
                     [&](uint16_t a, uint16_t b) {
                       return changes[a].transfer < changes[b].transfer;
                     });
  }
  const auto after = std::upper_bound(
      sorted_.begin(), sorted_.end(), transfer,
      [&](Timestamp a, uint16_t b) { return a < changes[b].transfer; });
  if (after == sorted_.begin()) return PendingState::kNone;
  const PendingChange& newest = changes[*std::prev(after)];
  return newest.transfer == transfer ? newest.state : PendingState::kNone;
}

PendingState PendingLogView::Find(Timestamp transfer) {
  for (size_t i = blocks_.size(); i-- > 0;) {
    const size_t count =
        std::min(PendingLog::kBlock, size_ - i * PendingLog::kBlock);
    PendingBlockIndex* const index =
        i < indexes_.size() ? indexes_[i] : last_.get();
    const PendingState state = index->Find(blocks_[i], count, transfer);
    if (state != PendingState::kNone) return state;
  }
  return PendingState::kNone;
}

PendingLogView PendingLog::View() const {
  while (indexes_.size() < changes_.size() / kBlock) {
    indexes_.push_back(std::make_unique<PendingBlockIndex>());
  }
  PendingLogView view;
  view.size_ = changes_.size();
  for (size_t i = 0; i * kBlock < changes_.size(); ++i) {
    view.blocks_.push_back(changes_.chunk(i));
  }
  for (const auto& index : indexes_) view.indexes_.push_back(index.get());
  view.last_ = std::make_unique<PendingBlockIndex>();
  return view;
}

}  // namespace ledgerd::storage
