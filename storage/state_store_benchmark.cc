// What the state of one transfer costs: CPU and bytes written, with
// checkpoints, merges and compactions, without a ledger's rules.
//
//   bazel run -c opt //storage:state_store_benchmark
//
// The figures that were measured are in README.md.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "benchmark/benchmark.h"
#include "proto/base/check.h"
#include "proto/system_limits.h"
#include "proto/types.h"
#include "storage/rocksdb_state_store.h"
#include "storage/state_store_testing.h"

#include <sys/resource.h>

namespace ledgerd::storage {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kBatch = kMaxBatchSize - 1;

// Of all threads, in seconds.
double ProcessCpu() {
  struct rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) +
           static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// To the file system, by all threads.
double WrittenBytes() {
  std::ifstream io("/proc/self/io");
  std::string name;
  double value = 0;
  while (io >> name >> value) {
    if (name == "write_bytes:") return value;
  }
  return 0;
}

class Load {
 public:
  Load(uint64_t accounts, bool random_ids)
      : path_(fs::temp_directory_path() / "ledgerd_state_benchmark"),
        accounts_(accounts),
        random_ids_(random_ids) {
    fs::remove_all(path_);
    auto store = RocksDbStateStore::Open(path_.string(), {});
    LEDGERD_CHECK_OK(store.status());
    store_ = *std::move(store);
    CreateAccounts();
  }

  ~Load() {
    Join();
    store_ = nullptr;
    fs::remove_all(path_);
  }

  void CreateBatch() {
    Needs needs;
    std::vector<Transfer> transfers;
    transfers.reserve(kBatch);
    for (uint64_t i = 0; i < kBatch; ++i) {
      transfers.push_back(NewTransfer());
      needs.accounts.push_back(transfers.back().debit_account_id);
      needs.accounts.push_back(transfers.back().credit_account_id);
      needs.transfers.push_back(transfers.back().id);
    }
    Bring(std::move(needs));
    StateView& view = store_->view();
    for (const Transfer& transfer : transfers) Apply(view, transfer);
    Finish();
  }

  // Until all is on the disk, merged and compacted.
  void Settle() {
    Join();
    store_->Freeze();
    LEDGERD_CHECK_OK(store_->WriteCheckpoint());
    store_->FinishCheckpoint();
    store_->WaitForMerges();
  }

  RocksDbStateStore& store() { return *store_; }

 private:
  uint64_t Random() {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return random_;
  }

  void CreateAccounts() {
    for (uint64_t id = 1; id <= accounts_;) {
      Needs needs;
      const uint64_t end = std::min(accounts_ + 1, id + kBatch);
      for (uint64_t i = id; i < end; ++i)
        needs.accounts.push_back(AccountId(i));
      Bring(std::move(needs));
      for (; id < end; ++id) {
        Account account;
        account.id = AccountId(id);
        account.ledger = 1;
        account.code = 1;
        account.timestamp = Timestamp(++timestamp_);
        LEDGERD_CHECK(store_->view().FindAccount(account.id) == nullptr);
        store_->view().InsertAccount(account);
      }
      Finish();
    }
    Settle();
  }

  Transfer NewTransfer() {
    Transfer transfer;
    const uint64_t number = ++number_;
    transfer.id =
        TransferId(random_ids_ ? MakeUint128(Random(), number) : number);
    transfer.debit_account_id = AccountId(1 + Random() % accounts_);
    transfer.credit_account_id = AccountId(
        1 + (transfer.debit_account_id.value() + Random() % (accounts_ - 1)) %
                accounts_);
    transfer.amount = Amount(1 + Random() % 1000);
    transfer.ledger = 1;
    transfer.code = 1;
    transfer.timestamp = Timestamp(++timestamp_);
    return transfer;
  }

  static void Apply(StateView& view, const Transfer& transfer) {
    LEDGERD_CHECK(view.FindTransferId(transfer.id).free());
    InsertPayment(view, transfer);
  }

  void Bring(Needs needs) {
    for (;;) {
      Plan plan = store_->MakePlan(needs);
      std::unique_ptr<Fetched> fetched;
      if (!plan.complete) {
        auto result = store_->Fetch(plan.missing);
        LEDGERD_CHECK_OK(result.status());
        fetched = *std::move(result);
      }
      if (store_->Install(std::move(plan), std::move(fetched))) return;
    }
  }

  void Finish() {
    AppliedPoint point = EntryApplier::NextPoint(store_->applied());
    point.timestamp = Timestamp(timestamp_);
    store_->FinishEntry(point);
    if (store_->delta_bytes() < RocksDbStateStore::kFreezeBytes) return;
    Join();
    store_->Freeze();
    checkpointer_ =
        std::thread([this] { LEDGERD_CHECK_OK(store_->WriteCheckpoint()); });
  }

  void Join() {
    if (!checkpointer_.joinable()) return;
    checkpointer_.join();
    store_->FinishCheckpoint();
  }

  const fs::path path_;
  const uint64_t accounts_;
  const bool random_ids_;
  std::unique_ptr<RocksDbStateStore> store_;
  std::thread checkpointer_;
  uint64_t random_ = 88172645463325252;
  uint64_t number_ = 0;
  uint64_t timestamp_ = 0;
};

// range(0): accounts; range(1): ids in random order; range(2): transfers, in
// millions.
void BM_Transfers(benchmark::State& state) {
  const auto batches =
      static_cast<uint64_t>(state.range(2)) * 1'000'000 / kBatch;
  for (auto _ : state) {
    Load load(static_cast<uint64_t>(state.range(0)), state.range(1) != 0);
    const double begin = ProcessCpu();
    const double written = WrittenBytes();
    for (uint64_t i = 0; i < batches; ++i) load.CreateBatch();
    load.Settle();
    const double cpu = ProcessCpu() - begin;
    state.counters["cpu_ns_per_transfer"] =
        cpu * 1e9 / static_cast<double>(batches * kBatch);
    state.counters["bytes_per_transfer"] =
        (WrittenBytes() - written) / static_cast<double>(batches * kBatch);
    state.counters["runs"] = static_cast<double>(load.store().run_count());
  }
}

BENCHMARK(BM_Transfers)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1)
    ->Args({10'000, 0, 4})
    ->Args({10'000, 1, 4})
    ->Args({1'000'000, 1, 1})
    ->Args({1'000'000, 1, 4});

}  // namespace
}  // namespace ledgerd::storage

BENCHMARK_MAIN();
