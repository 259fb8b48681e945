// What an Append takes on this machine's disk, by the size of its group.
//
//   bazel run --config=release //storage:journal_benchmark
//
// The directory is a new one below $TEST_TMPDIR, or the working directory.
#include <cstdlib>
#include <filesystem>
#include <string>

#include "benchmark/benchmark.h"
#include "proto/base/check.h"
#include "storage/data_dir.h"
#include "storage/journal_testing.h"

namespace ledgerd::storage {
namespace {

class Bench {
 public:
  Bench() {
    // Single-threaded. NOLINTNEXTLINE(concurrency-mt-unsafe)
    const char* base = std::getenv("TEST_TMPDIR");
    path_ = std::string(base != nullptr ? base : ".") + "/journalXXXXXX";
    LEDGERD_CHECK(mkdtemp(path_.data()) != nullptr) << path_;
    LEDGERD_CHECK_OK(DataDir::Format(
        path_, {.cluster = ClusterId(1), .replica = ReplicaId(1)}));
    auto dir = DataDir::Open(path_, {});
    LEDGERD_CHECK_OK(dir.status());
    dir_ = *std::move(dir);
    auto journal = dir_->OpenJournal({.retention_bytes = 0});
    LEDGERD_CHECK_OK(journal.status());
    journal_ = *std::move(journal);
  }

  ~Bench() {
    journal_.reset();
    dir_.reset();
    std::filesystem::remove_all(path_);
  }

  // The journal stays small: what is behind is released.
  void Append(const std::vector<Entry>& entries) {
    LEDGERD_CHECK_OK(journal_->Append(entries, Sequence(0)));
  }

  void ReleaseAll() {
    Superblock superblock = journal_->superblock();
    superblock.checkpoint = journal_->last();
    LEDGERD_CHECK_OK(journal_->WriteSuperblock(superblock));
    LEDGERD_CHECK_OK(journal_->Release(superblock.checkpoint.sequence));
  }

 private:
  std::string path_;
  std::unique_ptr<DataDir> dir_;
  std::unique_ptr<SegmentJournal> journal_;
};

// Arguments: entries in a group, rows in an entry.
void BM_Append(benchmark::State& state) {
  constexpr int kReleaseEvery = 64;
  const auto entries = static_cast<size_t>(state.range(0));
  const auto rows = static_cast<size_t>(state.range(1));
  Bench bench;
  EntryId at;
  int64_t bytes = 0;
  int groups = 0;
  for (auto step : state) {
    state.PauseTiming();
    const auto group = MakeEntries(entries, rows, at);
    for (const Entry& entry : group) {
      bytes += static_cast<int64_t>(entry.bytes().size());
    }
    if (++groups % kReleaseEvery == 0) bench.ReleaseAll();
    state.ResumeTiming();
    bench.Append(group);
  }
  state.SetBytesProcessed(bytes);
}

BENCHMARK(BM_Append)
    ->ArgNames({"entries", "rows"})
    ->Args({1, 1})     // One transfer.
    ->Args({64, 1})    // 64 clients, a transfer each: 21 KiB.
    ->Args({1, 511})   // One entry of 64 KiB.
    ->Args({190, 1})   // 64 KiB in small entries.
    ->Args({1, 8190})  // A full batch: 1 MiB.
    ->Args({4, 8190})  // The longest group.
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ledgerd::storage

BENCHMARK_MAIN();
