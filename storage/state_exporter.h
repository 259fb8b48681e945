// A StateExporter makes of a state's newest checkpoint files for another
// replica.
//
//   LEDGERD_ASSIGN_OR_RETURN(auto exported, exporter.Export(database, keeper));
//
// Shape    RocksDB's own files, as they are: tables, which never change, the
//          manifest as far as it goes, and CURRENT. RocksDB removes none of its
//          files while an export of them is held; what is written meanwhile is
//          not part of it.
// Cost     Every table is read once, for its hash, which is remembered.
// Errors   NOT_FOUND  there is no checkpoint yet.
//          Else those of RocksDB.
// Threads  Any.
#ifndef LEDGERD_STORAGE_STATE_EXPORTER_H_
#define LEDGERD_STORAGE_STATE_EXPORTER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "proto/base/mutex.h"
#include "proto/base/sha256.h"
#include "proto/types.h"
#include "storage/checkpoint_transfer.h"
#include "storage/disk_state_keeper.h"
#include "storage/state_database.h"

namespace ledgerd::storage {

class StateExporter {
 public:
  explicit StateExporter(ClusterId cluster) : cluster_(cluster) {}

  absl::StatusOr<std::shared_ptr<const ExportedCheckpoint>> Export(
      const std::shared_ptr<StateDatabase>& database, DiskStateKeeper& keeper);

 private:
  absl::StatusOr<CheckpointFile> Describe(const StateDatabase& database,
                                          const std::string& name);
  void Forget(const CheckpointManifest& but) LEDGERD_EXCLUDES(mutex_);

  const ClusterId cluster_;
  Mutex mutex_;
  // Of tables, by name.
  std::map<std::string, Hash256> hashes_ LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_EXPORTER_H_
