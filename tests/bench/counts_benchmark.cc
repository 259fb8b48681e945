// What it costs to count for Prometheus: of a call, of a batch's results, and
// of a group of the journal.
#include <chrono>
#include <cstdint>
#include <vector>

#include "benchmark/benchmark.h"
#include "proto/results.h"
#include "server/journal_counts.h"
#include "server/request_counts.h"

namespace ledgerd::bench {
namespace {

using server::JournalCounts;
using server::Method;
using server::RequestCounts;
using server::RequestTimer;

// Two looks at the clock, and two additions. With threads: who answer at the
// same time.
void BM_Call(benchmark::State& state) {
  static auto* const counts = new RequestCounts;
  for ([[maybe_unused]] const auto iteration : state) {
    const RequestTimer timer(*counts, Method::kCreateTransfers);
    timer.End(absl::OkStatus());
  }
}

BENCHMARK(BM_Call)->Threads(1)->Threads(2);

// Of so many transfers, one in `every` of which was refused.
void BM_Results(benchmark::State& state) {
  RequestCounts counts;
  std::vector<TransferResult> results(static_cast<size_t>(state.range(0)));
  for (size_t i = 0; i < results.size(); ++i) {
    const bool refused =
        state.range(1) != 0 && i % static_cast<size_t>(state.range(1)) == 0;
    results[i].status =
        refused ? TransferStatus::kExceedsCredits : TransferStatus::kCreated;
  }
  for ([[maybe_unused]] const auto iteration : state) counts.Add(results);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(BM_Results)
    ->ArgNames({"transfers", "every"})
    ->Args({1, 0})
    ->Args({8189, 0})
    ->Args({8189, 10});

void BM_JournalGroup(benchmark::State& state) {
  JournalCounts counts;
  uint64_t entries = 0;
  for ([[maybe_unused]] const auto iteration : state) {
    counts.Add({.entries = ++entries % 100,
                .took = std::chrono::microseconds(entries % 1'000)});
  }
}

BENCHMARK(BM_JournalGroup);

}  // namespace
}  // namespace ledgerd::bench

BENCHMARK_MAIN();
