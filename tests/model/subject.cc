#include "tests/model/subject.h"

#include <utility>

#include "proto/base/check.h"
#include "server/ledger/ledger.h"

namespace ledgerd::model {

EntryResult RealLedger::Apply(const Entry& entry) {
  return ApplyBrought(entry, Bring(entry));
}

RealLedger::Brought RealLedger::Bring(const Entry& entry) {
  Brought brought;
  brought.plan = store_->MakePlan(server::NeedsOf(entry));
  if (!brought.plan.complete) {
    auto read = store_->Fetch(brought.plan.missing);
    LEDGERD_CHECK_OK(read.status());
    brought.fetched = *std::move(read);
  }
  return brought;
}

EntryResult RealLedger::ApplyBrought(const Entry& entry, Brought brought) {
  while (
      !store_->Install(std::move(brought.plan), std::move(brought.fetched))) {
    brought = Bring(entry);
  }
  EntryResult result = server::Apply(entry, View());
  store_->FinishEntry({entry.id(), entry.timestamp()});
  return result;
}

std::vector<Account> RealLedger::Accounts(std::vector<AccountId> ids) {
  auto found = store_->LookupAccounts(std::move(ids))->Finish();
  LEDGERD_CHECK_OK(found.status());
  return std::move(found)->rows;
}

storage::Found<Transfer> RealLedger::Transfers(std::vector<TransferId> ids) {
  auto found = store_->LookupTransfers(std::move(ids))->Finish();
  LEDGERD_CHECK_OK(found.status());
  return *std::move(found);
}

}  // namespace ledgerd::model
