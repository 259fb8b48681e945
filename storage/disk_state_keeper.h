// A DiskStateKeeper knows the newest state on the disk, lets checkpoints and
// merges add to it one after the other, and shows readers one state at a time.
//
//   keeper.AddCheckpoint(files, record, run);   // checkpointer: on the disk
//   keeper.ShowCheckpoint();                    // replica thread: and visible
//
// Shape    current() is what reads use. Between AddCheckpoint and
//          ShowCheckpoint it is the state before; the delta that was written is
//          still in memory above it. A merge changes no content and shows at
//          once.
// Threads  Any; ShowCheckpoint by the replica thread.
#ifndef LEDGERD_STORAGE_DISK_STATE_KEEPER_H_
#define LEDGERD_STORAGE_DISK_STATE_KEEPER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"

#include "proto/base/mutex.h"
#include "storage/checkpoint_record.h"
#include "storage/disk_state.h"
#include "storage/id_run.h"
#include "storage/ingest_files.h"
#include "storage/state_database.h"

namespace ledgerd::storage {

class DiskStateKeeper {
 public:
  // Removes the files of runs that `runs` does not have: what a crash has left.
  // Called before there is a keeper.
  static absl::Status RemoveDeadRuns(StateDatabase& database,
                                     const IdRuns& runs);

  // Removes the files that have nothing but events of older entries.
  static absl::Status RemoveEventsBelow(StateDatabase& database,
                                        Sequence oldest);

  DiskStateKeeper(std::shared_ptr<StateDatabase> database,
                  std::shared_ptr<const DiskState> loaded,
                  uint64_t filter_bytes_max);

  std::shared_ptr<const DiskState> current() const;

  // With what a checkpoint has added and not shown yet.
  std::shared_ptr<const DiskState> newest() const;

  // Calls `look` while no file is ingested; what the state is as of then.
  CheckpointRecord BetweenIngests(const std::function<void()>& look)
      LEDGERD_EXCLUDES(ingest_mutex_);

  // For a run that is to be written.
  uint64_t NewRunNumber() { return next_run_.fetch_add(1); }

  // Ingests a checkpoint. `run` may be null.
  // Requires: the one before has been shown.
  absl::Status AddCheckpoint(IngestFiles& files, const CheckpointRecord& record,
                             std::shared_ptr<const IdRun> run,
                             EventRuns event_runs);

  void ShowCheckpoint();

  // Ingests a run that takes the place of others. These are removed from the
  // disk when nobody reads them any more.
  absl::Status ReplaceRuns(IngestFiles& files, const IdRuns& merged,
                           std::shared_ptr<const IdRun> run);

  // Removes the files of runs that have been replaced, and those of events that
  // have been dropped, when nobody reads them any more.
  absl::Status RemoveRetiredRuns();

 private:
  struct Reader {
    uint64_t serial;
    std::weak_ptr<const DiskState> state;
  };

  struct Retired {
    uint64_t run = 0;  // Or, 0, the events below this entry.
    Sequence events_below;
    // States of this serial number and later ones do not have it.
    uint64_t serial = 0;
  };

  std::shared_ptr<const DiskState> MakeState(const CheckpointRecord& record,
                                             IdRuns runs, EventRuns event_runs)
      LEDGERD_REQUIRES(mutex_);
  // What is left of retired_ has readers.
  std::vector<Retired> TakeUnread();

  const std::shared_ptr<StateDatabase> database_;
  const uint64_t filter_bytes_max_;
  std::atomic<uint64_t> next_run_;

  // Held while files are ingested and the state that they make is built.
  Mutex ingest_mutex_;
  mutable Mutex mutex_;
  std::shared_ptr<const DiskState> current_ LEDGERD_GUARDED_BY(mutex_);
  // Null when there is nothing to show.
  std::shared_ptr<const DiskState> added_ LEDGERD_GUARDED_BY(mutex_);
  uint64_t serial_ LEDGERD_GUARDED_BY(mutex_) = 0;
  std::vector<Reader> readers_ LEDGERD_GUARDED_BY(mutex_);
  std::vector<Retired> retired_ LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_DISK_STATE_KEEPER_H_
