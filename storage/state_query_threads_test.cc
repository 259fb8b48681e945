// Queries end on threads of their own while entries are applied, checkpoints
// written and id runs merged; each finds what was there when it began.
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "proto/base/mutex.h"
#include "storage/state_store_harness.h"
#include "storage/state_store_testing.h"

namespace ledgerd::storage {
namespace {

constexpr uint64_t kAccounts = 5;
constexpr uint64_t kBatch = 500;
constexpr uint64_t kEntries = 60;

// The state is a function of how many transfers there are. Number n, from 1,
// has the timestamp kAccounts + n, debits account 1 or 2, credits account 3,
// and is of code 1 to 7; those of code 7 are pending, and the batch after
// theirs voids them.
struct Query {
  uint64_t transfers = 0;
  std::unique_ptr<Lookup<Account>> accounts;
  std::unique_ptr<Lookup<Transfer>> debits;
  std::unique_ptr<Lookup<Transfer>> codes;
};

Transfer TransferNumber(uint64_t n) {
  Transfer transfer;
  transfer.id = TransferId(n);
  transfer.debit_account_id = AccountId(1 + n % 2);
  transfer.credit_account_id = AccountId(3);
  transfer.amount = Amount(1);
  transfer.ledger = 1;
  transfer.code = static_cast<uint16_t>(1 + n % 7);
  transfer.flags = transfer.code == 7 ? transfer_flags::kPending : 0;
  transfer.timestamp = Timestamp(kAccounts + n);
  return transfer;
}

// Of `transfers`, those of account 2 are every second one.
void Check(Query& query) {
  const auto accounts = query.accounts->Finish();
  ASSERT_TRUE(accounts.ok()) << accounts.status();
  ASSERT_EQ(accounts->rows.size(), kAccounts);
  EXPECT_EQ(accounts->rows[2].credits_posted, Amount(query.transfers));
  EXPECT_EQ(accounts->rows[1].debits_posted, Amount((query.transfers + 1) / 2));
  EXPECT_EQ(accounts->rows[0].debits_posted, Amount(query.transfers / 2));

  const auto debits = query.debits->Finish();
  ASSERT_TRUE(debits.ok()) << debits.status();
  const uint64_t newest =
      query.transfers % 2 == 1 ? query.transfers : query.transfers - 1;
  ASSERT_EQ(debits->rows.size(), std::min<uint64_t>(100, (newest + 1) / 2));
  for (uint64_t i = 0; i < debits->rows.size(); ++i) {
    EXPECT_EQ(debits->rows[i], TransferNumber(newest - 2 * i));
  }

  const auto codes = query.codes->Finish();
  ASSERT_TRUE(codes.ok()) << codes.status();
  uint64_t expected = 0;
  for (uint64_t n = 1; n <= query.transfers; ++n) {
    if (TransferNumber(n).code != 7 || n % 2 != 1) continue;
    ASSERT_LT(expected, codes->rows.size());
    EXPECT_EQ(codes->rows[expected], TransferNumber(n));
    // A batch is voided with the one after it.
    const bool voided = (n - 1) / kBatch + 2 <= query.transfers / kBatch;
    EXPECT_EQ(codes->pending_states[expected],
              voided ? PendingState::kVoided : PendingState::kPending)
        << n << " of " << query.transfers;
    ++expected;
  }
  EXPECT_EQ(codes->rows.size(), expected);
}

class QueryThreadsTest : public testing::Test {
 protected:
  QueryThreadsTest() : tested_(Options()), applier_(tested_) {}

  static RocksDbStateStore::Options Options() {
    RocksDbStateStore::Options options = TinyStateOptions();
    options.rows = {
        .transfers_per_row = 32, .ids_per_row = 128, .index_row_bytes = 64};
    return options;
  }

  void CreateAccounts() {
    Needs needs;
    for (uint64_t id = 1; id <= kAccounts; ++id) {
      needs.accounts.push_back(AccountId(id));
    }
    applier_.Apply(needs, [&](StateView& view) {
      for (uint64_t id = 1; id <= kAccounts; ++id) {
        Account account;
        account.id = AccountId(id);
        account.ledger = 1;
        account.code = 1;
        account.timestamp = Timestamp(id);
        view.InsertAccount(account);
        view.AppendEvent({.type = EventType::kAccountCreated,
                          .timestamp = Timestamp(++event_time_),
                          .debit = EventSideOf(account)});
      }
    });
  }

