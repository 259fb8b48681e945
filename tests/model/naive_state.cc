#include "tests/model/naive_state.h"

#include <algorithm>
#include <utility>

namespace ledgerd::model {
namespace {

template <typename Map>
Timestamp Newest(const Map& rows) {
  Timestamp newest;
  for (const auto& [id, row] : rows) newest = std::max(newest, row.timestamp);
  return newest;
}

template <typename Map>
bool HasRowAt(const Map& rows, Timestamp timestamp) {
  return std::any_of(rows.begin(), rows.end(), [&](const auto& item) {
    return item.second.timestamp == timestamp;
  });
}

}  // namespace

Timestamp NaiveState::NewestAccount() const { return Newest(accounts); }

Timestamp NaiveState::NewestTransfer() const { return Newest(transfers); }

bool NaiveState::HasAccountAt(Timestamp timestamp) const {
  return HasRowAt(accounts, timestamp);
}

bool NaiveState::HasTransferAt(Timestamp timestamp) const {
  return HasRowAt(transfers, timestamp);
}

std::vector<TransferId> NaiveState::Due(Timestamp now) const {
  std::vector<std::pair<std::pair<Timestamp, Timestamp>, TransferId>> due;
  for (const auto& [id, state] : pending_states) {
    const Transfer& pending = transfers.at(id);
    if (state != PendingState::kPending || pending.timeout_seconds == 0) {
      continue;
    }
    const Timestamp expires_at = ExpiresAt(pending);
    if (expires_at <= now) due.push_back({{expires_at, pending.timestamp}, id});
  }
  std::sort(due.begin(), due.end());
  std::vector<TransferId> ids;
  for (const auto& [order, id] : due) ids.push_back(id);
  return ids;
}

Timestamp NaiveState::NextExpiry() const {
  const std::vector<TransferId> all = Due(kTimestampMax);
  return all.empty() ? Timestamp(0) : ExpiresAt(transfers.at(all.front()));
}

Uint128 NaiveState::Hash() const {
  Uint128 sum = storage::HashAppliedPoint(applied);
  for (const auto& [id, account] : accounts) {
    sum += storage::HashAccount(account);
  }
  for (const auto& [id, transfer] : transfers) {
    sum += storage::HashTransfer(transfer);
  }
  for (const auto& [id, state] : pending_states) {
    sum += storage::HashPendingState(transfers.at(id).timestamp, state);
  }
  for (const auto& [id, status] : failed_ids) {
    sum += storage::HashFailedId(id, status);
  }
  for (const auto& [sequence, payload] : incidents) {
    sum += storage::HashIncidents(sequence, payload);
  }
  return sum;
}

}  // namespace ledgerd::model
