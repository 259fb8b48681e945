// Reads of every kind end on threads of their own while entries are applied,
// checkpoints written and id runs merged: the files say that they were; each
// finds what was there when it began.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "rocksdb/file_system.h"

#include "proto/base/check.h"
#include "proto/base/mutex.h"
#include "storage/hooked_files.h"
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
// theirs voids them. Entry 1 makes the accounts, each after it a batch, and
// each transfer is an event. Account 2 keeps its history.
struct Query {
  uint64_t transfers = 0;
  std::unique_ptr<Lookup<Account>> accounts;
  std::unique_ptr<Lookup<Transfer>> debits;
  std::unique_ptr<Lookup<Transfer>> codes;
  std::unique_ptr<Lookup<Transfer>> transfers_of_code;
  std::unique_ptr<Lookup<AccountBalances>> balances;
  std::unique_ptr<Lookup<Account>> found_accounts;
  std::unique_ptr<Lookup<Transfer>> found_transfers;
  // Of the transfers from this one on.
  uint64_t first_event = 0;
  std::unique_ptr<EventRead> events;
};

constexpr uint16_t kQueryCode = 5;
constexpr uint32_t kQueryLimit = 100;
constexpr uint32_t kBalancesLimit = 100;
constexpr uint16_t kBalancesCode = 3;
constexpr size_t kEventsLimit = 700;
// How many batches before the last one events are read from: of those that are
// in memory still, and of those that are not.
constexpr uint64_t kBatchesBack = 9;

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

// When there are so many.
PendingState StateOfNumber(uint64_t n, uint64_t transfers) {
  if (TransferNumber(n).code != 7) return PendingState::kNone;
  // A batch is voided with the one after it.
  const bool voided = (n - 1) / kBatch + 2 <= transfers / kBatch;
  return voided ? PendingState::kVoided : PendingState::kPending;
}

// What accounts 1 and 2 have debited after transfer n.
Amount DebitsAfter(AccountId account, uint64_t n) {
  return Amount(account == AccountId(2) ? (n + 1) / 2 : n / 2);
}

void CheckBalances(Query& query) {
  const auto balances = query.balances->Finish();
  ASSERT_TRUE(balances.ok()) << balances.status();
  std::vector<AccountBalances> expected;
  for (uint64_t n = query.transfers; n > 0; --n) {
    const Transfer transfer = TransferNumber(n);
    if (transfer.debit_account_id != AccountId(2) ||
        transfer.code != kBalancesCode || expected.size() == kBalancesLimit) {
      continue;
    }
    expected.push_back({.debits_posted = DebitsAfter(AccountId(2), n),
                        .timestamp = transfer.timestamp});
  }
  EXPECT_TRUE(balances->rows == expected)
      << balances->rows.size() << " rows of " << query.transfers;
}

// Of all accounts, newest first.
void CheckTransfers(Query& query) {
  const auto found = query.transfers_of_code->Finish();
  ASSERT_TRUE(found.ok()) << found.status();
  std::vector<Transfer> expected;
  for (uint64_t n = query.transfers; n > 0 && expected.size() < kQueryLimit;
       --n) {
    const Transfer transfer = TransferNumber(n);
    if (transfer.code == kQueryCode) expected.push_back(transfer);
  }
  EXPECT_TRUE(found->rows == expected)
      << found->rows.size() << " rows of " << query.transfers;
}

void CheckLookups(Query& query) {
  const auto accounts = query.found_accounts->Finish();
  ASSERT_TRUE(accounts.ok()) << accounts.status();
  ASSERT_EQ(accounts->rows.size(), 2u);
  EXPECT_EQ(accounts->rows[0].credits_posted, Amount(query.transfers));
  EXPECT_EQ(accounts->rows[1].debits_posted,
            DebitsAfter(AccountId(2), query.transfers));

  const auto transfers = query.found_transfers->Finish();
  ASSERT_TRUE(transfers.ok()) << transfers.status();
  // Not the one that was made after the look-up began.
  const std::vector<uint64_t> numbers = {query.transfers, 1,
                                         query.transfers / 2};
  ASSERT_EQ(transfers->rows.size(), numbers.size());
  ASSERT_EQ(transfers->pending_states.size(), numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_EQ(transfers->rows[i], TransferNumber(numbers[i]));
    EXPECT_EQ(transfers->pending_states[i],
              StateOfNumber(numbers[i], query.transfers))
        << numbers[i] << " of " << query.transfers;
  }
}

void CheckEvents(Query& query) {
  const auto events = query.events->Finish();
  ASSERT_TRUE(events.ok()) << events.status();
  uint64_t n = query.first_event;
  for (const EntryEvents& entry : events->entries) {
    for (const WatchedEvent& event : entry.events) {
      ASSERT_EQ(entry.sequence, Sequence(2 + (n - 1) / kBatch));
      ASSERT_EQ(event.transfer, TransferNumber(n));
      ASSERT_EQ(event.debit.id, event.transfer.debit_account_id);
      ASSERT_EQ(event.debit.debits_posted, DebitsAfter(event.debit.id, n));
      ASSERT_EQ(event.credit.credits_posted, Amount(n));
      ++n;
    }
  }
  const uint64_t last =
      std::min<uint64_t>(query.transfers, query.first_event + kEventsLimit - 1);
  EXPECT_EQ(n, last + 1) << "of " << query.transfers;
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
    EXPECT_EQ(codes->pending_states[expected],
              StateOfNumber(n, query.transfers))
        << n << " of " << query.transfers;
    ++expected;
  }
  EXPECT_EQ(codes->rows.size(), expected);

  CheckTransfers(query);
  CheckBalances(query);
  CheckLookups(query);
  CheckEvents(query);
}

