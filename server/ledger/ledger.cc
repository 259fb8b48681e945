#include "server/ledger/ledger.h"

#include "absl/types/span.h"

#include "proto/base/check.h"
#include "proto/system_limits.h"
#include "server/ledger/account_rules.h"
#include "server/ledger/batch.h"
#include "server/ledger/changes.h"
#include "server/ledger/expiry.h"
#include "server/ledger/post_void_rules.h"
#include "server/ledger/transfer_rules.h"

namespace ledgerd::server {
namespace {

storage::Needs NeedsOfAccounts(absl::Span<const Account> accounts) {
  storage::Needs needs;
  needs.accounts.reserve(accounts.size());
  for (const Account& account : accounts) {
    needs.accounts.push_back(account.id);
    if ((account.flags & account_flags::kImported) != 0) {
      needs.timestamps.push_back(account.timestamp);
    }
  }
  return needs;
}

storage::Needs NeedsOfTransfers(absl::Span<const Transfer> transfers) {
  storage::Needs needs;
  needs.transfers.reserve(transfers.size());
  needs.accounts.reserve(2 * transfers.size());
  for (const Transfer& transfer : transfers) {
    needs.transfers.push_back(transfer.id);
    if (IsPostOrVoid(transfer.flags)) {
      needs.pending.push_back(transfer.pending_id);
    } else {
      needs.accounts.push_back(transfer.debit_account_id);
      needs.accounts.push_back(transfer.credit_account_id);
    }
    if ((transfer.flags & transfer_flags::kImported) != 0) {
      needs.timestamps.push_back(transfer.timestamp);
    }
  }
  return needs;
}

}  // namespace

storage::Needs NeedsOf(const Entry& entry) {
  switch (entry.kind()) {
    case EntryKind::kCreateAccounts:
      return NeedsOfAccounts(entry.rows<Account>());
    case EntryKind::kCreateTransfers:
      return NeedsOfTransfers(entry.rows<Transfer>());
    case EntryKind::kExpireTransfers:
      return {.due_at = entry.timestamp(), .due_limit = kMaxBatchSize};
    case EntryKind::kEpochStart:
    case EntryKind::kMembership:
    case EntryKind::kPause:
    case EntryKind::kIncidents:
      return {};
  }
  LEDGERD_CHECK(false) << "an entry of a kind that this build does not know";
  return {};
}

EntryResult Apply(const Entry& entry, storage::StateView& view) {
  EntryResult result;
  result.sequence = entry.sequence();
  Changes changes(view);
  switch (entry.kind()) {
    case EntryKind::kCreateAccounts: {
      AccountRules rules(changes);
      result.accounts =
          ApplyBatch(rules, entry.rows<Account>(), entry.timestamp(), changes);
      return result;
    }
    case EntryKind::kCreateTransfers: {
      TransferRules rules(changes);
      result.transfers =
          ApplyBatch(rules, entry.rows<Transfer>(), entry.timestamp(), changes);
      return result;
    }
    case EntryKind::kExpireTransfers:
      ExpireDue(entry.timestamp(), changes);
      return result;
    case EntryKind::kEpochStart:
    case EntryKind::kMembership:
    case EntryKind::kPause:
      return result;
    case EntryKind::kIncidents:
      view.AppendIncidents(entry.sequence(), entry.payload());
      return result;
  }
  LEDGERD_CHECK(false) << "an entry of a kind that this build does not know";
  return result;
}

}  // namespace ledgerd::server
