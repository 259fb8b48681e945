// IngestFiles are sorted files on their way into a StateDatabase.
//
//   IngestFiles files(*db, kCheckpointPriority);
//   LEDGERD_RETURN_IF_ERROR(files.Put(key, value));  // ascending in a table
//   LEDGERD_RETURN_IF_ERROR(files.Finish());
//   LEDGERD_RETURN_IF_ERROR(db->Ingest(files.paths()));
//
// Shape       One file for each unit (state_keys.h), more when it grows large.
// Durability  Finish syncs. What was not ingested is removed at the end.
// Errors      RESOURCE_EXHAUSTED  the device is full; nothing has changed.
// Threads     One at a time.
#ifndef LEDGERD_STORAGE_INGEST_FILES_H_
#define LEDGERD_STORAGE_INGEST_FILES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "rocksdb/env.h"
#include "rocksdb/slice.h"
#include "rocksdb/sst_file_writer.h"

#include "storage/checkpoint_progress.h"
#include "storage/state_database.h"
#include "storage/state_keys.h"

namespace ledgerd::storage {

// Checkpoints are written at once, merges within the rate of the background.
inline constexpr auto kCheckpointPriority = rocksdb::Env::IO_TOTAL;
inline constexpr auto kMergePriority = rocksdb::Env::IO_LOW;

class IngestFiles {
 public:
  // What is put is added to `progress`, if there is one.
  IngestFiles(StateDatabase& database, rocksdb::Env::IOPriority priority,
              CheckpointProgress* progress = nullptr);
  ~IngestFiles();

  IngestFiles(const IngestFiles&) = delete;
  IngestFiles& operator=(const IngestFiles&) = delete;

  absl::Status Put(const Key& key, const rocksdb::Slice& value);
  absl::Status Delete(const Key& key);
  absl::Status Finish();

  const std::vector<std::string>& paths() const { return paths_; }

 private:
  // Makes writer_ the one for `key`.
  absl::Status Begin(const rocksdb::Slice& key);

  StateDatabase& database_;
  const rocksdb::Env::IOPriority priority_;
  CheckpointProgress* const progress_;
  std::unique_ptr<rocksdb::SstFileWriter> writer_;
  // Of the file being written: its first key.
  std::string first_key_;
  std::vector<std::string> paths_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_INGEST_FILES_H_
