// A JournalArchiver brings a journal's segments to its archive as they become
// complete, and says when it cannot.
//
//   JournalArchiver archiver(journal, identity, {files, "/mnt/archive"}, log);
//   ...
//   if (const auto failure = archiver.failure(); failure.has_value()) ...
//
// Shape       A thread of its own, so that no write of the journal waits for
//             the archive. What could not be stored is tried again every
//             kRetryAfter; the journal keeps it until then.
// Threads     failure and progress: any. OnChange runs on its own thread. It
//             ends before the journal does.
#ifndef LEDGERD_STORAGE_JOURNAL_ARCHIVER_H_
#define LEDGERD_STORAGE_JOURNAL_ARCHIVER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"

#include "proto/base/mutex.h"
#include "storage/segment.h"
#include "storage/segment_archive.h"
#include "storage/segment_journal.h"

namespace ledgerd::storage {

// Why the archive is behind.
struct ArchiveFailure {
  std::string directory;
  // Of the last try; names file and reason.
  absl::Status error;
  // The first entry that is not in the archive.
  Sequence missing_from;
  std::chrono::system_clock::time_point since;
};

// Since the process began.
struct ArchiveProgress {
  // Entries up to it are in the archive; 0 before the first segment.
  Sequence through;
  uint64_t failed_tries = 0;
};

class JournalArchiver {
 public:
  // How soon a segment that has become complete is seen.
  static constexpr std::chrono::milliseconds kLookAfter{100};
  static constexpr std::chrono::milliseconds kRetryAfter{1'000};

  // Told when a try fails after one that did not, and of nothing when the next
  // one succeeds.
  using OnChange = std::function<void(const std::optional<ArchiveFailure>&)>;

  // `journal` was opened with keep_until_archived.
  JournalArchiver(SegmentJournal& journal, const JournalIdentity& identity,
                  SegmentArchive archive, OnChange on_change);
  // What is being stored is ended first.
  ~JournalArchiver();

  JournalArchiver(const JournalArchiver&) = delete;
  JournalArchiver& operator=(const JournalArchiver&) = delete;

  // Nothing while all that is complete is in the archive, or on its way.
  std::optional<ArchiveFailure> failure() const LEDGERD_EXCLUDES(mutex_);

  ArchiveProgress progress() const LEDGERD_EXCLUDES(mutex_);

 private:
  void Loop() LEDGERD_EXCLUDES(mutex_);
  // Stores the oldest that is missing; how long to wait then.
  std::chrono::milliseconds StoreNext() LEDGERD_EXCLUDES(mutex_);
  void Note(const absl::Status& stored, const CompleteSegment& segment)
      LEDGERD_EXCLUDES(mutex_);
  // False when it is time to stop.
  bool Wait(std::chrono::milliseconds time) LEDGERD_EXCLUDES(mutex_);

  SegmentJournal& journal_;
  const JournalIdentity identity_;
  SegmentArchive archive_;  // The thread's own.
  const OnChange on_change_;
  mutable Mutex mutex_;
  CondVar changed_;
  bool stopping_ LEDGERD_GUARDED_BY(mutex_) = false;
  std::optional<ArchiveFailure> failure_ LEDGERD_GUARDED_BY(mutex_);
  ArchiveProgress progress_ LEDGERD_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_JOURNAL_ARCHIVER_H_
