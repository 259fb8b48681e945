// RocksDB's files, and nothing written to or removed from them any more once a
// write or a sync has failed.
//
//   const FailStopFiles files(rocksdb::FileSystem::Default());
//   options.env = &files.env();
//
// Why      RocksDB cleans up after a failure: of a manifest that could not be
//          synced it calls the new files unused, and removes them. But what was
//          appended to the manifest may be on the disk, and then the next start
//          looks for those files and refuses. Left alone, either outcome is
//          whole.
// Errors   An error that stops all: of any change, but for "no space left" on a
//          file that nothing refers to yet, which may be tried again later.
//          What is refused then names the first error: of two threads the one
//          that met it need not be the first to tell.
// Threads  Any.
// Source   journal.md: "After a failed fdatasync or write nothing more is
//          written".
#ifndef LEDGERD_STORAGE_FAIL_STOP_FILES_H_
#define LEDGERD_STORAGE_FAIL_STOP_FILES_H_

#include <memory>

#include "rocksdb/env.h"
#include "rocksdb/file_system.h"

namespace ledgerd::storage {

class FailStopFiles {
 public:
  explicit FailStopFiles(const std::shared_ptr<rocksdb::FileSystem>& below);
  ~FailStopFiles();

  rocksdb::Env& env() const { return *env_; }

  // Whether nothing is changed any more.
  bool stopped() const;

 private:
  class Hooks;

  const std::shared_ptr<Hooks> hooks_;
  const std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_FAIL_STOP_FILES_H_
