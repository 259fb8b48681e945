#include "storage/account_cache.h"

#include <optional>

namespace ledgerd::storage {

AccountCache::AccountCache(uint64_t bytes_max)
    : capacity_(bytes_max / (sizeof(Account) + Index::kBytesPerRow)),
      index_(&rows_) {
  // Growing later would hash every row again, on the replica thread.
  index_.Reserve(capacity_);
  used_.reserve(capacity_);
}

const Account* AccountCache::Find(AccountId id) {
  const std::optional<size_t> row = index_.Find(id);
  if (!row.has_value()) return nullptr;
  used_[*row] = true;
  return &rows_[*row];
}

void AccountCache::Put(const Account& account) {
  if (capacity_ == 0) return;
  if (const std::optional<size_t> row = index_.Find(account.id)) {
    rows_[*row] = account;
    return;
  }
  if (rows_.size() < capacity_) {
    rows_.Append(account);
    used_.push_back(false);
    index_.Add(rows_.size() - 1);
    return;
  }
  const size_t row = Evict();
  rows_[row] = account;
  index_.Add(row);
}

size_t AccountCache::Evict() {
  while (used_[hand_]) {
    used_[hand_] = false;
    hand_ = (hand_ + 1) % capacity_;
  }
  const size_t row = hand_;
  hand_ = (hand_ + 1) % capacity_;
  index_.Remove(rows_[row].id);
  return row;
}

}  // namespace ledgerd::storage
