// Damage of SegmentJournal: found by whoever has time for it, mended by the
// journal thread, which alone writes.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "storage/segment_journal.h"

namespace ledgerd::storage {
namespace {

// What the device cannot read is zeros: damaged, like what it reads wrongly.
absl::Status ReadOrZeros(const Segment& segment, uint64_t offset,
                         absl::Span<char> into) {
  absl::Status status = segment.file->Read(offset, into);
  if (!absl::IsDataLoss(status)) return status;
  for (size_t at = 0; at < into.size(); at += kBlockBytes) {
    const absl::Span<char> block = into.subspan(at, kBlockBytes);
    status = segment.file->Read(offset + at, block);
    if (absl::IsDataLoss(status)) {
      std::fill(block.begin(), block.end(), '\0');
    } else {
      LEDGERD_RETURN_IF_ERROR(status);
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<SegmentNumber> SegmentJournal::segments() const {
  const MutexLock lock(mutex_);
  std::vector<SegmentNumber> numbers;
  for (const auto& segment : segments_) {
    numbers.push_back(segment->header.number);
  }
  return numbers;
}

std::optional<SegmentJournal::Checked> SegmentJournal::ToCheck(
    SegmentNumber number) const {
  const MutexLock lock(mutex_);
  for (size_t i = 0; i < segments_.size(); ++i) {
    const auto& segment = segments_[i];
    if (segment->header.number != number) continue;
    const bool is_last = i + 1 == segments_.size();
    const EntryId end = is_last ? last_ : segments_[i + 1]->header.base;
    return Checked{
        .segment = segment,
        // The block that it ends in is not written again.
        .bytes = is_last ? RoundUpToBlock(segment->end) : segment->bytes(),
        .end = {end.sequence, end.hash}};
  }
  return std::nullopt;
}

absl::StatusOr<std::vector<SegmentDamage>> SegmentJournal::FindDamageIn(
    SegmentNumber number, const Pace& pace) const {
  const std::optional<Checked> checked = ToCheck(number);
  std::vector<SegmentDamage> damages;
  if (!checked.has_value()) return damages;
  AlignedBuffer buffer;
  const absl::Span<char> bytes = buffer.Reserve(checked->bytes);
  for (uint64_t at = 0; at < bytes.size(); at += kCheckBytes) {
    const uint64_t count = std::min<uint64_t>(kCheckBytes, bytes.size() - at);
    LEDGERD_RETURN_IF_ERROR(
        ReadOrZeros(*checked->segment, at, bytes.subspan(at, count)));
    LEDGERD_RETURN_IF_ERROR(pace(count));
  }
  LEDGERD_ASSIGN_OR_RETURN(
      auto runs, FindDamage(identity_, checked->segment->header,
                            {bytes.data(), bytes.size()}, checked->end));
  for (DamagedRun& run : runs) {
    damages.push_back({checked->segment, std::move(run)});
  }
  return damages;
}

absl::StatusOr<Entry> SegmentJournal::Salvage(Sequence sequence) const {
  std::optional<Checked> found;
  for (const SegmentNumber number : segments()) {
    const std::optional<Checked> checked = ToCheck(number);
    if (checked.has_value() &&
        checked->segment->header.base.sequence < sequence &&
        sequence <= checked->end.sequence) {
      found = checked;
    }
  }
  if (!found.has_value()) {
    return absl::OutOfRangeError(
        absl::StrCat("entry ", sequence.value(), " is not in the journal"));
  }
  AlignedBuffer buffer;
  const absl::Span<char> bytes = buffer.Reserve(found->bytes);
  LEDGERD_RETURN_IF_ERROR(ReadOrZeros(*found->segment, 0, bytes));
  return FindEntry(identity_, found->segment->header,
                   {bytes.data(), bytes.size()}, sequence);
}

absl::StatusOr<PreparedMend> SegmentJournal::PrepareMend(
    const SegmentDamage& damage, absl::Span<const Entry> entries) const {
  const MendRange range = RangeOf(damage.run);
  AlignedBuffer buffer;
  const absl::Span<char> blocks = buffer.Reserve(range.end - range.begin);
  LEDGERD_RETURN_IF_ERROR(ReadOrZeros(*damage.segment, range.begin, blocks));
  PreparedMend prepared{.damage = damage};
  LEDGERD_ASSIGN_OR_RETURN(
      prepared.mend, MakeMend(identity_, damage.segment->header, damage.run,
                              entries, {blocks.data(), blocks.size()}));
  return prepared;
}

absl::Status SegmentJournal::PerformMend(const PreparedMend& mend) {
  LEDGERD_RETURN_IF_ERROR(failure_);
  Segment& segment = *mend.damage.segment;
  {
    const MutexLock lock(mutex_);
    if (std::find(segments_.begin(), segments_.end(), mend.damage.segment) ==
        segments_.end()) {
      return absl::AbortedError(absl::StrCat(
          "segment ", segment.header.number.value(), " is gone meanwhile"));
    }
  }
  const std::string& bytes = mend.mend.bytes;
  const absl::Span<char> blocks = buffer_.Reserve(bytes.size());
  std::copy(bytes.begin(), bytes.end(), blocks.begin());
  LEDGERD_RETURN_IF_ERROR(Fatal(
      segment.file->Write(mend.mend.offset, {blocks.data(), blocks.size()})));
  LEDGERD_RETURN_IF_ERROR(Fatal(segment.file->Sync()));
  const MutexLock lock(mutex_);
  if (!segment.scanned) return absl::OkStatus();
  const size_t first = mend.damage.run.before.sequence.value() -
                       segment.header.base.sequence.value();
  for (size_t i = 0; i < mend.mend.places.size(); ++i) {
    segment.places[first + i] =
        static_cast<uint32_t>(mend.mend.places[i] / kRecordAlignment);
  }
  return absl::OkStatus();
}

}  // namespace ledgerd::storage
