// What SegmentJournal tells its archive, and is told by it.
#include <algorithm>

#include "storage/segment_journal.h"

namespace ledgerd::storage {

std::optional<CompleteSegment> SegmentJournal::NextToArchive() const {
  const MutexLock lock(mutex_);
  for (size_t i = 0; i + 1 < segments_.size(); ++i) {
    const EntryId& end = segments_[i + 1]->header.base;
    if (end.sequence <= archived_) continue;
    if (end.sequence > superblock_.checkpoint.sequence) return std::nullopt;
    const Segment& segment = *segments_[i];
    return CompleteSegment{.header = segment.header,
                           .path = segment.path,
                           .file = segment.file,
                           .end = end};
  }
  return std::nullopt;
}

void SegmentJournal::SetArchived(Sequence through) {
  const MutexLock lock(mutex_);
  archived_ = std::max(archived_, through);
}

}  // namespace ledgerd::storage
