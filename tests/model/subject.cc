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

namespace {

template <typename Row>
storage::Found<Row> Finish(std::unique_ptr<storage::Lookup<Row>> lookup) {
  auto found = lookup->Finish();
  LEDGERD_CHECK_OK(found.status());
  return *std::move(found);
}

}  // namespace

std::vector<Account> RealLedger::Accounts(std::vector<AccountId> ids) {
  return Finish(store_->LookupAccounts(std::move(ids))).rows;
}

storage::Found<Transfer> RealLedger::Transfers(std::vector<TransferId> ids) {
  return Finish(store_->LookupTransfers(std::move(ids)));
}

std::vector<Account> RealLedger::QueryAccounts(
    const storage::QueryFilter& filter) {
  return Finish(store_->QueryAccounts(filter)).rows;
}

storage::Found<Transfer> RealLedger::QueryTransfers(
    const storage::QueryFilter& filter) {
  return Finish(store_->QueryTransfers(filter));
}

storage::Found<Transfer> RealLedger::AccountTransfers(
    const storage::AccountFilter& filter) {
  return Finish(store_->GetAccountTransfers(filter));
}

WatchedEvents RealLedger::Events(Sequence from) {
  constexpr size_t kPiece = 7;
  WatchedEvents events;
  const storage::EventPosition end = {store_->applied().entry.sequence.Next(),
                                      0};
  for (storage::EventPosition at = {from, 0}; at < end;) {
    auto found = store_->ReadEvents(at, kPiece)->Finish();
    LEDGERD_CHECK_OK(found.status());
    for (storage::EntryEvents& entry : found->entries) {
      auto& all = events[entry.sequence];
      all.insert(all.end(), entry.events.begin(), entry.events.end());
    }
    LEDGERD_CHECK(at < found->next) << "the read does not go on";
    at = found->next;
  }
  return events;
}

std::vector<storage::AccountBalances> RealLedger::Balances(
    const storage::AccountFilter& filter) {
  return Finish(store_->GetAccountBalances(filter)).rows;
}

}  // namespace ledgerd::model
