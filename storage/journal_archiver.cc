#include "storage/journal_archiver.h"

#include <utility>

#include "proto/base/wait_at_most.h"

namespace ledgerd::storage {

JournalArchiver::JournalArchiver(SegmentJournal& journal,
                                 const JournalIdentity& identity,
                                 SegmentArchive archive, OnChange on_change)
    : journal_(journal),
      identity_(identity),
      archive_(std::move(archive)),
      on_change_(std::move(on_change)),
      thread_([this] { Loop(); }) {}

JournalArchiver::~JournalArchiver() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.SignalAll();
  thread_.join();
}

std::optional<ArchiveFailure> JournalArchiver::failure() const {
  const MutexLock lock(mutex_);
  return failure_;
}

ArchiveProgress JournalArchiver::progress() const {
  const MutexLock lock(mutex_);
  return progress_;
}

void JournalArchiver::Loop() {
  while (Wait(StoreNext())) {
  }
}

std::chrono::milliseconds JournalArchiver::StoreNext() {
  const std::optional<CompleteSegment> next = journal_.NextToArchive();
  if (!next.has_value()) return kLookAfter;
  const absl::Status stored = archive_.Store(identity_, *next);
  if (stored.ok()) journal_.SetArchived(next->end.sequence);
  Note(stored, *next);
  return stored.ok() ? std::chrono::milliseconds(0) : kRetryAfter;
}

void JournalArchiver::Note(const absl::Status& stored,
                           const CompleteSegment& segment) {
  std::optional<ArchiveFailure> failure;
  if (!stored.ok()) {
    failure = {.directory = archive_.directory(),
               .error = stored,
               .missing_from = segment.header.base.sequence.Next(),
               .since = std::chrono::system_clock::now()};
  }
  bool changed = false;
  {
    const MutexLock lock(mutex_);
    changed = failure.has_value() != failure_.has_value();
    if (failure.has_value()) {
      ++progress_.failed_tries;
      if (!changed) failure->since = failure_->since;
    } else {
      progress_.through = segment.end.sequence;
    }
    failure_ = failure;
  }
  if (changed) on_change_(failure);
}

bool JournalArchiver::Wait(std::chrono::milliseconds time) {
  const MutexLock lock(mutex_);
  return !WaitAtMost(changed_, mutex_, time,
                     [this]() LEDGERD_REQUIRES(mutex_) { return stopping_; });
}

}  // namespace ledgerd::storage
