// RocksDB's files with somebody who is asked before every change and told after
// it.
//
//   class Hooks : public FileHooks { ... };
//   auto files = NewHookedFiles(rocksdb::FileSystem::Default(), hooks);
//
// Shape    What makes, changes, syncs, renames, links or removes a file or a
//          directory is an operation; reading, locks and RocksDB's own log are
//          not. An operation that Begin refuses does not happen, and has no
//          End.
// Threads  Hooks are called from any thread.
#ifndef LEDGERD_STORAGE_HOOKED_FILES_H_
#define LEDGERD_STORAGE_HOOKED_FILES_H_

#include <cstdint>
#include <memory>
#include <string>

#include "rocksdb/file_system.h"

namespace ledgerd::storage {

struct FileOperation {
  enum class Kind {
    kCreate,  // A new file, or one emptied.
    kReopen,  // A file that exists, to be appended to.
    kAppend,
    kSync,
    kSyncDirectory,
    kRename,  // From `path` to `to`.
    kLink,    // `to` is another name of `path`.
    kRemove,
    kMakeDirectory,
  };

  Kind kind = Kind::kAppend;
  std::string path;
  std::string to;
  uint64_t bytes = 0;  // kAppend.
};

class FileHooks {
 public:
  virtual ~FileHooks() = default;

  // An error is what the caller gets instead.
  virtual rocksdb::IOStatus Begin(const FileOperation& operation) = 0;

  virtual void End(const FileOperation& operation,
                   const rocksdb::IOStatus& status) = 0;

  // False: all but the operation itself happens. For disks that only a test
  // has, which need no real sync.
  virtual bool Performs(const FileOperation&) const { return true; }
};

std::shared_ptr<rocksdb::FileSystem> NewHookedFiles(
    const std::shared_ptr<rocksdb::FileSystem>& below,
    std::shared_ptr<FileHooks> hooks);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_HOOKED_FILES_H_
