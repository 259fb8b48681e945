// What a query takes, with 1M transfers of 10k accounts on the disk and some
// more in memory.
//
//   bazel run -c opt //storage:state_query_benchmark
//
// The figures that were measured are in README.md.
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "benchmark/benchmark.h"
#include "proto/base/check.h"
#include "proto/types.h"
#include "storage/rocksdb_state_store.h"
#include "storage/state_store_testing.h"

namespace ledgerd::storage {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kAccounts = 10'000;
constexpr uint64_t kTransfers = 1'000'000;
constexpr uint64_t kInMemory = 100'000;
constexpr uint64_t kBatch = 8'000;

// Made once for all benchmarks.
class Filled {
 public:
  Filled() : path_(fs::temp_directory_path() / "ledgerd_query_benchmark") {
    fs::remove_all(path_);
    auto store = RocksDbStateStore::Open(path_.string(), {});
    LEDGERD_CHECK_OK(store.status());
    store_ = *std::move(store);
    CreateAccounts();
    while (number_ < kTransfers) {
      CreateBatch();
      if (store_->delta_bytes() >= RocksDbStateStore::kFreezeBytes) {
        Checkpoint();
      }
    }
    Checkpoint();
    store_->WaitForMerges();
    while (number_ < kTransfers + kInMemory) CreateBatch();
  }

  ~Filled() {
    store_ = nullptr;
    fs::remove_all(path_);
  }

  StateStore& store() { return *store_; }

  uint64_t Random() {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return random_;
  }

  AccountId SomeAccount() { return AccountId(1 + Random() % kAccounts); }

 private:
  void CreateAccounts() {
    StateView& view = store_->view();
    for (uint64_t id = 1; id <= kAccounts; ++id) {
      Account account;
      account.id = AccountId(id);
      account.user_data_32 = static_cast<uint32_t>(id % 100);
      account.ledger = 1;
      account.code = 1;
      account.timestamp = Timestamp(++timestamp_);
      view.InsertAccount(account);
      view.AppendEvent({.type = EventType::kAccountCreated,
                        .timestamp = account.timestamp,
                        .debit = EventSideOf(account)});
    }
    Finish();
  }

  void CreateBatch() {
    Needs needs;
    for (uint64_t id = 1; id <= kAccounts; ++id) {
      needs.accounts.push_back(AccountId(id));
    }
    Plan plan = store_->MakePlan(std::move(needs));
    std::unique_ptr<Fetched> fetched;
    if (!plan.complete) fetched = *store_->Fetch(plan.missing);
    LEDGERD_CHECK(store_->Install(std::move(plan), std::move(fetched)));
    for (uint64_t i = 0; i < kBatch; ++i) Create();
    // As time passes between two batches.
    timestamp_ += 20'000'000;
    Finish();
  }

  void Create() {
    StateView& view = store_->view();
    Transfer transfer;
    transfer.id = TransferId(++number_);
    transfer.debit_account_id = SomeAccount();
    do {
      transfer.credit_account_id = SomeAccount();
    } while (transfer.credit_account_id == transfer.debit_account_id);
    transfer.amount = Amount(1 + Random() % 1000);
    transfer.user_data_64 = Random() % 1000;
    transfer.ledger = 1;
    transfer.code = static_cast<uint16_t>(1 + Random() % 10);
    transfer.timestamp = Timestamp(++timestamp_);
    InsertPayment(view, transfer);
    const Account* debit = view.FindAccount(transfer.debit_account_id);
    const Account* credit = view.FindAccount(transfer.credit_account_id);
    view.AppendEvent({.type = EventType::kSinglePhase,
                      .timestamp = transfer.timestamp,
                      .transfer = transfer.timestamp,
                      .debit = EventSideOf(*debit),
                      .credit = EventSideOf(*credit)});
  }

  void Finish() {
    AppliedPoint point = EntryApplier::NextPoint(store_->applied());
    point.timestamp = Timestamp(timestamp_);
    store_->FinishEntry(point);
  }

  void Checkpoint() {
    store_->Freeze();
    LEDGERD_CHECK_OK(store_->WriteCheckpoint());
    store_->FinishCheckpoint();
  }

  const fs::path path_;
  std::unique_ptr<RocksDbStateStore> store_;
  uint64_t random_ = 88172645463325252;
  uint64_t number_ = 0;
  uint64_t timestamp_ = 0;
};

Filled& Store() {
  static Filled filled;
  return filled;
}

// How many of a query are found, on average.
template <typename Begin>
void Run(benchmark::State& state, const Begin& begin) {
  Store();
  uint64_t found = 0;
  for (auto _ : state) {
    const auto rows = begin()->Finish();
    LEDGERD_CHECK_OK(rows.status());
    found += rows->rows.size();
  }
  state.counters["found"] = benchmark::Counter(
      static_cast<double>(found), benchmark::Counter::kAvgIterations);
}

AccountFilter OfSomeAccount(uint32_t limit) {
  AccountFilter filter = {.account_id = Store().SomeAccount()};
  filter.rest.limit = limit;
  return filter;
}

void BM_AccountTransfers(benchmark::State& state) {
  Run(state,
      [] { return Store().store().GetAccountTransfers(OfSomeAccount(8190)); });
}

void BM_AccountNewestTen(benchmark::State& state) {
  Run(state, [] {
    AccountFilter filter = OfSomeAccount(10);
    filter.rest.reversed = true;
    return Store().store().GetAccountTransfers(filter);
  });
}

// An account's debits and credits of one code.
void BM_AccountAndCode(benchmark::State& state) {
  Run(state, [] {
    AccountFilter filter = OfSomeAccount(8190);
    filter.rest.code = static_cast<uint16_t>(1 + Store().Random() % 10);
    return Store().store().GetAccountTransfers(filter);
  });
}

// One in 10,000 transfers.
void BM_UserDataAndCode(benchmark::State& state) {
  Run(state, [] {
    QueryFilter filter;
    filter.user_data_64 = 1 + Store().Random() % 999;
    filter.code = static_cast<uint16_t>(1 + Store().Random() % 10);
    filter.ledger = 1;
    filter.limit = 8190;
    return Store().store().QueryTransfers(filter);
  });
}

void BM_LedgerNewestTen(benchmark::State& state) {
  Run(state, [] {
    QueryFilter filter;
    filter.ledger = 1;
    filter.reversed = true;
    filter.limit = 10;
    return Store().store().QueryTransfers(filter);
  });
}

// One in 100 accounts, with their balances.
void BM_Accounts(benchmark::State& state) {
  Run(state, [] {
    QueryFilter filter;
    filter.user_data_32 = static_cast<uint32_t>(1 + Store().Random() % 99);
    filter.limit = 8190;
    return Store().store().QueryAccounts(filter);
  });
}

// What the replica's thread does for one query.
void BM_Begin(benchmark::State& state) {
  Store();
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        Store().store().GetAccountTransfers(OfSomeAccount(10)));
  }
}

BENCHMARK(BM_AccountTransfers)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_AccountNewestTen)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_AccountAndCode)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_UserDataAndCode)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_LedgerNewestTen)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Accounts)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Begin)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ledgerd::storage

BENCHMARK_MAIN();
