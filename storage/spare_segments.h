// Segment files made ahead of need, so that beginning a segment waits for no
// zeroing.
//
//   SpareSegments spares(files, directory, bytes, /*in_background=*/true);
//   LEDGERD_RETURN_IF_ERROR(spares.Open(names));
//   LEDGERD_RETURN_IF_ERROR(spares.Ensure(1));
//   const SpareSegments::Spare spare = spares.Take();
//
// Shape       At most kSparesMax files named spare-N, zeroed or released by the
//             journal, whole and synced before they have that name.
// Errors      RESOURCE_EXHAUSTED  (Ensure) no space; may be called again.
//             Anything else is fatal, as in journal.h.
// Threads     One thread at a time, and a thread of its own that makes the next
//             spare when fewer than one are left.
#ifndef LEDGERD_STORAGE_SPARE_SEGMENTS_H_
#define LEDGERD_STORAGE_SPARE_SEGMENTS_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"

#include "proto/base/mutex.h"
#include "storage/file.h"

namespace ledgerd::storage {

class SpareSegments {
 public:
  // More than these are removed instead of kept.
  static constexpr size_t kSparesMax = 2;

  struct Spare {
    std::string path;
    // May hold records of the segment that it was.
    bool used_again = false;
  };

  SpareSegments(FileSystem& files, std::string directory, uint64_t bytes,
                bool in_background);
  ~SpareSegments();

  SpareSegments(const SpareSegments&) = delete;
  SpareSegments& operator=(const SpareSegments&) = delete;

  // Takes over the spares among the directory's `names`, removes what was left
  // unfinished, and begins to make more. Once, before anything else.
  absl::Status Open(const std::vector<std::string>& names);

  // Makes sure that `count` spares are there.
  absl::Status Ensure(size_t count);

  // Requires: Ensure promised one. The file is the caller's now; renaming it
  // and syncing the directory too.
  Spare Take();

  // Makes a spare of the segment file at `path`, or removes it when there are
  // enough, or when `reusable` is false because it is still being read. Syncs
  // the directory.
  absl::Status Recycle(const std::string& path, bool reusable);

 private:
  absl::Status Adopt(const std::string& path);
  std::string NextPath() LEDGERD_REQUIRES(mutex_);
  absl::Status Make(const std::string& path);
  void RunInBackground();

  FileSystem& files_;
  const std::string directory_;
  const uint64_t bytes_;
  const bool in_background_;
  std::atomic<bool> stop_{false};

  Mutex mutex_;
  CondVar changed_;
  std::vector<Spare> spares_ LEDGERD_GUARDED_BY(mutex_);
  uint64_t next_name_ LEDGERD_GUARDED_BY(mutex_) = 1;
  // The thread's: it makes a spare now; it is to make one; why it could not.
  bool making_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool wanted_ LEDGERD_GUARDED_BY(mutex_) = false;
  absl::Status failure_ LEDGERD_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_SPARE_SEGMENTS_H_
