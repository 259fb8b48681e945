// The fixture of state_store_contract_test and state_store_memory_test: a store
// of every kind, and what is looked at in every stage on the way to the disk.
//
//   AtEveryStage([&] { EXPECT_EQ(applier_.LookupAccounts(...), ...); });
#ifndef LEDGERD_STORAGE_STATE_STORE_CONTRACT_H_
#define LEDGERD_STORAGE_STATE_STORE_CONTRACT_H_

#include <array>
#include <memory>
#include <ostream>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "proto/types.h"
#include "storage/state_store_harness.h"
#include "storage/state_store_testing.h"

namespace ledgerd::storage {

inline constexpr std::array<const char*, 7> kStages = {
    "applied", "frozen", "written", "shown", "dropped", "gone", "crashed"};

inline Account NewAccount(uint64_t id, uint64_t timestamp) {
  Account account;
  account.id = AccountId(id);
  account.ledger = 1;
  account.code = 2;
  account.timestamp = Timestamp(timestamp);
  return account;
}

inline Transfer NewTransfer(uint64_t id, uint64_t timestamp) {
  Transfer transfer;
  transfer.id = TransferId(id);
  transfer.debit_account_id = AccountId(1);
  transfer.credit_account_id = AccountId(2);
  transfer.amount = Amount(10 * id);
  transfer.ledger = 1;
  transfer.code = 2;
  transfer.timestamp = Timestamp(timestamp);
  return transfer;
}

inline Transfer NewPending(uint64_t id, uint64_t timestamp,
                           uint32_t timeout_seconds) {
  Transfer transfer = NewTransfer(id, timestamp);
  transfer.flags = transfer_flags::kPending;
  transfer.timeout_seconds = timeout_seconds;
  return transfer;
}

inline Timestamp Seconds(uint64_t seconds) {
  return Timestamp(seconds * kNanosPerSecond);
}

class StateStoreTest : public testing::TestWithParam<StoreKind> {
 protected:
  StateStoreTest() : tested_(GetParam().make()), applier_(*tested_) {}

  StateStore& store() { return tested_->get(); }

  // Moves all that was applied one stage on.
  void Advance(size_t stage) {
    switch (stage) {
      case 1:
        store().Freeze();
        break;
      case 2:
        EXPECT_TRUE(store().WriteCheckpoint().ok());
        break;
      case 3:
        store().FinishCheckpoint();
        break;
      case 4:
      case 5:
        // An entry of nothing, so that the checkpoint is another one.
        applier_.Apply({}, [](StateView&) {});
        EXPECT_TRUE(applier_.Checkpoint().ok());
        break;
      case 6:
        tested_->Crash();
        break;
      default:
        break;
    }
  }

  // Calls `check` at every stage of the way to the disk.
  template <typename Check>
  void AtEveryStage(const Check& check) {
    for (size_t stage = 0; stage < kStages.size(); ++stage) {
      SCOPED_TRACE(kStages[stage]);
      Advance(stage);
      check();
      if (HasFailure()) return;
    }
    ASSERT_TRUE(applier_.Checkpoint().ok());
    if (books_balance_) {
      EXPECT_TRUE(store().VerifyCheckpoint().ok())
          << store().VerifyCheckpoint();
    }
  }

  void CreateAccounts() {
    applier_.Apply({.accounts = {AccountId(1), AccountId(2)}},
                   [](StateView& view) {
                     view.InsertAccount(NewAccount(1, 1));
                     view.InsertAccount(NewAccount(2, 2));
                   });
  }

  void Create(std::vector<Transfer> transfers) {
    Needs needs = {.accounts = {AccountId(1), AccountId(2)}};
    for (const Transfer& t : transfers) needs.transfers.push_back(t.id);
    applier_.Apply(needs, [&](StateView& view) {
      for (const Transfer& transfer : transfers) {
        ASSERT_NE(view.FindAccount(transfer.debit_account_id), nullptr);
        ASSERT_NE(view.FindAccount(transfer.credit_account_id), nullptr);
        view.InsertTransfer(transfer);
      }
    });
  }

  void SetState(TransferId id, PendingState state) {
    applier_.Apply({.pending = {id}}, [&](StateView& view) {
      ASSERT_NE(view.FindTransfer(id), nullptr);
      view.SetPendingState(*view.FindTransfer(id), state);
    });
  }

  // What an expire entry at `now` would expire.
  std::vector<TransferId> Due(Timestamp now, size_t limit) {
    std::vector<TransferId> due;
    applier_.Apply({.due_at = now, .due_limit = limit}, [&](StateView& view) {
      due = view.FindDue(now, limit);
      // With what it takes to expire them.
      for (const TransferId id : due) {
        const Transfer* transfer = view.FindTransfer(id);
        ASSERT_NE(transfer, nullptr);
        EXPECT_EQ(view.GetPendingState(*transfer), PendingState::kPending);
        EXPECT_NE(view.FindAccount(transfer->debit_account_id), nullptr);
        EXPECT_NE(view.FindAccount(transfer->credit_account_id), nullptr);
      }
    });
    return due;
  }

  static std::vector<TransferId> Ids(std::vector<uint64_t> ids) {
    return {ids.begin(), ids.end()};
  }

  std::unique_ptr<TestedStore> tested_;
  EntryApplier applier_;
  bool books_balance_ = true;
};

inline void PrintTo(const StoreKind& kind, std::ostream* out) {
  *out << kind.name;
}

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_STORE_CONTRACT_H_
