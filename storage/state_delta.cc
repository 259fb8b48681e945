#include "storage/state_delta.h"

#include <algorithm>

namespace ledgerd::storage {

bool StateDelta::HasAccountAt(Timestamp timestamp) const {
  const auto at = std::lower_bound(
      account_times.begin(), account_times.end(), timestamp,
      [](const AccountTime& a, Timestamp b) { return a.timestamp < b; });
  return at != account_times.end() && at->timestamp == timestamp;
}

uint64_t StateDelta::bytes() const {
  // A hash map's slots are half full on average, a tree's three quarters.
  constexpr uint64_t kReadTransferBytes = 192;
  constexpr uint64_t kPendingBytes = 34;
  constexpr uint64_t kFailedBytes = 66;
  constexpr uint64_t kAddedExpiryBytes = 48;
  constexpr uint64_t kRemovedExpiryBytes = 24;
  return accounts.bytes() + events.bytes() +
         account_times.size() * sizeof(AccountTime) + transfers.bytes() +
         read_transfers.size() * kReadTransferBytes +
         pending_states.size() * kPendingBytes +
         failed_ids.size() * kFailedBytes +
         added_expiries.size() * kAddedExpiryBytes +
         removed_expiries.size() * kRemovedExpiryBytes;
}

}  // namespace ledgerd::storage
