#include "replication/toy_machine.h"

namespace ledgerd::replication {
namespace {

Timestamp TimestampOf(const Entry& entry, size_t event) {
  return Timestamp(entry.timestamp().value() - entry.event_count() + event + 1);
}

EntryResult CreateAccounts(const Entry& entry, storage::StateView& view) {
  EntryResult result;
  size_t event = 0;
  for (Account account : entry.rows<Account>()) {
    account.timestamp = TimestampOf(entry, event++);
    const bool exists = view.FindAccount(account.id) != nullptr;
    if (!exists) view.InsertAccount(account);
    result.accounts.push_back(
        {exists ? AccountStatus::kExists : AccountStatus::kCreated,
         account.timestamp});
  }
  return result;
}

EntryResult CreateTransfers(const Entry& entry, storage::StateView& view) {
  EntryResult result;
  size_t event = 0;
  for (Transfer transfer : entry.rows<Transfer>()) {
    transfer.timestamp = TimestampOf(entry, event++);
    const bool exists = !view.FindTransferId(transfer.id).free();
    if (!exists) view.InsertTransfer(transfer);
    TransferResult& one = result.transfers.emplace_back();
    one.status = exists ? TransferStatus::kExists : TransferStatus::kCreated;
    one.timestamp = transfer.timestamp;
  }
  return result;
}

void ExpireTransfers(const Entry& entry, storage::StateView& view) {
  for (const TransferId id : view.FindDue(entry.timestamp(), kMaxBatchSize)) {
    view.SetPendingState(*view.FindTransfer(id), PendingState::kExpired);
  }
}

}  // namespace

storage::Needs ToyMachine::NeedsOf(const Entry& entry) const {
  storage::Needs needs;
  if (entry.kind() == EntryKind::kCreateAccounts) {
    for (const Account& account : entry.rows<Account>()) {
      needs.accounts.push_back(account.id);
    }
  } else if (entry.kind() == EntryKind::kCreateTransfers) {
    for (const Transfer& transfer : entry.rows<Transfer>()) {
      needs.transfers.push_back(transfer.id);
    }
  } else if (entry.kind() == EntryKind::kExpireTransfers) {
    needs.due_at = entry.timestamp();
    needs.due_limit = kMaxBatchSize;
  }
  return needs;
}

EntryResult ToyMachine::Apply(const Entry& entry,
                              storage::StateView& view) const {
  switch (entry.kind()) {
    case EntryKind::kCreateAccounts:
      return CreateAccounts(entry, view);
    case EntryKind::kCreateTransfers:
      return CreateTransfers(entry, view);
    case EntryKind::kExpireTransfers:
      ExpireTransfers(entry, view);
      return {};
    case EntryKind::kEpochStart:
    case EntryKind::kMembership:
    case EntryKind::kPause:
      return {};
    case EntryKind::kIncidents:
      view.AppendIncidents(entry.sequence(), entry.payload());
      return {};
  }
  return {};
}

}  // namespace ledgerd::replication
