#include "tests/integration/offline_ledger.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "server/ledger/ledger.h"

namespace ledgerd::integration {
namespace {

// Of the journal, read at a time.
constexpr uint64_t kReadBytes = uint64_t{4} << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<OfflineLedger>> OfflineLedger::Open(
    const std::string& path) {
  std::unique_ptr<OfflineLedger> ledger(new OfflineLedger());
  LEDGERD_RETURN_IF_ERROR(ledger->OpenAll(path));
  LEDGERD_RETURN_IF_ERROR(ledger->Replay());
  return ledger;
}

absl::Status OfflineLedger::OpenAll(const std::string& path) {
  LEDGERD_ASSIGN_OR_RETURN(dir_, storage::DataDir::Open(path, {}));
  LEDGERD_ASSIGN_OR_RETURN(journal_, dir_->OpenJournal({}));
  storage::RocksDbStateStore::Options options;
  options.database.reserve_bytes = 0;
  LEDGERD_ASSIGN_OR_RETURN(
      store_, storage::ReplaceableStateStore::Open(
                  dir_->state_path(), options,
                  {.incoming = dir_->incoming_path(),
                   .checkpoint = journal_->superblock().checkpoint.sequence}));
  opened_at_ = store_->applied().entry.sequence;
  return absl::OkStatus();
}

absl::Status OfflineLedger::Replay() {
  const EntryId last = journal_->last();
  while (store_->applied().entry.sequence < last.sequence) {
    LEDGERD_ASSIGN_OR_RETURN(
        const std::vector<Entry> entries,
        journal_->Read(store_->applied().entry.sequence.Next(), kReadBytes));
    for (const Entry& entry : entries) LEDGERD_RETURN_IF_ERROR(Apply(entry));
  }
  if (store_->applied().entry == last) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      "the state is at sequence ", store_->applied().entry.sequence.value(),
      ", the journal ends at ", last.sequence.value(),
      ", or their hashes differ"));
}

absl::Status OfflineLedger::Apply(const Entry& entry) {
  if (entry.previous_hash() != store_->applied().entry.hash) {
    return absl::DataLossError(absl::StrCat("entry ", entry.sequence().value(),
                                            " does not continue the state"));
  }
  LEDGERD_RETURN_IF_ERROR(Bring(server::NeedsOf(entry)));
  server::Apply(entry, store_->view());
  store_->FinishEntry({entry.id(), entry.timestamp()});
  return absl::OkStatus();
}

absl::Status OfflineLedger::Bring(const storage::Needs& needs) {
  for (;;) {
    storage::Plan plan = store_->MakePlan(needs);
    std::unique_ptr<storage::Fetched> fetched;
    if (!plan.complete) {
      LEDGERD_ASSIGN_OR_RETURN(fetched, store_->Fetch(plan.missing));
    }
    if (store_->Install(std::move(plan), std::move(fetched))) {
      return absl::OkStatus();
    }
  }
}

absl::StatusOr<FinalState> OfflineLedger::Read(
    const std::vector<TransferId>& transfers,
    const std::vector<AccountId>& accounts) {
  FinalState state;
  LEDGERD_ASSIGN_OR_RETURN(auto found_accounts,
                           store_->LookupAccounts(accounts)->Finish());
  LEDGERD_ASSIGN_OR_RETURN(auto found,
                           store_->LookupTransfers(transfers)->Finish());
  state.accounts = std::move(found_accounts.rows);
  for (size_t i = 0; i < found.rows.size(); ++i) {
    state.transfers.push_back(
        {.transfer = found.rows[i], .pending_state = found.pending_states[i]});
  }
  return state;
}

absl::StatusOr<TransferStatus> OfflineLedger::FailedStatus(TransferId id) {
  storage::Needs needs;
  needs.transfers = {id};
  LEDGERD_RETURN_IF_ERROR(Bring(needs));
  return store_->view().FindTransferId(id).failed;
}

absl::Status OfflineLedger::VerifyAll() {
  if (store_->applied() != store_->checkpoint()) {
    store_->Freeze();
    LEDGERD_RETURN_IF_ERROR(store_->WriteCheckpoint());
    store_->FinishCheckpoint();
  }
  return store_->VerifyCheckpoint();
}

}  // namespace ledgerd::integration
