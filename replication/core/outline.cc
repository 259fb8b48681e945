#include "replication/core/outline.h"

#include <algorithm>

#include "proto/base/check.h"

namespace ledgerd::replication {

Outline::Outline(const EntryId& base, const std::vector<EntryId>& entries)
    : base_(base) {
  for (const EntryId& id : entries) Append(id);
}

const EntryId* Outline::Find(Sequence sequence) const {
  if (sequence == base_.sequence) return &base_;
  if (sequence < base_.sequence || sequence > last().sequence) return nullptr;
  return &entries_[sequence.value() - base_.sequence.value() - 1];
}

bool Outline::Has(const EntryId& id) const {
  const EntryId* own = Find(id.sequence);
  return own != nullptr && *own == id;
}

const EntryId& Outline::LastNotAbove(const EntryId& id) const {
  // Epochs never fall, so what has a higher one is at the end.
  const auto above = [&id](const EntryId& own) {
    return own.sequence > id.sequence || own.epoch > id.epoch ||
           (own.sequence == id.sequence && own.epoch == id.epoch &&
            own.hash != id.hash);
  };
  const auto end = std::partition_point(
      entries_.begin(), entries_.end(),
      [&above](const EntryId& own) { return !above(own); });
  return end == entries_.begin() ? base_ : *(end - 1);
}

void Outline::Append(const EntryId& id) {
  LEDGERD_CHECK(id.sequence == last().sequence.Next());
  LEDGERD_CHECK(id.epoch >= last().epoch);
  entries_.push_back(id);
}

void Outline::CutFrom(Sequence from) {
  LEDGERD_CHECK(from > base_.sequence);
  while (last().sequence >= from) entries_.pop_back();
}

void Outline::ReleaseTo(Sequence base) {
  while (!entries_.empty() && base_.sequence < base) {
    base_ = entries_.front();
    entries_.pop_front();
  }
}

}  // namespace ledgerd::replication