  // A batch, and the voiding of the one before.
  void ApplyBatch() {
    Needs needs = {.accounts = {AccountId(1), AccountId(2), AccountId(3)}};
    const uint64_t first = transfers_ + 1;
    for (uint64_t n = first; n < first + kBatch; ++n) {
      needs.transfers.push_back(TransferId(n));
    }
    for (uint64_t n = first > kBatch ? first - kBatch : first; n < first; ++n) {
      if (TransferNumber(n).code == 7) needs.pending.push_back(TransferId(n));
    }
    applier_.Apply(needs, [&](StateView& view) {
      for (const TransferId id : needs.pending) {
        view.SetPendingState(*view.FindTransfer(id), PendingState::kVoided);
      }
      for (uint64_t n = first; n < first + kBatch; ++n) {
        Create(view, TransferNumber(n));
      }
    });
    transfers_ += kBatch;
  }

  void Create(StateView& view, const Transfer& transfer) {
    const Account* debit = view.FindAccount(transfer.debit_account_id);
    const Account* credit = view.FindAccount(transfer.credit_account_id);
    Account next = *debit;
    next.debits_posted = Amount(next.debits_posted.value() + 1);
    view.UpdateAccount(debit, next);
    next = *credit;
    next.credits_posted = Amount(next.credits_posted.value() + 1);
    view.UpdateAccount(credit, next);
    view.InsertTransfer(transfer);
    view.AppendEvent({.type = EventType::kSinglePhase,
                      .timestamp = Timestamp(++event_time_),
                      .transfer = transfer.timestamp,
                      .debit = EventSideOf(*debit),
                      .credit = EventSideOf(*credit)});
  }

  Query BeginQuery() {
    StateStore& store = tested_.get();
    QueryFilter accounts;
    accounts.ledger = 1;
    accounts.limit = 100;
    AccountFilter debits = {.account_id = AccountId(2), .credits = false};
    debits.rest.reversed = true;
    debits.rest.limit = 100;
    AccountFilter codes = {.account_id = AccountId(2)};
    codes.rest.code = 7;
    codes.rest.limit = 1'000'000;
    return {transfers_, store.QueryAccounts(accounts),
            store.GetAccountTransfers(debits),
            store.GetAccountTransfers(codes)};
  }

  void Checkpoint() {
    FinishCheckpoint();
    tested_.get().Freeze();
    checkpointer_ =
        std::thread([&] { LEDGERD_CHECK_OK(tested_.get().WriteCheckpoint()); });
  }

  void FinishCheckpoint() {
    if (!checkpointer_.joinable()) return;
    checkpointer_.join();
    tested_.get().FinishCheckpoint();
  }

  TestedRocksDbStore tested_;
  EntryApplier applier_;
  std::thread checkpointer_;
  uint64_t transfers_ = 0;
  uint64_t event_time_ = 0;
};

// Queries on their way to the readers.
class Queue {
 public:
  void Push(Query query) {
    const MutexLock lock(mutex_);
    queries_.push_back(std::move(query));
    changed_.Signal();
  }

  void Close() {
    const MutexLock lock(mutex_);
    closed_ = true;
    changed_.SignalAll();
  }

  // False at the end.
  bool Pop(Query& query) {
    const MutexLock lock(mutex_);
    while (queries_.empty() && !closed_) changed_.Wait(mutex_);
    if (queries_.empty()) return false;
    query = std::move(queries_.front());
    queries_.pop_front();
    return true;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::deque<Query> queries_ LEDGERD_GUARDED_BY(mutex_);
  bool closed_ LEDGERD_GUARDED_BY(mutex_) = false;
};

TEST_F(QueryThreadsTest, FindWhatWasThereWhenTheyBegan) {
  Queue queue;
  std::atomic<int> checked{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      for (Query query; queue.Pop(query); ++checked) Check(query);
    });
  }
  CreateAccounts();
  for (uint64_t i = 0; i < kEntries; ++i) {
    ApplyBatch();
    queue.Push(BeginQuery());
    if (i % 7 == 6) Checkpoint();
  }
  queue.Close();
  for (std::thread& reader : readers) reader.join();
  FinishCheckpoint();
  EXPECT_EQ(checked, static_cast<int>(kEntries));
}

}  // namespace
}  // namespace ledgerd::storage
