// What tables do not say: what the ledger asks of its state, how often, and in
// which order; full batches.
#include "server/ledger/ledger.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "absl/types/span.h"
#include <gtest/gtest.h>

#include "proto/base/test_seed.h"
#include "proto/system_limits.h"
#include "server/ledger/ledger_testing.h"
#include "storage/memory_state_store.h"

namespace ledgerd::server {
namespace {

Account MakeAccount(uint64_t id, uint16_t flags = 0) {
  Account account;
  account.id = AccountId(id);
  account.ledger = 1;
  account.code = 1;
  account.flags = flags;
  return account;
}

Transfer MakeTransfer(uint64_t id, uint64_t amount, uint16_t flags = 0) {
  Transfer transfer;
  transfer.id = TransferId(id);
  transfer.debit_account_id = AccountId(1);
  transfer.credit_account_id = AccountId(2);
  transfer.amount = Amount(amount);
  transfer.ledger = 1;
  transfer.code = 1;
  transfer.flags = flags;
  return transfer;
}

Transfer MakePost(uint64_t id, uint64_t pending_id, uint16_t flags) {
  Transfer transfer;
  transfer.id = TransferId(id);
  transfer.pending_id = TransferId(pending_id);
  transfer.amount =
      (flags & transfer_flags::kPostPending) != 0 ? kAmountMax : Amount(0);
  transfer.flags = flags;
  return transfer;
}

template <typename Row>
Entry MakeEntry(EntryKind kind, const std::vector<Row>& rows) {
  return Entry::Seal(MakeCommand(kind, absl::MakeConstSpan(rows)), Epoch(1),
                     Timestamp(1'000'000), EntryId{});
}

// ---- needs

TEST(NeedsOf, AccountsNeedTheirIdsAndImportedOnesTheirTimestamps) {
  Account imported = MakeAccount(2, account_flags::kImported);
  imported.timestamp = Timestamp(77);
  const storage::Needs needs =
      NeedsOf(MakeEntry(EntryKind::kCreateAccounts,
                        std::vector<Account>{MakeAccount(1), imported}));
  EXPECT_EQ(needs.accounts,
            (std::vector<AccountId>{AccountId(1), AccountId(2)}));
  EXPECT_EQ(needs.timestamps, std::vector<Timestamp>{Timestamp(77)});
  EXPECT_TRUE(needs.transfers.empty());
  EXPECT_TRUE(needs.pending.empty());
  EXPECT_EQ(needs.due_limit, 0);
}

TEST(NeedsOf, APostNeedsItsPendingTransferInsteadOfAccounts) {
  const storage::Needs needs = NeedsOf(MakeEntry(
      EntryKind::kCreateTransfers,
      std::vector<Transfer>{MakeTransfer(7, 1),
                            MakePost(8, 6, transfer_flags::kPostPending)}));
  EXPECT_EQ(needs.transfers,
            (std::vector<TransferId>{TransferId(7), TransferId(8)}));
  EXPECT_EQ(needs.accounts,
            (std::vector<AccountId>{AccountId(1), AccountId(2)}));
  EXPECT_EQ(needs.pending, std::vector<TransferId>{TransferId(6)});
  EXPECT_TRUE(needs.timestamps.empty());
}

TEST(NeedsOf, AnExpireEntryNeedsWhatIsDue) {
  const Entry entry = Entry::Seal(MakeExpireCommand(), Epoch(1),
                                  Timestamp(1'000'000), EntryId{});
  const storage::Needs needs = NeedsOf(entry);
  EXPECT_EQ(needs.due_at, entry.timestamp());
  EXPECT_EQ(needs.due_limit, kMaxBatchSize);
}

TEST(Apply, AnEpochStartDoesNothing) {
  const Entry entry = Entry::Seal(Command{}, Epoch(1), Timestamp(5), EntryId{});
  EXPECT_TRUE(NeedsOf(entry).accounts.empty());
  storage::MemoryStateStore store;
  const EntryResult result = Apply(entry, store.view());
  EXPECT_EQ(result.sequence, Sequence(1));
  EXPECT_TRUE(result.accounts.empty() && result.transfers.empty());
  EXPECT_TRUE(store.state_hash() == 0);
}

// ---- what a transfer costs

// Counts the calls that reach another view.
class CountingView final : public storage::StateView {
 public:
  explicit CountingView(storage::StateView& view) : view_(view) {}

