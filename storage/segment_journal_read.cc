// Reading of SegmentJournal: finds places under the lock, reads without it.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "storage/segment_journal.h"
#include "storage/segment_walk.h"

namespace ledgerd::storage {
namespace {

uint64_t BytesOf(const std::vector<Entry>& entries) {
  uint64_t bytes = 0;
  for (const Entry& entry : entries) bytes += entry.bytes().size();
  return bytes;
}

}  // namespace

absl::StatusOr<std::vector<Entry>> SegmentJournal::Read(
    Sequence from, uint64_t bytes_max) const {
  std::vector<Entry> entries;
  Sequence next = from;
  uint64_t bytes = 0;
  while (entries.empty() || (bytes < bytes_max && next <= last().sequence)) {
    absl::StatusOr<Extent> extent = FindExtent(next, bytes_max - bytes);
    // Rolled back or released since the first part was read.
    if (!extent.ok() && !entries.empty()) break;
    if (!extent.ok()) return extent.status();
    if (extent->scan_up_to.has_value()) {
      LEDGERD_RETURN_IF_ERROR(Scan(*extent));
      continue;
    }
    const size_t before = entries.size();
    LEDGERD_RETURN_IF_ERROR(ReadExtent(*extent, bytes_max, entries));
    if (entries.size() == before) break;
    bytes = BytesOf(entries);
    next = entries.back().sequence().Next();
  }
  return entries;
}

absl::StatusOr<SegmentJournal::Extent> SegmentJournal::FindExtent(
    Sequence from, uint64_t bytes_max) const {
  const MutexLock lock(mutex_);
  const Sequence first = segments_.front()->header.base.sequence.Next();
  if (from < first || from > last_.sequence) {
    return absl::OutOfRangeError(absl::StrCat(
        "entry ", from.value(), " is not in the journal, which has ",
        first.value(), " to ", last_.sequence.value()));
  }
  size_t i = segments_.size() - 1;
  while (segments_[i]->header.base.sequence >= from) --i;
  Extent extent{.segment = segments_[i]};
  const Segment& segment = *segments_[i];
  if (!segment.scanned) {
    extent.scan_up_to = segments_[i + 1]->header.base;
    return extent;
  }
  const uint64_t begin = segment.OffsetOf(from);
  for (Sequence at = from; at <= segment.last(); at = at.Next()) {
    const uint64_t end =
        at == segment.last() ? segment.end : segment.OffsetOf(at.Next());
    if (at != from && end - begin > bytes_max) break;
    extent.offsets.push_back(segment.OffsetOf(at));
    extent.end = end;
  }
  return extent;
}

absl::Status SegmentJournal::Scan(const Extent& extent) const {
  Segment scanned;
  {
    const MutexLock lock(mutex_);
    scanned = *extent.segment;
  }
  LEDGERD_RETURN_IF_ERROR(ScanSegment(identity_, *extent.scan_up_to, scanned));
  const MutexLock lock(mutex_);
  extent.segment->places = std::move(scanned.places);
  extent.segment->end = scanned.end;
  extent.segment->scanned = true;
  return absl::OkStatus();
}

absl::Status SegmentJournal::ReadExtent(const Extent& extent,
                                        uint64_t bytes_max,
                                        std::vector<Entry>& entries) const {
  const Segment& segment = *extent.segment;
  const uint64_t begin = extent.offsets.front() / kBlockBytes * kBlockBytes;
  AlignedBuffer buffer;
  const absl::Span<char> into =
      buffer.Reserve(RoundUpToBlock(extent.end) - begin);
  LEDGERD_RETURN_IF_ERROR(segment.file->Read(begin, into));
  const absl::string_view bytes(into.data(), into.size());
  uint64_t total = BytesOf(entries);
  for (const uint64_t offset : extent.offsets) {
    const absl::string_view record = bytes.substr(offset - begin);
    const FrameCheck check = CheckFrame(record,
                                        {.cluster = identity_.cluster,
                                         .segment = segment.header.number,
                                         .offset = offset},
                                        identity_.salt);
    absl::StatusOr<Entry> entry =
        check.verdict == FrameVerdict::kHere
            ? EntryOfRecord(check.frame, record)
            : absl::DataLossError("the record's frame does not hold");
    if (!entry.ok()) {
      return absl::DataLossError(absl::StrCat("journal damaged in file ",
                                              segment.path, ", offset ", offset,
                                              ": ", entry.status().message()));
    }
    total += entry->bytes().size();
    if (!entries.empty() && total > bytes_max) return absl::OkStatus();
    entries.push_back(*std::move(entry));
  }
  return absl::OkStatus();
}

}  // namespace ledgerd::storage
