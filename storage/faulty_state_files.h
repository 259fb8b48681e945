// RocksDB's files on a disk that fails as disks do: the twin of faulty_files.h,
// for tests of the state store.
//
//   FaultyStateFiles disk(directory, seed);
//   options.database.files = disk.files();
//   disk.CrashAfter(17);
//   ... open the store, use it, close it ...
//   disk.PowerCut();
//
// Shape    Real files below `directory`, and a record of what of them is on the
//          device:
//          - What is appended to a file is on it after the file's sync; of what
//            came since then a power cut keeps the first bytes: ext4 and XFS
//            move a file's end only after what is before it.
//          - A name made, changed or removed is on it after its directory's
//            sync. Of the changes since then a power cut keeps the first few.
//          - A file's bytes do not come with its name, nor its name with them.
//          - After CrashAfter operations nothing changes any more until
//            PowerCut.
// Threads  Any; PowerCut while nobody has a file open.
#ifndef LEDGERD_STORAGE_FAULTY_STATE_FILES_H_
#define LEDGERD_STORAGE_FAULTY_STATE_FILES_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "rocksdb/file_system.h"

#include "storage/hooked_files.h"

namespace ledgerd::storage {

class FaultyStateFiles {
 public:
  // What a power cut does with each thing that was not synced.
  enum class Loss { kAll, kNone, kRandom };

  // Makes `directory`.
  FaultyStateFiles(const std::string& directory, uint64_t seed);
  ~FaultyStateFiles();

  std::shared_ptr<rocksdb::FileSystem> files() const { return files_; }

  // All operations fail once `count` more have been done.
  void CrashAfter(uint64_t count);

  // The operation after the next `count` ones fails with `error`, once.
  void FailAfter(uint64_t count, const rocksdb::IOStatus& error);

  // A fault that was asked for has happened.
  bool happened() const;

  // The operation that it happened to, as "sync db/000012.sst", with the path
  // below `directory`; empty before.
  std::string fault_point() const;

  // Takes it back, if it has not happened.
  void ClearFaults();

  // Operations done so far.
  uint64_t operations() const;

  // The mutant: what is said to be synced is not. Of files, of directories.
  void LieAboutSyncs(bool files, bool directories);

  void PowerCut(Loss loss);

 private:
  class Disk;

  const std::shared_ptr<Disk> disk_;
  const std::shared_ptr<rocksdb::FileSystem> files_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_FAULTY_STATE_FILES_H_
