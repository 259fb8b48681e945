// What every StateStore keeps while its rows leave memory and come back: plans,
// accounts, what a retry reads, and what a crash goes back to.
#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "storage/state_store_contract.h"

namespace ledgerd::storage {
namespace {

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
}  // namespace ledgerd::storage
