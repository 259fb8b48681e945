// What every StateStore does, simulated or real: state_store.h and
// state_view.h.
//
// Most tests look at the same things at every stage that a state goes through
// on its way to the disk: in the active delta, frozen, written, shown, dropped
// from memory, and after a crash.
#include <array>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "storage/state_store_harness.h"
#include "storage/state_store_testing.h"

namespace ledgerd::storage {
namespace {

constexpr std::array<const char*, 7> kStages = {
    "applied", "frozen", "written", "shown", "dropped", "gone", "crashed"};

Account NewAccount(uint64_t id, uint64_t timestamp) {
  Account account;
  account.id = AccountId(id);
  account.ledger = 1;
  account.code = 2;
  account.timestamp = Timestamp(timestamp);
  return account;
}

Transfer NewTransfer(uint64_t id, uint64_t timestamp) {
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

Transfer NewPending(uint64_t id, uint64_t timestamp, uint32_t timeout_seconds) {
  Transfer transfer = NewTransfer(id, timestamp);
  transfer.flags = transfer_flags::kPending;
  transfer.timeout_seconds = timeout_seconds;
  return transfer;
}

Timestamp Seconds(uint64_t seconds) {
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

TEST_P(StateStoreTest, BeginsWithNothing) {
  EXPECT_EQ(store().applied(), AppliedPoint());
  EXPECT_EQ(store().checkpoint(), AppliedPoint());
  EXPECT_TRUE(store().state_hash() == 0);
  EXPECT_EQ(store().next_expiry(), Timestamp(0));
  EXPECT_EQ(store().view().newest_account_timestamp(), Timestamp(0));
  EXPECT_EQ(store().view().newest_transfer_timestamp(), Timestamp(0));
  EXPECT_TRUE(store().VerifyCheckpoint().ok());
  EXPECT_TRUE(applier_.LookupAccounts({AccountId(1)}).rows.empty());
  EXPECT_TRUE(applier_.LookupTransfers({TransferId(1)}).rows.empty());
  EXPECT_TRUE(Due(kTimestampMax, 10).empty());
}

TEST_P(StateStoreTest, KeepsAccounts) {
  CreateAccounts();
  AtEveryStage([&] {
    applier_.Apply(
        {.accounts = {AccountId(1), AccountId(2), AccountId(3)}},
        [](StateView& view) {
          ASSERT_NE(view.FindAccount(AccountId(1)), nullptr);
          EXPECT_EQ(*view.FindAccount(AccountId(1)), NewAccount(1, 1));
          EXPECT_EQ(*view.FindAccount(AccountId(2)), NewAccount(2, 2));
          EXPECT_EQ(view.FindAccount(AccountId(3)), nullptr);
        });
    EXPECT_EQ(store().view().newest_account_timestamp(), Timestamp(2));
  });
}

TEST_P(StateStoreTest, APointerToAnAccountShowsItsUpdates) {
  CreateAccounts();
  uint64_t balance = 0;
  AtEveryStage([&] {
    applier_.Apply({.accounts = {AccountId(1), AccountId(2)}},
                   [&](StateView& view) {
                     const Account* debit = view.FindAccount(AccountId(1));
                     const Account* credit = view.FindAccount(AccountId(2));
                     EXPECT_EQ(debit->debits_posted, Amount(balance));
                     Account next = *debit;
                     next.debits_posted = Amount(++balance);
                     view.UpdateAccount(debit, next);
                     EXPECT_EQ(*debit, next);
                     EXPECT_EQ(view.FindAccount(AccountId(1)), debit);
                     next = *credit;
                     next.credits_posted = Amount(balance);
                     view.UpdateAccount(credit, next);
                   });
    // A crash takes away what came after the checkpoint's entry.
    if (balance == 6) balance = 5;
  });
}

TEST_P(StateStoreTest, KeepsTransfers) {
  CreateAccounts();
  Create({NewTransfer(7, 3), NewTransfer(5, 4), NewPending(6, 5, 0)});
  AtEveryStage([&] {
    applier_.Apply(
        {.transfers = Ids({5, 6, 7, 8}), .pending = Ids({6})},
        [](StateView& view) {
          ASSERT_NE(view.FindTransfer(TransferId(5)), nullptr);
          EXPECT_EQ(*view.FindTransfer(TransferId(5)), NewTransfer(5, 4));
          EXPECT_EQ(*view.FindTransfer(TransferId(6)), NewPending(6, 5, 0));
          EXPECT_EQ(view.FindTransferId(TransferId(7)).timestamp, Timestamp(3));
          EXPECT_TRUE(view.FindTransferId(TransferId(8)).free());
          EXPECT_EQ(view.FindTransfer(TransferId(8)), nullptr);
          EXPECT_EQ(view.GetPendingState(NewPending(6, 5, 0)),
                    PendingState::kPending);
          EXPECT_EQ(view.GetPendingState(NewTransfer(5, 4)),
                    PendingState::kNone);
        });
    EXPECT_EQ(store().view().newest_transfer_timestamp(), Timestamp(5));
  });
}

TEST_P(StateStoreTest, KeepsFailedIdsForEver) {
  applier_.Apply({.transfers = Ids({4, 9})}, [](StateView& view) {
    view.KeepFailedId(TransferId(9), TransferStatus::kExceedsCredits);
    view.KeepFailedId(TransferId(4), TransferStatus::kDebitAccountNotFound);
  });
  AtEveryStage([&] {
    applier_.Apply({.transfers = Ids({4, 9})}, [](StateView& view) {
      const TransferIdState state = view.FindTransferId(TransferId(9));
      EXPECT_EQ(state.timestamp, Timestamp(0));
      EXPECT_EQ(state.failed, TransferStatus::kExceedsCredits);
      EXPECT_EQ(view.FindTransferId(TransferId(4)).failed,
                TransferStatus::kDebitAccountNotFound);
      EXPECT_EQ(view.FindTransfer(TransferId(9)), nullptr);
    });
    EXPECT_TRUE(applier_.LookupTransfers(Ids({4, 9})).rows.empty());
  });
}

TEST_P(StateStoreTest, UndoBringsBackTheStateAndItsHash) {
  CreateAccounts();
  StateStore& before = store();
  const AppliedPoint next = EntryApplier::NextPoint(before.applied());
  Uint128 expected = before.state_hash();
  expected -= HashAppliedPoint(before.applied());
  expected += HashAppliedPoint(next);
  applier_.Apply(
      {.accounts = {AccountId(1), AccountId(3)}, .transfers = Ids({5, 6})},
      [](StateView& view) {
        view.InsertAccount(NewAccount(3, 10));
        view.InsertTransfer(NewTransfer(5, 11));
        const Account* account = view.FindAccount(AccountId(1));
        const Account old = *account;
        Account changed = old;
        changed.debits_posted = Amount(50);
        view.UpdateAccount(account, changed);
        view.InsertTransfer(NewPending(6, 12, 1));

        view.UndoInsertTransfer(TransferId(6), Timestamp(11));
        view.UpdateAccount(account, old);
        view.UndoInsertTransfer(TransferId(5), Timestamp(0));
        view.UndoInsertAccount(AccountId(3), Timestamp(2));

        EXPECT_EQ(view.FindAccount(AccountId(3)), nullptr);
        EXPECT_TRUE(view.FindTransferId(TransferId(5)).free());
        EXPECT_TRUE(view.FindTransferId(TransferId(6)).free());
        EXPECT_EQ(view.newest_account_timestamp(), Timestamp(2));
        EXPECT_EQ(view.newest_transfer_timestamp(), Timestamp(0));
        // And again, in the same entry: nothing is in the way.
        view.InsertAccount(NewAccount(3, 13));
        view.UndoInsertAccount(AccountId(3), Timestamp(2));
      });
  EXPECT_TRUE(store().state_hash() == expected);
  EXPECT_EQ(store().next_expiry(), Timestamp(0));
  AtEveryStage([&] {
    applier_.Apply({.accounts = {AccountId(3)}, .transfers = Ids({5, 6})},
                   [](StateView& view) {
                     EXPECT_EQ(view.FindAccount(AccountId(3)), nullptr);
                     EXPECT_TRUE(view.FindTransferId(TransferId(5)).free());
                     EXPECT_TRUE(view.FindTransferId(TransferId(6)).free());
                   });
  });
}

TEST_P(StateStoreTest, APendingStateChangesWhereverItIs) {
  CreateAccounts();
  for (size_t stage = 0; stage < kStages.size(); ++stage) {
    SCOPED_TRACE(kStages[stage]);
    const uint64_t id = 100 + stage;
    Create({NewPending(id, 1000 + id, 0)});
    for (size_t i = 1; i <= stage; ++i) Advance(i);
    SetState(TransferId(id), PendingState::kPosted);
    for (size_t i = stage + 1; i <= 3; ++i) Advance(i);
    const auto expect_posted = [&] {
      const auto found = applier_.LookupTransfers({TransferId(id)});
      ASSERT_EQ(found.rows.size(), 1);
      EXPECT_EQ(found.pending_states[0], PendingState::kPosted);
    };
    expect_posted();
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(applier_.Checkpoint().ok());
      expect_posted();
    }
    tested_->Crash();
    expect_posted();
    EXPECT_TRUE(store().VerifyCheckpoint().ok()) << store().VerifyCheckpoint();
  }
}

TEST_P(StateStoreTest, UndoingAStateBringsItsExpiryBack) {
  CreateAccounts();
  Create({NewPending(5, 3, 7)});
  AtEveryStage([&] {
    const Timestamp expires = ExpiresAt(NewPending(5, 3, 7));
    applier_.Apply({.pending = Ids({5})}, [](StateView& view) {
      const Transfer pending = *view.FindTransfer(TransferId(5));
      view.SetPendingState(pending, PendingState::kVoided);
      EXPECT_EQ(view.GetPendingState(pending), PendingState::kVoided);
      view.SetPendingState(pending, PendingState::kPending);
    });
    EXPECT_LE(store().next_expiry(), expires);
    EXPECT_NE(store().next_expiry(), Timestamp(0));
    EXPECT_EQ(Due(expires, 10), Ids({5}));
  });
}

TEST_P(StateStoreTest, WhatIsDueComesInTheOrderOfExpiryThenOfCreation) {
  CreateAccounts();
  Create({NewPending(14, 10, 3), NewPending(13, 11, 1), NewPending(12, 12, 0),
          NewPending(11, 13, 1), NewTransfer(10, 14), NewPending(9, 15, 2)});
  SetState(TransferId(9), PendingState::kPosted);
  AtEveryStage([&] {
    EXPECT_EQ(store().next_expiry(), ExpiresAt(NewPending(13, 11, 1)));
    EXPECT_EQ(Due(Seconds(1), 10), Ids({}));
    EXPECT_EQ(Due(ExpiresAt(NewPending(13, 11, 1)), 10), Ids({13}));
    EXPECT_EQ(Due(Seconds(2), 10), Ids({13, 11}));
    EXPECT_EQ(Due(Seconds(9), 10), Ids({13, 11, 14}));
    EXPECT_EQ(Due(Seconds(9), 2), Ids({13, 11}));
    EXPECT_EQ(Due(Seconds(9), 1), Ids({13}));
  });
}

TEST_P(StateStoreTest, WhatIsDueIsMergedFromAllGenerations) {
  CreateAccounts();
  uint64_t timestamp = 10;
  const auto create = [&](uint64_t id, uint32_t timeout) {
    Create({NewPending(id, ++timestamp, timeout)});
  };
  create(1, 4);
  create(2, 1);
  create(3, 6);
  ASSERT_TRUE(applier_.Checkpoint().ok());
  create(4, 2);
  create(5, 5);
  SetState(TransferId(3), PendingState::kVoided);
  store().Freeze();
  create(6, 3);
  SetState(TransferId(5), PendingState::kPosted);
  EXPECT_EQ(Due(Seconds(9), 10), Ids({2, 4, 6, 1}));
  EXPECT_EQ(Due(Seconds(9), 3), Ids({2, 4, 6}));
  ASSERT_TRUE(store().WriteCheckpoint().ok());
  EXPECT_EQ(Due(Seconds(9), 10), Ids({2, 4, 6, 1}));
  store().FinishCheckpoint();
  EXPECT_EQ(Due(Seconds(9), 10), Ids({2, 4, 6, 1}));
  ASSERT_TRUE(applier_.Checkpoint().ok());
  tested_->Crash();
  EXPECT_EQ(Due(Seconds(9), 10), Ids({2, 4, 6, 1}));
}

// A primary journals an expire entry whenever next_expiry() has come; it must
// not do so for ever.
TEST_P(StateStoreTest, ExpiringEndsAfterFewEntries) {
  CreateAccounts();
  constexpr uint64_t kCount = 20;
  for (uint64_t id = 1; id <= kCount; ++id)
    Create({NewPending(id, 10 + id, 1)});
  Create({NewPending(99, 50, 9)});
  ASSERT_TRUE(applier_.Checkpoint().ok());
  ASSERT_TRUE(applier_.Checkpoint().ok());
  const Timestamp now = Seconds(2);
  uint64_t expired = 0;
  int entries = 0;
  for (; store().next_expiry() != Timestamp(0) && store().next_expiry() <= now;
       ++entries) {
    ASSERT_LE(entries, 10);
    applier_.Apply({.due_at = now, .due_limit = 3}, [&](StateView& view) {
      for (const TransferId id : view.FindDue(now, 3)) {
        const Transfer transfer = *view.FindTransfer(id);
        view.SetPendingState(transfer, PendingState::kExpired);
        ++expired;
      }
    });
  }
  EXPECT_EQ(expired, kCount);
  EXPECT_EQ(store().next_expiry(), ExpiresAt(NewPending(99, 50, 9)));
}

TEST_P(StateStoreTest, KnowsWhoseTimestampsAreTaken) {
  CreateAccounts();
  Create({NewTransfer(5, 4), NewTransfer(6, 6)});
  AtEveryStage([&] {
    Needs needs;
    for (uint64_t t = 1; t <= 7; ++t) needs.timestamps.push_back(Timestamp(t));
    applier_.Apply(needs, [&](StateView& view) {
      for (const Timestamp t : needs.timestamps) {
        EXPECT_EQ(view.HasAccountAt(t), t.value() <= 2) << t;
        EXPECT_EQ(view.HasTransferAt(t), t.value() == 4 || t.value() == 6) << t;
      }
    });
  });
}

TEST_P(StateStoreTest, LooksUpInTheOrderAsked) {
  CreateAccounts();
  Create({NewTransfer(5, 3), NewPending(6, 4, 0)});
  SetState(TransferId(6), PendingState::kVoided);
  AtEveryStage([&] {
    const auto accounts = applier_.LookupAccounts(
        {AccountId(2), AccountId(9), AccountId(1), AccountId(2)});
    EXPECT_EQ(accounts.rows, (std::vector{NewAccount(2, 2), NewAccount(1, 1),
                                          NewAccount(2, 2)}));
    const auto transfers = applier_.LookupTransfers(Ids({6, 9, 5}));
    EXPECT_EQ(transfers.rows,
              (std::vector{NewPending(6, 4, 0), NewTransfer(5, 3)}));
    EXPECT_EQ(transfers.pending_states,
              (std::vector{PendingState::kVoided, PendingState::kNone}));
  });
}

TEST_P(StateStoreTest, ALookupSeesTheStateInWhichItBegan) {
  CreateAccounts();
  for (uint64_t stage = 0; stage < kStages.size(); ++stage) {
    SCOPED_TRACE(kStages[stage]);
    const Transfer pending = NewPending(100 + stage, 1000 + 100 * stage, 0);
    const Transfer later = NewTransfer(200 + stage, 1010 + 100 * stage);
    const Account account = NewAccount(300 + stage, 1020 + 100 * stage);
    Create({pending});
    for (uint64_t i = 1; i <= stage; ++i) Advance(i);
    auto accounts = store().LookupAccounts({account.id, AccountId(1)});
    auto transfers = store().LookupTransfers({later.id, pending.id});
    for (uint64_t i = stage + 1; i <= 3; ++i) Advance(i);

    Create({later});
    SetState(pending.id, PendingState::kPosted);
    applier_.Apply({.accounts = {account.id}},
                   [&](StateView& view) { view.InsertAccount(account); });
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(applier_.Checkpoint().ok());
    EXPECT_EQ(applier_.LookupAccounts({account.id}).rows.size(), 1);
    EXPECT_EQ(applier_.LookupTransfers({pending.id}).pending_states[0],
              PendingState::kPosted);

    EXPECT_EQ(accounts->Finish()->rows, (std::vector{NewAccount(1, 1)}));
    const auto found = transfers->Finish();
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(found->rows, (std::vector{pending}));
    EXPECT_EQ(found->pending_states, (std::vector{PendingState::kPending}));
  }
}

TEST_P(StateStoreTest, APlanOutlivesTheEntriesBeforeIt) {
  books_balance_ = false;
  CreateAccounts();
  Create({NewPending(5, 3, 0)});
  AtEveryStage([&] {
    // What an entry drops from memory after a checkpoint is gone from here on.
    applier_.Apply({}, [](StateView&) {});
    // Both entries are planned, and fetched, before the first is applied.
    const Needs needs = {.accounts = {AccountId(1)}, .pending = Ids({5})};
    Plan first = store().MakePlan(needs);
    Plan second = store().MakePlan(needs);
    std::unique_ptr<Fetched> fetched;
    if (!second.complete) fetched = *store().Fetch(second.missing);
    ASSERT_TRUE(applier_.Install(std::move(first)));
    uint64_t balance = 0;
    const auto add = [&](StateView& view) {
      const Account* account = view.FindAccount(AccountId(1));
      if (balance != 0) {
        EXPECT_EQ(account->debits_posted, Amount(balance));
      }
      Account next = *account;
      balance = static_cast<uint64_t>(next.debits_posted.value()) + 1;
      next.debits_posted = Amount(balance);
      view.UpdateAccount(account, next);
    };
    add(store().view());
    applier_.Finish();
    ASSERT_TRUE(store().Install(std::move(second), std::move(fetched)));
    add(store().view());
    applier_.Finish();
  });
}

TEST_P(StateStoreTest, APlanIsMadeAgainWhenMemoryWasDropped) {
  CreateAccounts();
  Create({NewTransfer(5, 3)});
  ASSERT_TRUE(applier_.Checkpoint().ok());
  const Needs needs = {.accounts = {AccountId(1)}, .transfers = Ids({5})};
  Plan plan = store().MakePlan(needs);
  for (int i = 0; i < 2; ++i) {
    applier_.Apply({}, [](StateView&) {});
    ASSERT_TRUE(applier_.Checkpoint().ok());
  }
  if (!applier_.Install(std::move(plan))) {
    ASSERT_TRUE(applier_.Install(store().MakePlan(needs)));
  }
  ASSERT_NE(store().view().FindAccount(AccountId(1)), nullptr);
  EXPECT_EQ(*store().view().FindTransfer(TransferId(5)), NewTransfer(5, 3));
  applier_.Finish();
}

// However often it has left memory; also when nothing is applied meanwhile.
TEST_P(StateStoreTest, AnAccountComesBackAsItWasLeft) {
  CreateAccounts();
  for (uint64_t round = 1; round <= 12; ++round) {
    applier_.Apply({.accounts = {AccountId(1)}}, [&](StateView& view) {
      const Account* account = view.FindAccount(AccountId(1));
      ASSERT_NE(account, nullptr);
      EXPECT_EQ(account->debits_posted, Amount(round - 1));
      Account next = *account;
      next.debits_posted = Amount(round);
      view.UpdateAccount(account, next);
    });
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(applier_.Checkpoint().ok());
      if (round % 2 == 0) applier_.Apply({}, [](StateView&) {});
    }
    const auto found = applier_.LookupAccounts({AccountId(1)}).rows;
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].debits_posted, Amount(round));
  }
}

