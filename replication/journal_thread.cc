#include "replication/journal_thread.h"

#include <iterator>
#include <utility>

#include "proto/base/status_macros.h"
#include "proto/system_limits.h"
#include "replication/task_thread.h"

namespace ledgerd::replication {

JournalThread::JournalThread(storage::Journal& journal,
                             JournalCallbacks callbacks)
    : journal_(journal),
      callbacks_(std::move(callbacks)),
      thread_([this] { Loop(); }) {}

JournalThread::~JournalThread() {
  if (thread_.joinable()) Stop();
}

void JournalThread::PersistPromise(Epoch epoch) {
  Task task;
  task.promise = epoch;
  Push(std::move(task));
}

void JournalThread::RecordCheckpoint(EntryId checkpoint) {
  Task task;
  task.checkpoint = checkpoint;
  Push(std::move(task));
}

void JournalThread::PersistEntries(std::vector<Entry> entries,
                                   Sequence commit) {
  Task task;
  task.entries = std::move(entries);
  {
    const MutexLock lock(mutex_);
    commit_ = commit;
  }
  Push(std::move(task));
}

void JournalThread::Push(Task task) {
  {
    const MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.Signal();
}

void JournalThread::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.Signal();
  thread_.join();
}

void JournalThread::Loop() {
  NameThisThread("journal");
  while (std::optional<Task> task = Next()) {
    if (!Perform(*task)) return;
  }
}

std::optional<JournalThread::Task> JournalThread::Next() {
  const MutexLock lock(mutex_);
  while (tasks_.empty()) {
    if (stopping_) return std::nullopt;
    if (!filler_due_) {
      changed_.Wait(mutex_);
    } else if (!changed_.WaitFor(mutex_, kFillerAfter) && tasks_.empty()) {
      return Task{};  // Nothing came: the filler.
    }
  }
  return Gather();
}

JournalThread::Task JournalThread::Gather() {
  Task group = std::move(tasks_.front());
  tasks_.pop_front();
  size_t bytes = 0;
  for (const Entry& entry : group.entries) bytes += entry.bytes().size();
  while (!group.entries.empty() && !tasks_.empty()) {
    std::vector<Entry>& more = tasks_.front().entries;
    if (more.empty()) break;
    for (const Entry& entry : more) bytes += entry.bytes().size();
    if (bytes > kGroupBytesMax) break;
    group.entries.insert(group.entries.end(),
                         std::make_move_iterator(more.begin()),
                         std::make_move_iterator(more.end()));
    tasks_.pop_front();
  }
  return group;
}

bool JournalThread::Perform(const Task& task) {
  absl::Status status = Write(task);
  const bool full = absl::IsResourceExhausted(status);
  if (full) callbacks_.disk_full(true);
  while (absl::IsResourceExhausted(status)) {
    if (!WaitToRetry()) return false;
    status = Write(task);
  }
  if (!status.ok()) {
    callbacks_.failed(std::move(status));
    return false;
  }
  if (full) callbacks_.disk_full(false);
  if (task.promise.has_value()) callbacks_.promise_persisted(*task.promise);
  if (!task.entries.empty()) {
    callbacks_.entries_persisted(task.entries.back().id());
  }
  return true;
}

absl::Status JournalThread::Write(const Task& task) {
  if (task.promise.has_value()) {
    storage::Superblock superblock = journal_.superblock();
    superblock.promised_epoch = *task.promise;
    return journal_.WriteSuperblock(superblock);
  }
  if (task.checkpoint.has_value()) {
    storage::Superblock superblock = journal_.superblock();
    superblock.checkpoint = *task.checkpoint;
    LEDGERD_RETURN_IF_ERROR(journal_.WriteSuperblock(superblock));
    return journal_.Release(task.checkpoint->sequence);
  }
  if (task.entries.empty()) {
    filler_due_ = false;
    return journal_.WriteFiller();
  }
  Sequence commit;
  {
    const MutexLock lock(mutex_);
    commit = commit_;
  }
  filler_due_ = true;
  return journal_.Append(task.entries, commit);
}

bool JournalThread::WaitToRetry() {
  const MutexLock lock(mutex_);
  const auto until = std::chrono::steady_clock::now() + kRetryAfter;
  while (!stopping_) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= left.zero()) return true;
    changed_.WaitFor(mutex_, left);
  }
  return false;
}

}  // namespace ledgerd::replication