// Knows what is being written while somebody reads.
class Meetings final : public FileHooks {
 public:
  // While one of them exists, somebody reads.
  class Reading {
   public:
    explicit Reading(Meetings& meetings) : meetings_(meetings) {
      ++meetings_.readers_;
    }

    ~Reading() { --meetings_.readers_; }

    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

   private:
    Meetings& meetings_;
  };

  // Of the thread that writes checkpoints; merges have one of their own.
  static thread_local bool writes_checkpoints;

  int checkpoints() const { return checkpoints_; }

  int merges() const { return merges_; }

  // A table is begun: RocksDB itself makes none there.
  rocksdb::IOStatus Begin(const FileOperation& operation) override {
    if (operation.kind == FileOperation::Kind::kCreate && readers_ > 0 &&
        absl::StrContains(operation.path, "/incoming/")) {
      ++(writes_checkpoints ? checkpoints_ : merges_);
    }
    return rocksdb::IOStatus::OK();
  }

  void End(const FileOperation&, const rocksdb::IOStatus&) override {}

 private:
  std::atomic<int> readers_{0};
  std::atomic<int> checkpoints_{0};
  std::atomic<int> merges_{0};
};

thread_local bool Meetings::writes_checkpoints = false;

class QueryThreadsTest : public testing::Test {
 protected:
  RocksDbStateStore::Options Options() {
    RocksDbStateStore::Options options = TinyStateOptions();
    options.database.files =
        NewHookedFiles(rocksdb::FileSystem::Default(), meetings_);
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
        account.flags = id == 2 ? account_flags::kHistory : 0;
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
    Account debited = *debit;
    debited.debits_posted = Amount(debited.debits_posted.value() + 1);
    view.UpdateAccount(debit, debited);
    Account credited = *credit;
    credited.credits_posted = Amount(credited.credits_posted.value() + 1);
    view.UpdateAccount(credit, credited);
    view.InsertTransfer(transfer);
    view.AppendEvent({.type = EventType::kSinglePhase,
                      .timestamp = Timestamp(++event_time_),
                      .transfer = transfer.timestamp,
                      .debit = EventSideOf(debited),
                      .credit = EventSideOf(credited)});
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
    QueryFilter transfers;
    transfers.code = kQueryCode;
    transfers.reversed = true;
    transfers.limit = kQueryLimit;
    AccountFilter balances = {.account_id = AccountId(2)};
    balances.rest.code = kBalancesCode;
    balances.rest.reversed = true;
    balances.rest.limit = kBalancesLimit;
    const uint64_t batch = transfers_ / kBatch;
    const uint64_t first_batch = batch - std::min(batch - 1, kBatchesBack);
    return {.transfers = transfers_,
            .accounts = store.QueryAccounts(accounts),
            .debits = store.GetAccountTransfers(debits),
            .codes = store.GetAccountTransfers(codes),
            .transfers_of_code = store.QueryTransfers(transfers),
            .balances = store.GetAccountBalances(balances),
            .found_accounts = store.LookupAccounts(
                {AccountId(3), AccountId(99), AccountId(2)}),
            .found_transfers = store.LookupTransfers(
                {TransferId(transfers_), TransferId(transfers_ + 1),
                 TransferId(1), TransferId(transfers_ / 2)}),
            .first_event = (first_batch - 1) * kBatch + 1,
            .events =
                store.ReadEvents({Sequence(first_batch + 1), 0}, kEventsLimit)};
  }

  void Checkpoint() {
    FinishCheckpoint();
    tested_.get().Freeze();
    checkpointer_ = std::thread([&] {
      Meetings::writes_checkpoints = true;
      LEDGERD_CHECK_OK(tested_.get().WriteCheckpoint());
    });
  }

  void FinishCheckpoint() {
    if (!checkpointer_.joinable()) return;
    checkpointer_.join();
    tested_.get().FinishCheckpoint();
  }

  const std::shared_ptr<Meetings> meetings_ = std::make_shared<Meetings>();
  TestedRocksDbStore tested_{Options()};
  EntryApplier applier_{tested_};
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
      for (Query query; queue.Pop(query); ++checked) {
        const Meetings::Reading reading(*meetings_);
        Check(query);
      }
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
  EXPECT_GT(meetings_->checkpoints(), 0) << "none was written during a read";
  EXPECT_GT(meetings_->merges(), 0) << "none was made during a read";
  std::cout << "tables begun during reads: " << meetings_->checkpoints()
            << " of checkpoints, " << meetings_->merges() << " of merges\n";
}

}  // namespace
}  // namespace ledgerd::storage
