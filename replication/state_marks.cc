#include "replication/state_marks.h"

#include "absl/strings/str_cat.h"

namespace ledgerd::replication {

void StateMarks::Note(const StateMark& mark) {
  const uint64_t at = mark.entry.sequence.value();
  const MutexLock lock(mutex_);
  if (empty_ || at != last_ + 1) first_ = at;
  empty_ = false;
  last_ = at;
  if (last_ - first_ >= kKept) first_ = last_ - kKept + 1;
  ring_[at % kKept] = mark;
}

absl::StatusOr<StateMark> StateMarks::At(Sequence sequence) const {
  const uint64_t at = sequence.value();
  const MutexLock lock(mutex_);
  if (empty_ || at > last_) {
    return absl::UnavailableError(
        absl::StrCat("entry ", at, " is not applied here yet"));
  }
  if (at < first_) {
    return absl::OutOfRangeError(
        absl::StrCat("entry ", at,
                     " was applied too long ago: the state is "
                     "remembered from ",
                     first_, " to ", last_));
  }
  return Of(at);
}

std::optional<StateMark> StateMarks::newest() const {
  const MutexLock lock(mutex_);
  return empty_ ? std::nullopt : std::optional<StateMark>(Of(last_));
}

}  // namespace ledgerd::replication
