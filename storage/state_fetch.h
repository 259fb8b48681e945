// What is read from the disk for an entry.
//
//   auto fetched = FetchNeeds(*disk, plan.missing, expiries_from);
//
// Shape    Transfers come with both their accounts, so that whatever is in
//          memory of a transfer is all that expiring or resolving it takes.
// Errors   DATA_LOSS  as DiskState.
// Threads  Any.
#ifndef LEDGERD_STORAGE_STATE_FETCH_H_
#define LEDGERD_STORAGE_STATE_FETCH_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/types.h"
#include "storage/disk_state.h"
#include "storage/expiry_index.h"
#include "storage/id_record.h"
#include "storage/state_store.h"

namespace ledgerd::storage {

struct FetchedRows final : Fetched {
  std::vector<Account> accounts;
  // Of the accounts that were asked for by id.
  std::vector<AccountId> absent_accounts;
  std::vector<Transfer> transfers;
  // Of those transfers that are PENDING.
  std::vector<std::pair<Timestamp, PendingState>> pending_states;
  std::vector<IdRecord> failed_ids;
  std::vector<Timestamp> account_times;
  std::vector<Timestamp> transfer_times;
  // Empty, up to kNoExpiry, when none was asked for.
  ExpiryPage expiries;
};

absl::StatusOr<std::unique_ptr<FetchedRows>> FetchNeeds(const DiskState& disk,
                                                        const Needs& missing,
                                                        Expiry expiries_from);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_FETCH_H_
