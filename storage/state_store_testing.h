// What tests of state stores share: a store that can crash, and the way of an
// entry through it.
//
//   TestedStore tested = ...;
//   EntryApplier applier(tested.get());
//   applier.Apply({.accounts = {id}}, [](StateView& view) { ... });
//   applier.Checkpoint();
#ifndef LEDGERD_STORAGE_STATE_STORE_TESTING_H_
#define LEDGERD_STORAGE_STATE_STORE_TESTING_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "proto/base/check.h"
#include "proto/types.h"
#include "storage/state_store.h"

namespace ledgerd::storage {

// A store as tests see it. Crash leaves what a crash of the machine leaves.
class TestedStore {
 public:
  virtual ~TestedStore() = default;
  virtual StateStore& get() = 0;
  virtual void Crash() = 0;
};

// Moves the amount, and inserts the transfer. Requires: both accounts are among
// the needs of the entry.
inline void InsertPayment(StateView& view, const Transfer& transfer) {
  const Account* debit = view.FindAccount(transfer.debit_account_id);
  const Account* credit = view.FindAccount(transfer.credit_account_id);
  Account next = *debit;
  next.debits_posted =
      Amount(next.debits_posted.value() + transfer.amount.value());
  view.UpdateAccount(debit, next);
  next = *credit;
  next.credits_posted =
      Amount(next.credits_posted.value() + transfer.amount.value());
  view.UpdateAccount(credit, next);
  view.InsertTransfer(transfer);
}

// Drives a store as a replica does, all on the caller's thread.
class EntryApplier {
 public:
  explicit EntryApplier(TestedStore& tested) : tested_(tested) {}

  StateStore& store() { return tested_.get(); }

  // Brings the needs in, lets `change` happen, finishes the entry.
  void Apply(const Needs& needs,
             const std::function<void(StateView&)>& change) {
    while (!Install(store().MakePlan(needs))) {
    }
    change(store().view());
    Finish();
  }

  // Freeze to FinishCheckpoint; returns what WriteCheckpoint said.
  absl::Status Checkpoint() {
    store().Freeze();
    absl::Status written = store().WriteCheckpoint();
    if (written.ok()) store().FinishCheckpoint();
    return written;
  }

  bool Install(Plan plan) {
    std::unique_ptr<Fetched> fetched;
    if (!plan.complete) {
      auto result = store().Fetch(plan.missing);
      LEDGERD_CHECK_OK(result.status());
      fetched = *std::move(result);
    }
    return store().Install(std::move(plan), std::move(fetched));
  }

  void Finish() { store().FinishEntry(NextPoint(store().applied())); }

  Found<Account> LookupAccounts(std::vector<AccountId> ids) {
    auto found = store().LookupAccounts(std::move(ids))->Finish();
    LEDGERD_CHECK_OK(found.status());
    return *std::move(found);
  }

  Found<Transfer> LookupTransfers(std::vector<TransferId> ids) {
    auto found = store().LookupTransfers(std::move(ids))->Finish();
    LEDGERD_CHECK_OK(found.status());
    return *std::move(found);
  }

  Found<Account> QueryAccounts(const QueryFilter& filter) {
    auto found = store().QueryAccounts(filter)->Finish();
    LEDGERD_CHECK_OK(found.status());
    return *std::move(found);
  }

  Found<Transfer> GetAccountTransfers(const AccountFilter& filter) {
    auto found = store().GetAccountTransfers(filter)->Finish();
    LEDGERD_CHECK_OK(found.status());
    return *std::move(found);
  }

  Found<Transfer> QueryTransfers(const QueryFilter& filter) {
    auto found = store().QueryTransfers(filter)->Finish();
    LEDGERD_CHECK_OK(found.status());
    return *std::move(found);
  }

  std::vector<IncidentsRow> ReadIncidents(Sequence after = Sequence(0)) {
    auto found = store().ReadIncidents(after)->Finish();
    LEDGERD_CHECK_OK(found.status());
    return std::move(found->rows);
  }

  static AppliedPoint NextPoint(AppliedPoint point) {
    point.entry.epoch = Epoch(1);
    point.entry.sequence = point.entry.sequence.Next();
    point.entry.hash[0] = static_cast<uint8_t>(point.entry.sequence.value());
    point.timestamp = Timestamp(point.timestamp.value() + 100'000);
    return point;
  }

 private:
  TestedStore& tested_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_STORE_TESTING_H_
