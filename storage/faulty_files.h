// A disk in memory that fails as disks do, for tests of what is above it.
//
//   FaultyFiles files(seed);
//   files.MakeDirectory("/d");
//   files.FailNext(FaultyFiles::Operation::kSync, /*skip=*/3);
//   ...
//   files.PowerCut();
//
// The fault model:
//
// - What is written is seen by every reader at once, and is on the device after
//   the file's Sync. A power cut keeps or loses every 512-byte sector of every
//   write since then by itself (`keep` decides), never a part of one.
// - A name made, changed or removed is on the device after SyncDirectory of its
//   directory (both, for a rename between two). Of the changes since then, a
//   power cut keeps the first few: metadata is journalled, in order. A file's
//   bytes do not come with its name, nor its name with its bytes.
// - A write that fails has written some of its sectors. A sync that fails has
//   kept some and lost the others for good, and the cache goes on showing all
//   of them: but a file opened anew shows the device (file.h).
// - A full disk fails Allocate and Create, and changes nothing.
// - After `CrashAfter` operations nothing works until the next PowerCut or
//   Restart; a File of before then never works again.
// - Rot: Device() is the device's bytes, to be changed at will.
//
// Threads  Any.
#ifndef LEDGERD_STORAGE_FAULTY_FILES_H_
#define LEDGERD_STORAGE_FAULTY_FILES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "proto/base/mutex.h"
#include "storage/file.h"

namespace ledgerd::storage {

class FaultyFiles final : public FileSystem {
 public:
  static constexpr size_t kSectorBytes = 512;

  enum class Operation { kRead, kWrite, kSync, kAllocate, kName, kCount };

  explicit FaultyFiles(uint64_t seed = 1) : random_(seed) {}

  // ---- the disk

  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<File>> Create(
      const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(
      const std::string& path) override;

  // Durable at once.
  void MakeDirectory(const std::string& path);

  // ---- faults

  // The operation of this kind after the next `skip` ones fails, once.
  void FailNext(Operation operation, int skip, absl::Status error);

  // All operations fail once `count` more have been done.
  void CrashAfter(uint64_t count);

  // No fault and no crash is due any more.
  void ClearFaults();

  // Bytes that all files together may have.
  void SetCapacity(uint64_t bytes);

  // Decides about each sector that a power cut or a failure may lose; at random
  // unless this is set.
  void SetKeep(std::function<bool()> keep);

  // Operations done so far.
  uint64_t operations() const;

  // The operation that was not done any more because of CrashAfter, as "sync
  // /d/superblock"; empty before.
  std::string crash_point() const;

  // The mutant: what is said to be synced is not. Of files, of directories.
  void LieAboutSyncs(bool files, bool directories);

  // The machine loses power and is back: see the fault model.
  void PowerCut();

  // The process dies and the machine does not: nothing that was written is
  // lost.
  void Restart();

  // The bytes on the device. The pointer is valid while the file is there;
  // nullptr when it is not.
  std::string* Device(const std::string& path);

  // Flips bits of one byte on the device, as who reads past the cache sees it
  // at once. Requires: the file is there, and that long.
  void Rot(const std::string& path, uint64_t offset, char mask);

 private:
  friend class FaultyFile;

  struct SectorWrite {
    uint64_t offset = 0;
    std::string bytes;
  };

  struct Node {
    // On the device, and as seen by who writes and reads.
    std::string device;
    std::string seen;
    std::vector<SectorWrite> unsynced;
    // A sync failed: what is seen is not to be had from the device.
    bool cache_lies = false;
  };

  using Names = std::map<std::string, std::shared_ptr<Node>>;

  struct NameChange {
    std::set<std::string> directories;  // Not synced since.
    std::vector<std::pair<std::string, std::shared_ptr<Node>>> names;
  };

  absl::Status Begin(Operation operation, const std::string& what)
      LEDGERD_REQUIRES(mutex_);
  bool Crashed() const LEDGERD_REQUIRES(mutex_);
  bool Keep() LEDGERD_REQUIRES(mutex_);
  static void Apply(const NameChange& change, Names& names);
  void Change(NameChange change) LEDGERD_REQUIRES(mutex_);
  void LoseSome(Node& node) LEDGERD_REQUIRES(mutex_);
  absl::Status CheckSpace(uint64_t more) LEDGERD_REQUIRES(mutex_);
  void ForgetProcess() LEDGERD_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::mt19937_64 random_ LEDGERD_GUARDED_BY(mutex_);
  std::function<bool()> keep_ LEDGERD_GUARDED_BY(mutex_);
  std::set<std::string> directories_ LEDGERD_GUARDED_BY(mutex_);
  Names names_ LEDGERD_GUARDED_BY(mutex_);
  Names durable_names_ LEDGERD_GUARDED_BY(mutex_);
  std::vector<NameChange> changes_ LEDGERD_GUARDED_BY(mutex_);

  struct Fault {
    int skip = 0;
    absl::Status error;
  };

  std::map<Operation, Fault> faults_ LEDGERD_GUARDED_BY(mutex_);
  uint64_t operations_ LEDGERD_GUARDED_BY(mutex_) = 0;
  std::optional<uint64_t> crash_at_ LEDGERD_GUARDED_BY(mutex_);
  std::string crash_point_ LEDGERD_GUARDED_BY(mutex_);
  bool lies_of_files_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool lies_of_directories_ LEDGERD_GUARDED_BY(mutex_) = false;
  std::optional<uint64_t> capacity_ LEDGERD_GUARDED_BY(mutex_);
  // Counts restarts: files of an earlier one do not work.
  uint64_t boot_ LEDGERD_GUARDED_BY(mutex_) = 0;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_FAULTY_FILES_H_
