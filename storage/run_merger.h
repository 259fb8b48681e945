// A RunMerger keeps the number of id runs small: a thread that merges runs of
// like size into one.
//
//   RunMerger merger(keeper, database, options);
//   merger.Wake();             // after every checkpoint
//
// Shape    Runs are in tiers by size, each `fan` times the one below. A tier
//          with `fan` runs is merged into one run of a higher tier, so each id
//          is written again once a tier, and no tier has more than fan - 1 runs
//          for long.
// Errors   Recorded in the StateDatabase, where a checkpoint finds them. With
//          too little space there is no merging until the next Wake.
// Threads  Its own. Wake and WaitUntilIdle: any.
#ifndef LEDGERD_STORAGE_RUN_MERGER_H_
#define LEDGERD_STORAGE_RUN_MERGER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>

#include "absl/status/status.h"

#include "proto/base/mutex.h"
#include "storage/checkpoint_writer.h"
#include "storage/disk_state_keeper.h"
#include "storage/id_run.h"

namespace ledgerd::storage {

struct MergeLimits {
  size_t fan = 4;
  // Runs of fewer ids are all in the lowest tier.
  uint64_t lowest_tier_ids = uint64_t{64} << 10;
};

// The runs to be merged next; empty when there is nothing to do.
IdRuns PickRunsToMerge(const IdRuns& runs, const MergeLimits& limits);

class RunMerger {
 public:
  RunMerger(DiskStateKeeper& keeper, StateDatabase& database,
            const MergeLimits& limits, const RowLimits& rows);
  ~RunMerger();

  RunMerger(const RunMerger&) = delete;
  RunMerger& operator=(const RunMerger&) = delete;

  void Wake();

  // Until nothing is left to merge, or merging has failed.
  void WaitUntilIdle();

 private:
  void Run();
  // False when it is time to end.
  bool WaitUntilAwake();
  absl::Status MergeAll();
  absl::Status Merge(const DiskState& state, const IdRuns& runs);
  bool stopping() const;

  DiskStateKeeper& keeper_;
  StateDatabase& database_;
  const MergeLimits limits_;
  const RowLimits rows_;

  mutable Mutex mutex_;
  CondVar changed_;
  // There may be something to merge that nobody has looked at.
  bool awake_ LEDGERD_GUARDED_BY(mutex_) = true;
  bool merging_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool stopping_ LEDGERD_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_RUN_MERGER_H_