  int finds_of_accounts = 0;
  int finds_of_ids = 0;
  int inserts = 0;
  int updates = 0;
  int events = 0;
  int others = 0;

  const Account* FindAccount(AccountId id) override {
    ++finds_of_accounts;
    return view_.FindAccount(id);
  }

  void InsertAccount(const Account& account) override {
    ++others;
    view_.InsertAccount(account);
  }

  void UpdateAccount(const Account* account, const Account& next) override {
    ++updates;
    view_.UpdateAccount(account, next);
  }

  void UndoInsertAccount(AccountId id, Timestamp newest) override {
    ++others;
    view_.UndoInsertAccount(id, newest);
  }

  storage::TransferIdState FindTransferId(TransferId id) override {
    ++finds_of_ids;
    return view_.FindTransferId(id);
  }

  const Transfer* FindTransfer(TransferId id) override {
    ++others;
    return view_.FindTransfer(id);
  }

  void InsertTransfer(const Transfer& transfer) override {
    ++inserts;
    view_.InsertTransfer(transfer);
  }

  void UndoInsertTransfer(TransferId id, Timestamp newest) override {
    ++others;
    view_.UndoInsertTransfer(id, newest);
  }

  void KeepFailedId(TransferId id, TransferStatus status) override {
    ++others;
    view_.KeepFailedId(id, status);
  }

  PendingState GetPendingState(const Transfer& pending) override {
    ++others;
    return view_.GetPendingState(pending);
  }

  void SetPendingState(const Transfer& pending, PendingState state) override {
    ++others;
    view_.SetPendingState(pending, state);
  }

  std::vector<TransferId> FindDue(Timestamp now, size_t limit) override {
    ++others;
    return view_.FindDue(now, limit);
  }

  Timestamp newest_account_timestamp() const override {
    return view_.newest_account_timestamp();
  }

  Timestamp newest_transfer_timestamp() const override {
    return view_.newest_transfer_timestamp();
  }

  bool HasAccountAt(Timestamp timestamp) override {
    ++others;
    return view_.HasAccountAt(timestamp);
  }

  bool HasTransferAt(Timestamp timestamp) override {
    ++others;
    return view_.HasTransferAt(timestamp);
  }

  void AppendEvent(const storage::Event& event) override {
    ++events;
    view_.AppendEvent(event);
  }

  storage::EventMark MarkEvents() const override { return view_.MarkEvents(); }

  void UndoEvents(const storage::EventMark& mark) override {
    ++others;
    view_.UndoEvents(mark);
  }

  void AppendIncidents(Sequence sequence, absl::string_view payload) override {
    ++others;
    view_.AppendIncidents(sequence, payload);
  }

