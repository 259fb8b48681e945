#include "replication/journal_thread.h"

#include <iterator>
#include <utility>
#include <vector>

#include "proto/base/wait_at_most.h"
#include "proto/system_limits.h"
#include "replication/journal_write.h"
#include "replication/task_thread.h"

namespace ledgerd::replication {
namespace {

size_t BytesOf(const std::vector<Entry>& entries) {
  size_t bytes = 0;
  for (const Entry& entry : entries) bytes += entry.bytes().size();
  return bytes;
}

}  // namespace

JournalThread::JournalThread(storage::Journal& journal,
                             storage::StateStore* store,
                             JournalCallbacks callbacks)
    : journal_(journal),
      store_(store),
      callbacks_(std::move(callbacks)),
      thread_([this] { Loop(); }) {}

JournalThread::~JournalThread() {
  if (thread_.joinable()) Stop();
}

void JournalThread::Persist(JournalWrite write) { Push(std::move(write)); }

void JournalThread::RecordCheckpoint(EntryId checkpoint) {
  Push(Checkpoint{checkpoint});
}

void JournalThread::ReplaceState(EntryId checkpoint) {
  Push(Replacement{checkpoint});
}

void JournalThread::Run(std::function<void()> work) {
  Push(Work{std::move(work)});
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
      return Filler{};  // Nothing came.
    }
  }
  return Gather();
}

JournalThread::Task JournalThread::Gather() {
  Task task = std::move(tasks_.front());
  tasks_.pop_front();
  auto* const group = std::get_if<JournalWrite>(&task);
  if (group == nullptr) return task;
  size_t bytes = BytesOf(group->entries);
  while (!tasks_.empty()) {
    auto* const more = std::get_if<JournalWrite>(&tasks_.front());
    if (more == nullptr || more->install.has_value() || more->cut.has_value() ||
        more->superblock.has_value()) {
      break;
    }
    bytes += BytesOf(more->entries);
    if (bytes > kGroupBytesMax) break;
    group->id = more->id;
    group->commit = more->commit;
    group->entries.insert(group->entries.end(),
                          std::make_move_iterator(more->entries.begin()),
                          std::make_move_iterator(more->entries.end()));
    tasks_.pop_front();
  }
  return task;
}

bool JournalThread::Perform(const Task& task) {
  const auto perform = [this, &task] {
    return std::visit([this](const auto& work) { return Do(work); }, task);
  };
  absl::Status status = perform();
  const bool full = absl::IsResourceExhausted(status);
  if (full) callbacks_.disk_full(true);
  while (absl::IsResourceExhausted(status)) {
    if (!WaitToRetry()) return false;
    status = perform();
  }
  if (!status.ok()) {
    callbacks_.failed(std::move(status));
    return false;
  }
  if (full) callbacks_.disk_full(false);
  if (const auto* write = std::get_if<JournalWrite>(&task)) {
    callbacks_.persisted(write->id);
  } else if (std::holds_alternative<Replacement>(task)) {
    callbacks_.replaced();
  }
  return true;
}

absl::Status JournalThread::Do(const JournalWrite& write) {
  filler_due_ = filler_due_ || !write.entries.empty();
  return PerformWrite(write, journal_, store_);
}

absl::Status JournalThread::Do(const Checkpoint& checkpoint) {
  return PerformCheckpoint(checkpoint.entry, journal_);
}

absl::Status JournalThread::Do(const Replacement& replacement) {
  return PerformReplacement(replacement.checkpoint, journal_, *store_);
}

absl::Status JournalThread::Do(const Filler& /*filler*/) {
  filler_due_ = false;
  return journal_.WriteFiller();
}

absl::Status JournalThread::Do(const Work& work) {
  work.run();
  return absl::OkStatus();
}

bool JournalThread::WaitToRetry() {
  const MutexLock lock(mutex_);
  return !WaitAtMost(changed_, mutex_, kRetryAfter,
                     [this]() LEDGERD_REQUIRES(mutex_) { return stopping_; });
}

}  // namespace ledgerd::replication
