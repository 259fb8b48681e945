// What it takes to give a command its place: the header, CRC32C and SHA-256.
//
//   bazel run --config=release //tests/bench:entry_benchmark
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "client/bench/workload.h"
#include "proto/entry.h"

namespace ledgerd::bench {
namespace {

void BM_Seal(benchmark::State& state) {
  const Workload workload({});
  std::vector<Transfer> rows;
  for (int64_t i = 0; i < state.range(0); ++i) {
    rows.push_back(workload.Get(static_cast<uint64_t>(i)));
  }
  EntryId at{.epoch = Epoch(1)};
  uint64_t time = 0;
  for (auto step : state) {
    state.PauseTiming();
    Command command = MakeCommand<Transfer>(EntryKind::kCreateTransfers, rows);
    time += rows.size();
    state.ResumeTiming();
    const Entry entry =
        Entry::Seal(std::move(command), Epoch(1), Timestamp(time), at);
    at = entry.id();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetBytesProcessed(state.iterations() * state.range(0) *
                          static_cast<int64_t>(kRowBytes));
}

BENCHMARK(BM_Seal)->ArgName("transfers")->Arg(1)->Arg(100)->Arg(8189);

}  // namespace
}  // namespace ledgerd::bench

BENCHMARK_MAIN();
