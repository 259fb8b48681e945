#include "tests/model/subject.h"

#include <memory>
#include <utility>

#include "proto/base/check.h"
#include "server/ledger/ledger.h"

namespace ledgerd::model {

EntryResult RealLedger::Apply(const Entry& entry) {
  while (!Bring(entry)) {
  }
  EntryResult result = server::Apply(entry, View());
  store_->FinishEntry({entry.id(), entry.timestamp()});
  return result;
}

bool RealLedger::Bring(const Entry& entry) {
  storage::Plan plan = store_->MakePlan(server::NeedsOf(entry));
  std::unique_ptr<storage::Fetched> fetched;
  if (!plan.complete) {
    auto read = store_->Fetch(plan.missing);
    LEDGERD_CHECK_OK(read.status());
    fetched = *std::move(read);
  }
  return store_->Install(std::move(plan), std::move(fetched));
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
