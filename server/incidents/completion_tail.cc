#include "server/incidents/completion_tail.h"

#include <algorithm>

#include "proto/incident.h"

namespace ledgerd::server {
namespace {

constexpr size_t kMarksMax = 8;

bool IsWrite(EntryKind kind) {
  return kind == EntryKind::kCreateAccounts ||
         kind == EntryKind::kCreateTransfers;
}

}  // namespace

std::optional<CompletionTail::Write> CompletionTail::WriteIn(
    const Entry& entry) {
  if (!IsWrite(entry.kind())) return std::nullopt;
  return Write{.sequence = entry.sequence(),
               .epoch = entry.epoch(),
               .at = entry.timestamp()};
}

void CompletionTail::NoteApplied(const Entry& entry) {
  const MutexLock lock(mutex_);
  if (entry.sequence() != last_.Next() || !begin_.has_value()) {
    writes_.clear();
    complete_ = false;
    begin_ = Sequence(entry.sequence().value() - 1);
  }
  last_ = entry.sequence();
  last_epoch_ = entry.epoch();
  if (const auto write = WriteIn(entry)) writes_.push_back(*write);
  if (entry.kind() != EntryKind::kIncidents) return;
  const auto records = DecodeIncidents(entry.payload());
  if (!records.ok()) return;
  for (const Incident& record : *records) {
    const auto note = CompletionIn(record);
    if (!note.has_value()) continue;
    // One that does not continue the one before counts nowhere: CompletionSum.
    if (complete_ && note->after != *begin_) continue;
    while (!writes_.empty() && writes_.front().sequence <= note->through) {
      writes_.pop_front();
    }
    begin_ = std::max(*begin_, note->through);
  }
}

void CompletionTail::NoteAnswered(const Answered& answered) {
  const MutexLock lock(mutex_);
  Mark& mark = marks_[answered.epoch];
  mark.through = std::max(mark.through, answered.through);
  mark.said = true;
  if (marks_.size() > kMarksMax) marks_.erase(marks_.begin());
}

void CompletionTail::NoteAtLeast(const Answered& answered) {
  const MutexLock lock(mutex_);
  Mark& mark = marks_[answered.epoch];
  mark.through = std::max(mark.through, answered.through);
  if (marks_.size() > kMarksMax) marks_.erase(marks_.begin());
}

CompletionTail::Answered CompletionTail::newest_answered() const {
  const MutexLock lock(mutex_);
  if (marks_.empty()) return {};
  return {.epoch = marks_.rbegin()->first,
          .through = marks_.rbegin()->second.through};
}

CompletionTail::Counts CompletionTail::Count(Timestamp since) const {
  const MutexLock lock(mutex_);
  Counts counts;
  for (const Write& write : writes_) {
    if (write.at < since) continue;
    ++(write.epoch == last_epoch_ ? counts.answered : counts.waiting);
  }
  return counts;
}

bool CompletionTail::complete() const {
  const MutexLock lock(mutex_);
  return complete_;
}

std::optional<Sequence> CompletionTail::begin() const {
  const MutexLock lock(mutex_);
  return begin_;
}

void CompletionTail::Fill(Sequence begin, Sequence noted,
                          std::vector<Write> writes) {
  const MutexLock lock(mutex_);
  if (begin_ != begin) return;
  complete_ = true;
  if (begin <= noted) return;
  std::erase_if(writes, [&](const Write& write) {
    return write.sequence <= noted || write.sequence > begin;
  });
  writes_.insert(writes_.begin(), writes.begin(), writes.end());
  begin_ = noted;
}

bool CompletionTail::IsDue(Timestamp before) const {
  const MutexLock lock(mutex_);
  if (writes_.empty()) return false;
  const Write& oldest = writes_.front();
  return oldest.epoch != last_epoch_ || oldest.at < before ||
         writes_.size() >= kWritesMax;
}

std::optional<CompletionNote> CompletionTail::NoteOf(Sequence noted,
                                                     Epoch epoch) const {
  const MutexLock lock(mutex_);
  if (writes_.empty() || last_epoch_ != epoch) return std::nullopt;
  CompletionNote note = {.after = noted, .through = last_};
  for (const Write& write : writes_) {
    if (write.sequence <= noted) continue;
    if (write.epoch == epoch) {
      ++note.answered;
      continue;
    }
    const auto mark = marks_.find(write.epoch);
    if (mark == marks_.end()) continue;
    if (write.sequence <= mark->second.through) {
      ++note.answered;
    } else if (mark->second.said) {
      ++note.unanswered;
    }
  }
  return note;
}

}  // namespace ledgerd::server