// What a retry reads, a post must find whole, though its accounts were read by
// an older entry and that has left memory since.
TEST_P(StateStoreTest, ATransferThatWasReadKeepsItsAccounts) {
  CreateAccounts();
  Create({NewPending(5, 3, 0)});
  ASSERT_TRUE(applier_.Checkpoint().ok());
  tested_->Crash();
  applier_.Apply({.accounts = {AccountId(1), AccountId(2)}},
                 [](StateView& view) { view.FindAccount(AccountId(1)); });
  ASSERT_TRUE(applier_.Checkpoint().ok());
  applier_.Apply({.transfers = Ids({5})}, [](StateView& view) {
    ASSERT_NE(view.FindTransfer(TransferId(5)), nullptr);
  });
  ASSERT_TRUE(applier_.Checkpoint().ok());
  applier_.Apply({.pending = Ids({5})}, [](StateView& view) {
    ASSERT_NE(view.FindTransfer(TransferId(5)), nullptr);
    EXPECT_NE(view.FindAccount(AccountId(1)), nullptr);
    EXPECT_NE(view.FindAccount(AccountId(2)), nullptr);
  });
}

TEST_P(StateStoreTest, ACrashGoesBackToTheLastWrittenCheckpoint) {
  CreateAccounts();
  ASSERT_TRUE(applier_.Checkpoint().ok());
  const AppliedPoint first = store().applied();
  const Uint128 first_hash = store().state_hash();
  const auto expect_first = [&] {
    EXPECT_EQ(store().applied(), first);
    EXPECT_EQ(store().checkpoint(), first);
    EXPECT_TRUE(store().state_hash() == first_hash);
    EXPECT_TRUE(applier_.LookupTransfers(Ids({5})).rows.empty());
    EXPECT_EQ(store().view().newest_transfer_timestamp(), Timestamp(0));
  };
  Create({NewTransfer(5, 3)});
  tested_->Crash();
  expect_first();
  Create({NewTransfer(5, 3)});
  store().Freeze();
  EXPECT_EQ(store().checkpoint(), first);
  tested_->Crash();
  expect_first();
  Create({NewTransfer(5, 3)});
  const AppliedPoint second = store().applied();
  store().Freeze();
  ASSERT_TRUE(store().WriteCheckpoint().ok());
  EXPECT_EQ(store().checkpoint(), first);
  tested_->Crash();
  EXPECT_EQ(store().applied(), second);
  EXPECT_EQ(store().checkpoint(), second);
  EXPECT_EQ(applier_.LookupTransfers(Ids({5})).rows.size(), 1);
}

TEST_P(StateStoreTest, TheDeltaEmptiesWhenItIsFrozen) {
  const uint64_t empty = store().delta_bytes();
  CreateAccounts();
  Create({NewTransfer(5, 3)});
  EXPECT_GE(store().delta_bytes(), empty + 3 * sizeof(Account));
  store().Freeze();
  EXPECT_EQ(store().delta_bytes(), empty);
}

INSTANTIATE_TEST_SUITE_P(All, StateStoreTest,
                         testing::ValuesIn(AllStoreKinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace

void PrintTo(const StoreKind& kind, std::ostream* out) { *out << kind.name; }

}  // namespace ledgerd::storage
