// The JournalThread makes durable what the replica wants durable: whatever
// gathers while one sync runs goes out with the next (group commit).
//
//   JournalThread thread(journal, &store, {.persisted = ..., ...});
//   thread.Persist(std::move(write));   // then: persisted(write.id)
//
// Order    Everything in the order given, and a write's parts as in update.h:
//          install, cut, superblock, entries. Writes of entries alone are
//          written together with those before them, up to kGroupBytesMax.
// Errors   RESOURCE_EXHAUSTED  disk_full(true); tried again every 100 ms, and
//                              disk_full(false) once it went through.
//          Anything else       failed(status); nothing is written any more.
// Threads  Calls from the replica thread; call-backs on the journal's own.
// Source   journal.md: group commit; the filler 10 ms after the last record.
#ifndef LEDGERD_REPLICATION_JOURNAL_THREAD_H_
#define LEDGERD_REPLICATION_JOURNAL_THREAD_H_

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <thread>
#include <variant>

#include "absl/status/status.h"

#include "proto/base/mutex.h"
#include "proto/entry.h"
#include "replication/core/update.h"
#include "storage/journal.h"
#include "storage/state_store.h"

namespace ledgerd::replication {

struct JournalCallbacks {
  // This write and all before it are durable.
  std::function<void(WriteId)> persisted;
  // The superblock names the checkpoint of ReplaceState.
  std::function<void()> replaced;
  std::function<void(bool)> disk_full;
  std::function<void(absl::Status)> failed;
};

class JournalThread {
 public:
  static constexpr std::chrono::milliseconds kFillerAfter{10};
  static constexpr std::chrono::milliseconds kRetryAfter{100};

  // `store` is where checkpoints are installed; null for a witness.
  JournalThread(storage::Journal& journal, storage::StateStore* store,
                JournalCallbacks callbacks);
  ~JournalThread();

  JournalThread(const JournalThread&) = delete;
  JournalThread& operator=(const JournalThread&) = delete;

  // Requires: nothing to repair.
  void Persist(JournalWrite write) LEDGERD_EXCLUDES(mutex_);
  void RecordCheckpoint(EntryId checkpoint) LEDGERD_EXCLUDES(mutex_);
  // Requires: a store.
  void ReplaceState(EntryId checkpoint) LEDGERD_EXCLUDES(mutex_);

  // Runs `work` in its turn, while nothing is written; never, when the thread
  // has ended before.
  void Run(std::function<void()> work) LEDGERD_EXCLUDES(mutex_);

  // Returns once all that was given is written, or cannot be.
  void Stop() LEDGERD_EXCLUDES(mutex_);

 private:
  struct Checkpoint {
    EntryId entry;
  };

  struct Replacement {
    EntryId checkpoint;
  };

  struct Filler {};

  struct Work {
    std::function<void()> run;
  };

  using Task =
      std::variant<JournalWrite, Checkpoint, Replacement, Filler, Work>;

  void Loop() LEDGERD_EXCLUDES(mutex_);
  void Push(Task task) LEDGERD_EXCLUDES(mutex_);
  // The next task, writes gathered; nothing when it is time to stop.
  std::optional<Task> Next() LEDGERD_EXCLUDES(mutex_);
  Task Gather() LEDGERD_REQUIRES(mutex_);
  // Until it is done, or false when it cannot be.
  bool Perform(const Task& task) LEDGERD_EXCLUDES(mutex_);
  // May be done again as a whole after RESOURCE_EXHAUSTED.
  absl::Status Do(const JournalWrite& write);
  absl::Status Do(const Checkpoint& checkpoint);
  absl::Status Do(const Replacement& replacement);
  absl::Status Do(const Filler& filler);
  static absl::Status Do(const Work& work);
  bool WaitToRetry() LEDGERD_EXCLUDES(mutex_);

  storage::Journal& journal_;
  storage::StateStore* const store_;
  const JournalCallbacks callbacks_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<Task> tasks_ LEDGERD_GUARDED_BY(mutex_);
  bool stopping_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool filler_due_ = false;  // The journal thread's own.
  std::thread thread_;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_JOURNAL_THREAD_H_