 private:
  storage::StateView& view_;
};

TEST(Apply, ASinglePhaseTransferCostsSevenCallsOfTheView) {
  storage::MemoryStateStore store;
  for (const uint64_t id : {1, 2}) {
    Account account = MakeAccount(id);
    account.timestamp = Timestamp(id);
    store.view().InsertAccount(account);
  }
  std::vector<Transfer> transfers;
  for (uint64_t id = 1; id <= 10; ++id) {
    transfers.push_back(MakeTransfer(id, 3));
  }
  CountingView view(store.view());
  Apply(MakeEntry(EntryKind::kCreateTransfers, transfers), view);
  EXPECT_EQ(view.finds_of_ids, 10);
  EXPECT_EQ(view.finds_of_accounts, 20);
  EXPECT_EQ(view.inserts, 10);
  EXPECT_EQ(view.events, 10);
  EXPECT_EQ(view.updates, 20);
  EXPECT_EQ(view.others, 0);
}

// ---- full batches

constexpr uint64_t kSecond = kNanosPerSecond;

// Accounts 1 and 2, at the first second.
void CreateTwoAccounts(LedgerTester& tester) {
  tester.CreateAccounts({MakeAccount(1), MakeAccount(2)}, Timestamp(kSecond));
}

TEST(Apply, AFullBatchInOneChainIsUndoneByItsLast) {
  LedgerTester tester;
  CreateTwoAccounts(tester);
  std::vector<Transfer> chain;
  for (uint64_t id = 1; id < kMaxBatchSize; ++id) {
    chain.push_back(MakeTransfer(id, id, transfer_flags::kLinked));
  }
  chain.push_back(MakeTransfer(0, 1));
  const storage::MemoryState before = tester.state();
  const EntryResult result =
      tester.CreateTransfers(chain, Timestamp(2 * kSecond));
  EXPECT_EQ(result.transfers.size(), kMaxBatchSize);
  EXPECT_EQ(result.transfers.front().status,
            TransferStatus::kLinkedEventFailed);
  EXPECT_EQ(result.transfers.back().status, TransferStatus::kIdMustNotBeZero);
  EXPECT_EQ(tester.state().accounts(), before.accounts());
  EXPECT_TRUE(tester.state().transfers().empty());
}

// ---- chains

// A chain of random holds, posts, voids and payments over few ids. What breaks
// it may be any of them; its last surely does, and keeps no id.
std::vector<Transfer> RandomBrokenChain(std::mt19937_64& random) {
  constexpr uint16_t kModes[] = {0, transfer_flags::kPending,
                                 transfer_flags::kPostPending,
                                 transfer_flags::kVoidPending};
  std::vector<Transfer> chain;
  const uint64_t size = 1 + random() % 12;
  for (uint64_t i = 0; i < size; ++i) {
    const uint16_t mode = kModes[random() % 4];
    const uint64_t id = 1000 + random() % 1000;
    const bool resolves = mode > transfer_flags::kPending;
    // Pending ids: the first holds, or one that this chain may have made.
    const uint64_t pending_id =
        random() % 2 == 0 || chain.empty()
            ? 1 + random() % 20
            : static_cast<uint64_t>(chain[random() % chain.size()].id.value());
    Transfer transfer = resolves ? MakePost(id, pending_id, mode)
                                 : MakeTransfer(id, random() % 9, mode);
    if (mode == transfer_flags::kPending) {
      transfer.timeout_seconds = static_cast<uint32_t>(random() % 3);
      if (random() % 4 == 0) transfer.flags |= transfer_flags::kClosingDebit;
    }
    transfer.flags |= transfer_flags::kLinked;
    chain.push_back(transfer);
  }
  chain.push_back(MakeTransfer(0, 1));
  return chain;
}

TEST(Apply, ABrokenChainLeavesNothingButItsBreakersId) {
  const uint64_t seed = TestSeed();
  std::mt19937_64 random(seed);
  LedgerTester tester;
  CreateTwoAccounts(tester);
  std::vector<Transfer> holds;
  for (uint64_t id = 1; id <= 20; ++id) {
    holds.push_back(MakeTransfer(id, id, transfer_flags::kPending));
    holds.back().timeout_seconds = id % 2 == 0 ? 3600 : 0;
  }
  tester.CreateTransfers(holds, Timestamp(2 * kSecond));
  for (uint64_t round = 0; round < 200; ++round) {
    const storage::MemoryState before = tester.state();
    tester.CreateTransfers(RandomBrokenChain(random),
                           Timestamp(3 * kSecond + round * 100));
    const storage::MemoryState& after = tester.state();
    EXPECT_EQ(after.accounts(), before.accounts());
    EXPECT_EQ(after.transfers(), before.transfers());
    EXPECT_EQ(after.pending_states(), before.pending_states());
    EXPECT_EQ(after.next_expiry(), before.next_expiry());
    EXPECT_EQ(after.newest_transfer_timestamp(),
              before.newest_transfer_timestamp());
    EXPECT_LE(after.failed_ids().size(), before.failed_ids().size() + 1);
  }
  tester.CheckReplay();
}

}  // namespace
}  // namespace ledgerd::server
