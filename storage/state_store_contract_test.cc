// What every StateStore does, simulated or real: state_store.h and
// state_view.h.
//
// Most tests look at the same things at every stage that a state goes through
// on its way to the disk: in the active delta, frozen, written, shown, dropped
// from memory, and after a crash.
#include "storage/state_store_contract.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace ledgerd::storage {
namespace {

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

TEST_P(StateStoreTest, KeepsWhatIsToldOfIncidents) {
  std::vector<IncidentsRow> expected;
  const auto append = [&](const std::string& payload) {
    const Sequence sequence = store().applied().entry.sequence.Next();
    expected.push_back({sequence, payload});
    applier_.Apply(
        {}, [&](StateView& view) { view.AppendIncidents(sequence, payload); });
  };
  const Uint128 before = store().state_hash();
  append("first");
  append("second");
  EXPECT_FALSE(store().state_hash() == before);
  AtEveryStage([&] {
    EXPECT_EQ(applier_.ReadIncidents(), expected);
    EXPECT_EQ(applier_.ReadIncidents(expected[0].sequence),
              std::vector<IncidentsRow>({expected[1]}));
    EXPECT_TRUE(applier_.ReadIncidents(expected[1].sequence).empty());
  });
  // Above what is on the disk already; a read that has begun does not see it.
  const auto begun = store().ReadIncidents(Sequence(0));
  const auto seen = expected;
  append("third");
  EXPECT_EQ(applier_.ReadIncidents(), expected);
  EXPECT_EQ(begun->Finish()->rows, seen);
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

INSTANTIATE_TEST_SUITE_P(All, StateStoreTest,
                         testing::ValuesIn(AllStoreKinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace ledgerd::storage
