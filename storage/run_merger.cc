#include "storage/run_merger.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "storage/run_reader.h"

namespace ledgerd::storage {
namespace {

int TierOf(uint64_t count, const MergeLimits& limits) {
  int tier = 0;
  for (uint64_t size = limits.lowest_tier_ids; count >= size;
       size *= limits.fan) {
    ++tier;
  }
  return tier;
}

// Bytes that merging `runs` writes, at most.
uint64_t MergedBytes(const IdRuns& runs) {
  uint64_t bytes = uint64_t{1} << 20;
  for (const auto& run : runs) {
    bytes += run->count * sizeof(IdRecord) * 5 / 4 + run->filter_bytes;
  }
  return bytes;
}

uint64_t CountOf(const IdRuns& runs) {
  uint64_t count = 0;
  for (const auto& run : runs) count += run->count;
  return count;
}

}  // namespace

IdRuns PickRunsToMerge(const IdRuns& runs, const MergeLimits& limits) {
  std::map<int, IdRuns> tiers;
  for (const auto& run : runs) {
    IdRuns& tier = tiers[TierOf(run->count, limits)];
    tier.push_back(run);
    if (tier.size() == limits.fan) return tier;
  }
  return {};
}

RunMerger::RunMerger(DiskStateKeeper& keeper, StateDatabase& database,
                     const MergeLimits& limits, const RowLimits& rows)
    : keeper_(keeper), database_(database), limits_(limits), rows_(rows) {
  LEDGERD_CHECK(limits.fan >= 2 && limits.lowest_tier_ids > 0);
  thread_ = std::thread([this] { Run(); });
}

RunMerger::~RunMerger() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.SignalAll();
  thread_.join();
}

void RunMerger::Wake() {
  const MutexLock lock(mutex_);
  awake_ = true;
  changed_.SignalAll();
}

void RunMerger::WaitUntilIdle() {
  const MutexLock lock(mutex_);
  while (awake_ || merging_) changed_.Wait(mutex_);
}

bool RunMerger::stopping() const {
  const MutexLock lock(mutex_);
  return stopping_;
}

void RunMerger::Run() {
  while (WaitUntilAwake()) {
    const absl::Status merged = MergeAll();
    // A full device may have room again at the next Wake, and a stop is no
    // fault. All else is for the next checkpoint to find.
    if (!absl::IsResourceExhausted(merged) && !absl::IsCancelled(merged)) {
      database_.Record(merged).IgnoreError();
    }
  }
}

bool RunMerger::WaitUntilAwake() {
  const MutexLock lock(mutex_);
  merging_ = false;
  changed_.SignalAll();
  while (!awake_ && !stopping_) changed_.Wait(mutex_);
  // Now, and not when it is done: a Wake meanwhile may be of something that the
  // merges have not seen.
  awake_ = false;
  merging_ = true;
  return !stopping_;
}

absl::Status RunMerger::MergeAll() {
  for (;;) {
    LEDGERD_RETURN_IF_ERROR(keeper_.RemoveRetiredRuns());
    const auto state = keeper_.newest();
    const IdRuns runs = PickRunsToMerge(state->runs(), limits_);
    if (runs.empty()) return absl::OkStatus();
    LEDGERD_RETURN_IF_ERROR(database_.CheckSpace(MergedBytes(runs)));
    LEDGERD_RETURN_IF_ERROR(Merge(*state, runs));
  }
}

absl::Status RunMerger::Merge(const DiskState& state, const IdRuns& runs) {
  IngestFiles files(database_, kMergePriority);
  const uint64_t number = keeper_.NewRunNumber();
  IdRunWriter writer(files, number, CountOf(runs), rows_.ids_per_row);
  MergedRuns merged(state, runs);
  for (uint64_t i = 0; merged.Valid(); merged.Next(), ++i) {
    LEDGERD_RETURN_IF_ERROR(writer.Add(merged.record()));
    if (i % 4096 == 0 && stopping()) return absl::CancelledError("stopping");
  }
  LEDGERD_RETURN_IF_ERROR(merged.status());
  LEDGERD_ASSIGN_OR_RETURN(auto run, writer.Finish());
  for (const auto& old : runs) {
    LEDGERD_RETURN_IF_ERROR(files.Delete(RunKey(old->number)));
  }
  LEDGERD_RETURN_IF_ERROR(files.Put(RunKey(number), EncodeIdRun(*run)));
  LEDGERD_RETURN_IF_ERROR(files.Finish());
  return keeper_.ReplaceRuns(files, runs, std::move(run));
}

}  // namespace ledgerd::storage
