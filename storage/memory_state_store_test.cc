#include "storage/memory_state_store.h"

#include <utility>

#include "gtest/gtest.h"

#include "storage/state_store_testing.h"

namespace ledgerd::storage {
namespace {

class Tested final : public TestedStore {
 public:
  explicit Tested(MemoryStateStore::Options options) : memory(options) {}

  StateStore& get() override { return memory; }

  void Crash() override { memory.Crash(); }

  MemoryStateStore memory;
};

Account NewAccount(uint64_t id, uint64_t timestamp) {
  Account account;
  account.id = AccountId(id);
  account.ledger = 1;
  account.code = 1;
  account.timestamp = Timestamp(timestamp);
  return account;
}

TEST(MemoryStateStoreTest, WriteCheckpointFailsAsToldAndCanBeRepeated) {
  Tested tested({});
  EntryApplier applier(tested);
  applier.Apply({.accounts = {AccountId(1)}},
                [](StateView& v) { v.InsertAccount(NewAccount(1, 1)); });
  tested.memory.FailNextWriteCheckpoint(absl::ResourceExhaustedError("full"));
  EXPECT_TRUE(absl::IsResourceExhausted(applier.Checkpoint()));
  EXPECT_TRUE(tested.memory.disk()->accounts().empty());
  EXPECT_TRUE(tested.memory.WriteCheckpoint().ok());
  tested.memory.FinishCheckpoint();
  EXPECT_EQ(tested.memory.disk()->accounts().size(), 1);
  EXPECT_EQ(tested.memory.checkpoint(), tested.memory.applied());
}

TEST(MemoryStateStoreTest, OtherErrorsStickUntilTheCrash) {
  Tested tested({});
  EntryApplier applier(tested);
  applier.Apply({}, [](StateView&) {});
  tested.memory.FailNextWriteCheckpoint(absl::InternalError("broken"));
  EXPECT_TRUE(absl::IsInternal(applier.Checkpoint()));
  EXPECT_TRUE(absl::IsInternal(tested.memory.WriteCheckpoint()));
  tested.Crash();
  EXPECT_EQ(tested.memory.applied(), AppliedPoint());
  applier.Apply({}, [](StateView&) {});
  EXPECT_TRUE(applier.Checkpoint().ok());
}

TEST(MemoryStateStoreTest, FetchFailsAsTold) {
  MemoryStateStore store({.cold = true});
  store.FailNextFetch(absl::DataLossError("rot"));
  const Plan plan = store.MakePlan({.accounts = {AccountId(1)}});
  ASSERT_FALSE(plan.complete);
  EXPECT_TRUE(absl::IsDataLoss(store.Fetch(plan.missing).status()));
  EXPECT_TRUE(store.Fetch(plan.missing).ok());
}

TEST(MemoryStateStoreTest, AColdStoreDropsPlansAtACheckpoint) {
  Tested tested({.cold = true});
  EntryApplier applier(tested);
  applier.Apply({}, [](StateView&) {});
  Plan plan = tested.memory.MakePlan({.accounts = {AccountId(1)}});
  EXPECT_TRUE(applier.Checkpoint().ok());
  EXPECT_FALSE(applier.Install(std::move(plan)));
}

TEST(MemoryStateStoreDeathTest, AColdStoreShowsOnlyWhatIsNeeded) {
  Tested tested({.cold = true});
  EntryApplier applier(tested);
  applier.Apply({.accounts = {AccountId(1)}},
                [](StateView& v) { v.InsertAccount(NewAccount(1, 1)); });
  StateView& view = tested.memory.view();
  EXPECT_DEATH(view.FindAccount(AccountId(1)), "not among");
  EXPECT_DEATH(view.FindTransferId(TransferId(1)), "not among");
  EXPECT_DEATH(view.HasAccountAt(Timestamp(1)), "not among");
  EXPECT_DEATH(view.FindDue(Timestamp(1), 1), "not among");
}

TEST(MemoryStateStoreDeathTest, ImmutableFieldsDoNotChange) {
  MemoryState state;
  state.InsertAccount(NewAccount(1, 1));
  Account next = *state.FindAccount(AccountId(1));
  next.code = 2;
  EXPECT_DEATH(state.UpdateAccount(state.FindAccount(AccountId(1)), next),
               "immutable");
}

TEST(MemoryStateTest, TheHashIsThatOfAScanAndUndoBringsItBack) {
  MemoryState state;
  state.InsertAccount(NewAccount(1, 1));
  state.InsertAccount(NewAccount(2, 2));
  const Uint128 before = state.hash();
  Transfer transfer;
  transfer.id = TransferId(9);
  transfer.flags = transfer_flags::kPending;
  transfer.timeout_seconds = 1;
  transfer.timestamp = Timestamp(3);
  state.InsertTransfer(transfer);
  EXPECT_EQ(state.next_expiry(), Timestamp(kNanosPerSecond + 3));
  state.SetPendingState(transfer, PendingState::kVoided);
  EXPECT_EQ(state.next_expiry(), Timestamp(0));
  EXPECT_EQ(state.hash(), state.Scan());
  state.SetPendingState(transfer, PendingState::kPending);
  state.UndoInsertTransfer(transfer.id, Timestamp(0));
  EXPECT_EQ(state.hash(), before);
  EXPECT_TRUE(state.FindTransferId(transfer.id).free());
  EXPECT_EQ(state.next_expiry(), Timestamp(0));
}

TEST(MemoryStateTest, VerifyNamesTheLedgerThatDoesNotBalance) {
  MemoryState state;
  state.InsertAccount(NewAccount(1, 1));
  EXPECT_TRUE(state.Verify().ok());
  Account next = *state.FindAccount(AccountId(1));
  next.debits_posted = Amount(5);
  state.UpdateAccount(state.FindAccount(AccountId(1)), next);
  EXPECT_NE(state.Verify().message().find("ledger 1"), absl::string_view::npos);
}

}  // namespace
}  // namespace ledgerd::storage
