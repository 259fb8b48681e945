// A Subject is a ledger under test: the real one over some store, or a mutant
// of it that has to be found out.
//
//   storage::MemoryStateStore store;
//   RealLedger real(store);
//   const EntryResult result = real.Apply(entry);
//
// Threads  Not thread-safe.
#ifndef LEDGERD_TESTS_MODEL_SUBJECT_H_
#define LEDGERD_TESTS_MODEL_SUBJECT_H_

#include <map>
#include <memory>
#include <vector>

#include "proto/entry.h"
#include "proto/results.h"
#include "proto/types.h"
#include "storage/state_query.h"
#include "storage/state_store.h"
#include "storage/state_view.h"
#include "storage/watched_event.h"

namespace ledgerd::model {

using WatchedEvents = std::map<Sequence, std::vector<storage::WatchedEvent>>;

class Subject {
 public:
  virtual ~Subject() = default;

  virtual EntryResult Apply(const Entry& entry) = 0;
  virtual Uint128 StateHash() = 0;
  virtual Timestamp NextExpiry() = 0;

  // Those of `ids` that exist, in their order.
  virtual std::vector<Account> Accounts(std::vector<AccountId> ids) = 0;
  virtual storage::Found<Transfer> Transfers(std::vector<TransferId> ids) = 0;

  virtual std::vector<Account> QueryAccounts(
      const storage::QueryFilter& filter) = 0;
  virtual storage::Found<Transfer> QueryTransfers(
      const storage::QueryFilter& filter) = 0;
  virtual storage::Found<Transfer> AccountTransfers(
      const storage::AccountFilter& filter) = 0;

  // From entry `from` on, of every entry that has any.
  virtual WatchedEvents Events(Sequence from) = 0;

  // After each transfer that matches, of an account that keeps its history.
  virtual std::vector<storage::AccountBalances> Balances(
      const storage::AccountFilter& filter) = 0;
};

// server/ledger over a store, driven as a replica drives it.
class RealLedger : public Subject {
 public:
  // `store` must outlive this.
  explicit RealLedger(storage::StateStore& store) : store_(&store) {}

  EntryResult Apply(const Entry& entry) override;

  Uint128 StateHash() override { return store_->state_hash(); }

  Timestamp NextExpiry() override { return store_->next_expiry(); }

  std::vector<Account> Accounts(std::vector<AccountId> ids) override;
  storage::Found<Transfer> Transfers(std::vector<TransferId> ids) override;
  std::vector<Account> QueryAccounts(
      const storage::QueryFilter& filter) override;
  storage::Found<Transfer> QueryTransfers(
      const storage::QueryFilter& filter) override;
  storage::Found<Transfer> AccountTransfers(
      const storage::AccountFilter& filter) override;
  // Read in pieces of some events.
  WatchedEvents Events(Sequence from) override;
  std::vector<storage::AccountBalances> Balances(
      const storage::AccountFilter& filter) override;

 protected:
  // What an entry needs, as a replica brings it: perhaps entries ahead.
  struct Brought {
    storage::Plan plan;
    std::unique_ptr<storage::Fetched> fetched;
  };

  Brought Bring(const Entry& entry);
  // Brings it again when memory has changed too much since.
  EntryResult ApplyBrought(const Entry& entry, Brought brought);

  // After a reopening.
  void set_store(storage::StateStore& store) { store_ = &store; }

  // What the ledger sees of the store; mutants see it distorted.
  virtual storage::StateView& View() { return store_->view(); }

 private:
  storage::StateStore* store_;
};

}  // namespace ledgerd::model

#endif  // LEDGERD_TESTS_MODEL_SUBJECT_H_
