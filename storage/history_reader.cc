#include "storage/history_reader.h"

#include <algorithm>
#include <cstddef>

#include "proto/base/status_macros.h"
#include "storage/state_keys.h"

namespace ledgerd::storage {
namespace {

constexpr size_t kAccountBytes = 1 + 16;

}  // namespace

absl::StatusOr<std::optional<AccountBalances>> HistoryReader::Find(
    Timestamp timestamp) {
  if (!Covers(timestamp)) {
    const Key key = HistoryKey(account_, timestamp);
    rows_->SeekForPrev(key.slice());
    if (!rows_->status().ok()) {
      return disk_.Failed(rows_->status(), "reading balances");
    }
    const rocksdb::Slice account(key.slice().data(), kAccountBytes);
    if (!rows_->Valid() || !rows_->key().starts_with(account)) {
      return std::nullopt;
    }
    if (rows_->key().size() != key.slice().size() ||
        !UnpackHistory(Timestamp(KeyNumber(rows_->key(), kAccountBytes)),
                       {rows_->value().data(), rows_->value().size()}, row_)) {
      return disk_.Damaged(rows_->key());
    }
  }
  const auto found = std::lower_bound(
      row_.begin(), row_.end(), timestamp,
      [](const AccountBalances& b, Timestamp t) { return b.timestamp < t; });
  if (found == row_.end() || found->timestamp != timestamp) return std::nullopt;
  return *found;
}

}  // namespace ledgerd::storage
