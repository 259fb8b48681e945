// The ledger over its real state store: applying, look-ups by where the
// transfer is, checkpoints, and merges of id runs.
//
//   bazel run --config=release //tests/bench:state_benchmark
//
// The state is below $TEST_TMPDIR, or /tmp.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "client/bench/workload.h"
#include "proto/base/check.h"
#include "server/ledger/ledger.h"
#include "storage/state_store_harness.h"

namespace ledgerd::bench {
namespace {

constexpr uint64_t kBatch = 8189;

// A replica's way of an entry, on one thread and without a journal.
class BenchLedger {
 public:
  BenchLedger(const Workload::Options& workload,
              const storage::RocksDbStateStore::Options& options)
      : workload_(workload), tested_(options) {
    std::vector<Account> accounts;
    for (uint64_t i = 0; i < workload.accounts;) {
      const uint64_t end = std::min(workload.accounts, i + kBatch);
      accounts.clear();
      for (; i < end; ++i) accounts.push_back(workload_.NewAccount(i));
      Apply(Seal<Account>(EntryKind::kCreateAccounts, accounts));
    }
  }

  // The next `count` transfers as an entry.
  Entry NextEntry(uint64_t count) {
    std::vector<Transfer> transfers;
    for (uint64_t i = 0; i < count; ++i) {
      transfers.push_back(workload_.Get(next_++));
    }
    return Seal<Transfer>(EntryKind::kCreateTransfers, transfers);
  }

  void Apply(const Entry& entry) {
    storage::StateStore& store = tested_.get();
    while (true) {
      storage::Plan plan = store.MakePlan(server::NeedsOf(entry));
      std::unique_ptr<storage::Fetched> fetched;
      if (!plan.complete) {
        auto read = store.Fetch(plan.missing);
        LEDGERD_CHECK_OK(read.status());
        fetched = *std::move(read);
      }
      if (store.Install(std::move(plan), std::move(fetched))) break;
    }
    benchmark::DoNotOptimize(server::Apply(entry, store.view()));
    store.FinishEntry({entry.id(), entry.timestamp()});
  }

  void Store(uint64_t count) {
    for (; count > kBatch; count -= kBatch) Apply(NextEntry(kBatch));
    Apply(NextEntry(count));
  }

  void Checkpoint() {
    tested_.get().Freeze();
    LEDGERD_CHECK_OK(tested_.get().WriteCheckpoint());
    tested_.get().FinishCheckpoint();
  }

  // Until nothing of what is stored is in memory: the delta that was written
  // last is still read until another one has been.
  void Drop() {
    for (int i = 0; i < 3; ++i) {
      Checkpoint();
      Store(1);
    }
    Checkpoint();
  }

  std::vector<TransferId> Ids(uint64_t first, uint64_t step,
                              uint64_t count) const {
    std::vector<TransferId> ids;
    for (uint64_t i = 0; i < count; ++i) {
      ids.push_back(workload_.Get(first + i * step).id);
    }
    return ids;
  }

  storage::RocksDbStateStore& store() { return tested_.rocksdb(); }

  uint64_t stored() const { return next_; }

 private:
  template <typename Row>
  Entry Seal(EntryKind kind, const std::vector<Row>& rows) {
    time_ += rows.size();
    Entry entry = Entry::Seal(MakeCommand<Row>(kind, rows), Epoch(1),
                              Timestamp(time_), at_);
    at_ = entry.id();
    return entry;
  }

  const Workload workload_;
  storage::TestedRocksDbStore tested_;
  EntryId at_{.epoch = Epoch(1)};
  uint64_t time_ = 1;
  uint64_t next_ = 0;
};

// In memory alone; checkpoints are not counted.
void BM_Apply(benchmark::State& state) {
  const auto count = static_cast<uint64_t>(state.range(0));
  BenchLedger ledger(
      {.accounts = static_cast<uint64_t>(state.range(1)),
       .two_phase_percent = static_cast<uint32_t>(state.range(2)),
       .batch = count},
      {});
  for (auto step : state) {
    state.PauseTiming();
    const Entry entry = ledger.NextEntry(count);
    if (ledger.store().delta_bytes() >
        storage::RocksDbStateStore::kFreezeBytes) {
      ledger.Checkpoint();
    }
    state.ResumeTiming();
    ledger.Apply(entry);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(BM_Apply)
    ->ArgNames({"transfers", "accounts", "two_phase"})
    ->Args({1, 10'000, 0})
    ->Args({8188, 10'000, 0})
    ->Args({8188, 10'000, 30})
    ->Args({8188, 1'000'000, 0});

enum class Place : uint8_t { kDelta, kCache, kDisk };

void LookUp(benchmark::State& state, Place place) {
  const auto count = static_cast<uint64_t>(state.range(0));
  storage::RocksDbStateStore::Options options;
  // All of it fits, or nearly nothing.
  options.database.block_cache_bytes =
      place == Place::kCache ? 1 << 30 : 1 << 20;
  BenchLedger ledger({.accounts = 1000, .random_ids = true}, options);
  ledger.Store(count);
  if (place != Place::kDelta) {
    ledger.Drop();
    ledger.store().WaitForMerges();
  }
  constexpr uint64_t kIds = 64;
  uint64_t first = 0;
  for (auto step : state) {
    state.PauseTiming();
    first = (first + 7919) % (count / kIds);
    const auto ids = ledger.Ids(first, count / kIds, kIds);
    state.ResumeTiming();
    const auto found = ledger.store().LookupTransfers(ids)->Finish();
    LEDGERD_CHECK(found.ok() && found->rows.size() == kIds);
  }
  state.SetItemsProcessed(state.iterations() * int64_t{kIds});
}

void BM_LookUpInDelta(benchmark::State& state) { LookUp(state, Place::kDelta); }

void BM_LookUpInCache(benchmark::State& state) { LookUp(state, Place::kCache); }

// From the files, which the kernel may have in its page cache.
void BM_LookUpOnDisk(benchmark::State& state) { LookUp(state, Place::kDisk); }

BENCHMARK(BM_LookUpInDelta)->ArgName("stored")->Arg(20'000)->Arg(200'000);
BENCHMARK(BM_LookUpInCache)->ArgName("stored")->Arg(20'000)->Arg(1'000'000);
BENCHMARK(BM_LookUpOnDisk)->ArgName("stored")->Arg(20'000)->Arg(1'000'000);

void BM_Checkpoint(benchmark::State& state) {
  BenchLedger ledger({.random_ids = state.range(1) != 0}, {});
  for (auto step : state) {
    state.PauseTiming();
    ledger.Store(static_cast<uint64_t>(state.range(0)));
    state.ResumeTiming();
    ledger.Checkpoint();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(BM_Checkpoint)
    ->ArgNames({"transfers", "random_ids"})
    ->Args({20'000, 0})
    ->Args({200'000, 0})
    ->Args({200'000, 1})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

// Four runs of ids become one: the time from the fourth checkpoint's end until
// nothing is left to merge.
void BM_Merge(benchmark::State& state) {
  constexpr int kRuns = 4;
  BenchLedger ledger({.random_ids = true}, {});
  for (auto step : state) {
    state.PauseTiming();
    ledger.store().WaitForMerges();
    for (int i = 0; i < kRuns; ++i) {
      ledger.Store(static_cast<uint64_t>(state.range(0)));
      ledger.Checkpoint();
    }
    state.ResumeTiming();
    ledger.store().WaitForMerges();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * kRuns);
}

BENCHMARK(BM_Merge)
    ->ArgName("ids")
    ->Arg(5'000)
    ->Arg(50'000)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace ledgerd::bench

BENCHMARK_MAIN();
