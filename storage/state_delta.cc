#include "storage/state_delta.h"

namespace ledgerd::storage {

uint64_t StateDelta::bytes() const {
  // A hash map's slots are half full on average, a tree's three quarters.
  constexpr uint64_t kReadTransferBytes = 192;
  constexpr uint64_t kPendingBytes = 34;
  constexpr uint64_t kFailedBytes = 66;
  constexpr uint64_t kAddedExpiryBytes = 48;
  constexpr uint64_t kRemovedExpiryBytes = 24;
  return accounts.bytes() + events.bytes() + incidents.bytes() +
         history.size() * sizeof(HistoryRow) +
         created_accounts.size() * sizeof(Account) + transfers.bytes() +
         pending_log.size() * sizeof(PendingChange) +
         read_transfers.size() * kReadTransferBytes +
         pending_states.size() * kPendingBytes +
         failed_ids.size() * kFailedBytes +
         added_expiries.size() * kAddedExpiryBytes +
         removed_expiries.size() * kRemovedExpiryBytes;
}

}  // namespace ledgerd::storage
