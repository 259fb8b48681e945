#include "storage/state_lookup.h"

#include "absl/status/status.h"

#include "proto/base/status_macros.h"
#include "storage/state_keys.h"

namespace ledgerd::storage {

absl::StatusOr<Found<Account>> AccountLookup::FinishUnless(
    const IsLate& /*is_late*/) {
  std::vector<AccountId> unknown;
  for (const AccountId id : ids_) {
    if (!known_.contains(id)) unknown.push_back(id);
  }
  if (!unknown.empty()) {
    LEDGERD_ASSIGN_OR_RETURN(const auto accounts,
                             disk_->ReadAccounts(std::move(unknown)));
    for (const Account& account : accounts) Know(account);
  }
  disk_ = nullptr;
  Found<Account> found;
  for (const AccountId id : ids_) {
    const auto account = known_.find(id);
    if (account != known_.end()) found.rows.push_back(account->second);
  }
  return found;
}

absl::Status TransferLookup::ReadTheRest() {
  std::vector<TransferId> unknown;
  for (const TransferId id : ids_) {
    if (!known_.contains(id)) unknown.push_back(id);
  }
  if (unknown.empty()) return absl::OkStatus();
  LEDGERD_ASSIGN_OR_RETURN(const auto records,
                           disk_->ReadIds(std::move(unknown)));
  std::vector<Timestamp> timestamps;
  for (const IdRecord& record : records) {
    if (!record.failed()) timestamps.push_back(record.state().timestamp);
  }
  LEDGERD_ASSIGN_OR_RETURN(const auto transfers,
                           disk_->ReadTransfers(std::move(timestamps)));
  for (const Transfer& transfer : transfers) {
    PendingState state = PendingState::kNone;
    if ((transfer.flags & transfer_flags::kPending) != 0) {
      LEDGERD_ASSIGN_OR_RETURN(const auto states,
                               disk_->ReadPendingStates({transfer.timestamp}));
      state = states.front().second;
    }
    Know(transfer, state);
  }
  return absl::OkStatus();
}

absl::StatusOr<Found<Transfer>> TransferLookup::FinishUnless(
    const IsLate& /*is_late*/) {
  LEDGERD_RETURN_IF_ERROR(ReadTheRest());
  disk_ = nullptr;
  Found<Transfer> found;
  for (const TransferId id : ids_) {
    const auto transfer = known_.find(id);
    if (transfer == known_.end()) continue;
    found.rows.push_back(transfer->second.first);
    found.pending_states.push_back(transfer->second.second);
  }
  return found;
}

absl::Status IncidentsLookup::ReadFromDisk(const IsLate& is_late,
                                           std::vector<IncidentsRow>& rows) {
  const Key table(Table::kIncidents);
  const auto at = disk_->NewScan();
  for (at->Seek(IncidentsKey(after_.Next()).slice());
       at->Valid() && at->key().starts_with(table.slice()); at->Next()) {
    if (at->key().size() != kIncidentsKeyBytes) {
      return disk_->Damaged(at->key());
    }
    if (is_late && is_late()) {
      return absl::DeadlineExceededError(
          "there are more incidents than can be read in time");
    }
    rows.push_back({Sequence(KeyNumber(at->key(), 1)), at->value().ToString()});
  }
  if (at->status().ok()) return absl::OkStatus();
  return disk_->Failed(at->status(), "reading incidents");
}

absl::StatusOr<Found<IncidentsRow>> IncidentsLookup::FinishUnless(
    const IsLate& is_late) {
  Found<IncidentsRow> found;
  LEDGERD_RETURN_IF_ERROR(ReadFromDisk(is_late, found.rows));
  disk_ = nullptr;
  found.rows.insert(found.rows.end(), known_.begin(), known_.end());
  return found;
}

}  // namespace ledgerd::storage
