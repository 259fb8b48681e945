#include "storage/state_fetch.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

#include "proto/base/status_macros.h"

namespace ledgerd::storage {
namespace {

// Fills in what is read of the ids: timestamps of transfers, and failed ones.
absl::StatusOr<std::vector<Timestamp>> ReadIds(const DiskState& disk,
                                               const Needs& missing,
                                               FetchedRows& rows) {
  std::vector<TransferId> ids = missing.transfers;
  ids.insert(ids.end(), missing.pending.begin(), missing.pending.end());
  std::vector<Timestamp> timestamps;
  if (ids.empty()) return timestamps;
  LEDGERD_ASSIGN_OR_RETURN(const auto records, disk.ReadIds(std::move(ids)));
  for (const IdRecord& record : records) {
    if (record.failed()) {
      rows.failed_ids.push_back(record);
    } else {
      timestamps.push_back(record.state().timestamp);
    }
  }
  return timestamps;
}

absl::Status ReadExpiries(const DiskState& disk, const Needs& missing,
                          FetchedRows& rows) {
  // One more: where the rest begins.
  LEDGERD_ASSIGN_OR_RETURN(std::vector<Expiry> read,
                           disk.ReadExpiries(rows.expiries.from, missing.due_at,
                                             missing.due_limit + 1));
  if (!read.empty() && (read.back().expires_at > missing.due_at ||
                        read.size() > missing.due_limit)) {
    rows.expiries.rest = read.back();
    read.pop_back();
  }
  for (const Expiry& expiry : read) {
    rows.expiries.expiries.emplace_back(expiry, TransferId(0));
  }
  return absl::OkStatus();
}

absl::Status ReadTransfers(const DiskState& disk,
                           std::vector<Timestamp> timestamps,
                           FetchedRows& rows) {
  for (const auto& [expiry, id] : rows.expiries.expiries) {
    timestamps.push_back(expiry.transfer);
  }
  if (timestamps.empty()) return absl::OkStatus();
  LEDGERD_ASSIGN_OR_RETURN(rows.transfers,
                           disk.ReadTransfers(std::move(timestamps)));
  std::vector<Timestamp> pending;
  absl::flat_hash_map<Timestamp, TransferId> ids;
  for (const Transfer& transfer : rows.transfers) {
    if ((transfer.flags & transfer_flags::kPending) == 0) continue;
    pending.push_back(transfer.timestamp);
    ids.emplace(transfer.timestamp, transfer.id);
  }
  for (auto& [expiry, id] : rows.expiries.expiries) id = ids[expiry.transfer];
  LEDGERD_ASSIGN_OR_RETURN(rows.pending_states,
                           disk.ReadPendingStates(pending));
  return absl::OkStatus();
}

absl::Status ReadAccounts(const DiskState& disk, const Needs& missing,
                          FetchedRows& rows) {
  std::vector<AccountId> ids = missing.accounts;
  for (const Transfer& transfer : rows.transfers) {
    ids.push_back(transfer.debit_account_id);
    ids.push_back(transfer.credit_account_id);
  }
  if (ids.empty()) return absl::OkStatus();
  LEDGERD_ASSIGN_OR_RETURN(rows.accounts, disk.ReadAccounts(std::move(ids)));
  absl::flat_hash_set<AccountId> found;
  for (const Account& account : rows.accounts) found.insert(account.id);
  for (const AccountId id : missing.accounts) {
    if (!found.contains(id)) rows.absent_accounts.push_back(id);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<FetchedRows>> FetchNeeds(const DiskState& disk,
                                                        const Needs& missing,
                                                        Expiry expiries_from) {
  auto rows = std::make_unique<FetchedRows>();
  rows->expiries.from = expiries_from;
  LEDGERD_ASSIGN_OR_RETURN(auto timestamps, ReadIds(disk, missing, *rows));
  if (missing.due_limit > 0) {
    LEDGERD_RETURN_IF_ERROR(ReadExpiries(disk, missing, *rows));
  }
  LEDGERD_RETURN_IF_ERROR(ReadTransfers(disk, std::move(timestamps), *rows));
  LEDGERD_RETURN_IF_ERROR(ReadAccounts(disk, missing, *rows));
  if (!missing.timestamps.empty()) {
    LEDGERD_ASSIGN_OR_RETURN(rows->account_times,
                             disk.FindAccountTimes(missing.timestamps));
    LEDGERD_ASSIGN_OR_RETURN(rows->transfer_times,
                             disk.FindTransferTimes(missing.timestamps));
  }
  return rows;
}

}  // namespace ledgerd::storage
