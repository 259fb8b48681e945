// What the daemon does with a request before the replica has it: protobuf's
// parse into an arena, then checks and rows.
//
//   bazel run --config=release //tests/bench:parse_benchmark
#include <string>

#include "google/protobuf/arena.h"

#include "benchmark/benchmark.h"
#include "client/bench/workload.h"
#include "client/wire.h"
#include "ledger/v1/ledger.pb.h"
#include "proto/base/check.h"
#include "server/request_parsing.h"

namespace ledgerd::bench {
namespace {

using google::protobuf::Arena;
using ::ledger::v1::CreateTransfersRequest;

CreateTransfersRequest MakeRequest(benchmark::State& state) {
  const Workload workload({.full = state.range(1) != 0});
  CreateTransfersRequest request;
  for (int64_t i = 0; i < state.range(0); ++i) {
    client::ToWire(workload.Get(static_cast<uint64_t>(i)),
                   request.add_transfers());
  }
  return request;
}

void BM_ParseMessage(benchmark::State& state) {
  const std::string bytes = MakeRequest(state).SerializeAsString();
  for (auto step : state) {
    Arena arena;
    auto* request = Arena::CreateMessage<CreateTransfersRequest>(&arena);
    LEDGERD_CHECK(request->ParseFromString(bytes));
    benchmark::DoNotOptimize(request);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetBytesProcessed(state.iterations() *
                          static_cast<int64_t>(bytes.size()));
}

void BM_PackRows(benchmark::State& state) {
  const CreateTransfersRequest request = MakeRequest(state);
  for (auto step : state) {
    auto command = server::ParseTransfers(request.transfers());
    LEDGERD_CHECK_OK(command.status());
    benchmark::DoNotOptimize(command);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"transfers", "full"})
      ->Args({1, 0})
      ->Args({100, 0})
      ->Args({8189, 0})
      ->Args({8189, 1});
}

BENCHMARK(BM_ParseMessage)->Apply(Sizes);
BENCHMARK(BM_PackRows)->Apply(Sizes);

}  // namespace
}  // namespace ledgerd::bench

BENCHMARK_MAIN();
