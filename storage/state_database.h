// A StateDatabase is the RocksDB below the state store, tamed: no write but
// whole files ingested at once, and every error final.
//
//   LEDGERD_ASSIGN_OR_RETURN(auto db, StateDatabase::Open(path, options));
//   IngestFiles files(*db, kCheckpointPriority);
//   ... files.Put(...)
//   LEDGERD_RETURN_IF_ERROR(db->Ingest(files.paths()));  // all, or nothing
//
// Shape       `path`/db is RocksDB's; `path`/incoming has files being written;
//             or other names (state_directories.h).
// Durability  Ingest returns OK after the files and the manifest are synced.
// Errors      DATA_LOSS           RocksDB calls it corruption, or a file is
//                                 missing; the message names the file.
//             RESOURCE_EXHAUSTED  (CheckSpace, Ingest) no space; nothing has
//                                 changed, and it may be tried again.
//             RocksDB itself tries a compaction again that finds no space.
//             The first error of Ingest, of a background job, or of a read
//             for what is applied or written stays: error() and all later calls
//             return it. RocksDB is never told to resume, and neither writes
//             nor removes anything after it (fail_stop_files.h): the next start
//             begins from a checkpoint.
//             An error of another read is only told: that read fails.
// Threads     Any, but Ingest by one at a time.
// Source      architecture.md, "State: RocksDB below, a delta above".
#ifndef LEDGERD_STORAGE_STATE_DATABASE_H_
#define LEDGERD_STORAGE_STATE_DATABASE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "rocksdb/db.h"
#include "rocksdb/file_system.h"

#include "proto/base/mutex.h"
#include "storage/fail_stop_files.h"
#include "storage/pace.h"
#include "storage/rocksdb_status.h"

namespace ledgerd::storage {

class StateDatabase {
 public:
  struct Options {
    // Of RocksDB's directory (state_directories.h).
    std::string name = "db";
    uint64_t block_cache_bytes = uint64_t{32} << 20;
    // What compactions and merges write a second, at most.
    uint64_t background_bytes_per_second = uint64_t{64} << 20;
    // What a checkpoint or a merge must leave free on the device, for RocksDB's
    // compactions: this much, or as much as is stored when that is less.
    uint64_t reserve_bytes = uint64_t{256} << 20;
    // Free bytes of the device of a path; tests fill it up.
    std::function<absl::StatusOr<uint64_t>(const std::string&)> free_bytes;
    // Told of every read that failed; quick, any thread.
    std::function<void(const absl::Status&)> on_read_error;
    // Where RocksDB's files are; the system's own unless a test says another.
    std::shared_ptr<rocksdb::FileSystem> files;
  };

  static absl::StatusOr<std::shared_ptr<StateDatabase>> Open(
      const std::string& path, const Options& options);
  ~StateDatabase();

  rocksdb::DB& rocksdb() { return *db_; }

  // OK while all is well.
  absl::Status error() const;

  // `status` in our terms; OK, or recorded as error().
  absl::Status Record(const rocksdb::Status& status, absl::string_view what);
  absl::Status Record(absl::Status status);

  // `status` of a read; an error names the file at fault if there is one, and
  // is told.
  absl::Status Report(absl::Status status);

  // RESOURCE_EXHAUSTED unless `bytes` more leave the reserve free.
  absl::Status CheckSpace(uint64_t bytes) const;

  // Takes over finished files.
  absl::Status Ingest(const std::vector<std::string>& paths);

  // A path for a file to be ingested, not used before.
  std::string NewFilePath();

  // Removes a file that was to be ingested, if it is there.
  void RemoveFile(const std::string& path);

  // Reads every table from its file, with no cache between, which would hide
  // what has become of it. Any thread; at `pace`, whose error ends it.
  // DATA_LOSS names the first file that is damaged.
  absl::Status VerifyTables(const Pace& pace) const;

  // Where RocksDB's files are.
  const std::string& directory() const { return db_path_; }

  // Once nobody uses it any more its files go: another state has taken its
  // place.
  void RemoveWhenClosed() { remove_when_closed_ = true; }

  const rocksdb::Options& rocksdb_options() const { return rocksdb_options_; }

 private:
  class ErrorListener;

  StateDatabase(std::string path, const Options& options);

  // Whether `status` is "no space left" for a table that nothing refers to yet.
  bool CanBeTriedAgain(const rocksdb::Status& status) const;

  absl::Status OpenRocksDb();
  bool IsInUse(const std::string& name) const;
  absl::Status WithDamagedTable(const absl::Status& status) const;
  uint64_t StoredBytes() const;

  const std::string path_;
  const std::string db_path_;
  const std::string incoming_path_;
  const Options options_;
  std::atomic<bool> remove_when_closed_{false};
  // Stops at the first error of a write (fail_stop_files.h).
  const FailStopFiles files_;
  rocksdb::Options rocksdb_options_;
  std::atomic<uint64_t> next_file_{0};
  mutable Mutex mutex_;
  absl::Status error_ LEDGERD_GUARDED_BY(mutex_);
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_DATABASE_H_
