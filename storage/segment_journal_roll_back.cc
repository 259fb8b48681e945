// RollBack of SegmentJournal.
//
// Every step leaves a whole journal, only shorter: later segments are moved
// aside from the last one down, each by a rename; then the one that is cut is
// replaced, by a rename, with a file that ends earlier. Zeros in place would
// not do: half of them look like damage.
#include <atomic>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "storage/segment_journal.h"

namespace ledgerd::storage {
namespace {

std::string AsideName(Sequence from, const Segment& segment) {
  return absl::StrCat("rolled-back-from-sequence-", from.value(), "-segment-",
                      segment.header.number.value());
}

}  // namespace

absl::Status SegmentJournal::RollBack(Sequence from) {
  LEDGERD_RETURN_IF_ERROR(failure_);
  LEDGERD_CHECK(from > superblock().checkpoint.sequence);
  LEDGERD_CHECK(from > commit_point_);
  LEDGERD_CHECK(from >= first());
  if (from > last().sequence) return absl::OkStatus();
  std::vector<std::shared_ptr<Segment>> segments;
  {
    const MutexLock lock(mutex_);
    segments = segments_;
  }
  while (segments.back()->header.base.sequence >= from) segments.pop_back();
  const Segment& cut = *segments.back();
  EntryId last = cut.header.base;
  Timestamp timestamp;
  const Sequence before(from.value() - 1);
  if (before >= first()) {
    LEDGERD_ASSIGN_OR_RETURN(const auto entries, Read(before, 1));
    last = entries.front().id();
    timestamp = entries.front().timestamp();
  }
  const std::string unfinished = paths_.journal + "/cut.unfinished";
  auto shorter = WriteShorter(cut, from, unfinished);
  absl::Status status = shorter.status();
  if (status.ok()) status = CopyTail(cut, from);
  if (absl::IsResourceExhausted(status)) {
    // Nothing has changed; it may be tried again.
    files_.Remove(unfinished).IgnoreError();
    return status;
  }
  if (status.ok()) status = MoveAside(segments.size(), from);
  if (status.ok()) status = files_.Rename(unfinished, cut.path);
  if (status.ok()) status = files_.SyncDirectory(paths_.journal);
  LEDGERD_RETURN_IF_ERROR(Fatal(status));
  segments.back() = *std::move(shorter);
  // No record that is left says so of the last entry.
  recorded_ = segments.back()->header.base.sequence;
  const MutexLock lock(mutex_);
  segments_ = std::move(segments);
  last_ = last;
  last_timestamp_ = timestamp;
  return absl::OkStatus();
}

absl::Status SegmentJournal::CopyTail(const Segment& segment, Sequence from) {
  LEDGERD_ASSIGN_OR_RETURN(
      const std::string path,
      UnusedPath(files_, paths_.rolled_back, AsideName(from, segment)));
  const uint64_t begin = segment.OffsetOf(from) / kBlockBytes * kBlockBytes;
  return CopyAside(files_, segment, {begin, RoundUpToBlock(segment.end)}, path);
}

absl::Status SegmentJournal::MoveAside(size_t keep, Sequence from) {
  std::vector<std::shared_ptr<Segment>> segments;
  {
    const MutexLock lock(mutex_);
    segments = segments_;
  }
  for (; segments.size() > keep; segments.pop_back()) {
    const Segment& segment = *segments.back();
    LEDGERD_ASSIGN_OR_RETURN(
        const std::string path,
        UnusedPath(files_, paths_.rolled_back, AsideName(from, segment)));
    LEDGERD_RETURN_IF_ERROR(files_.Rename(segment.path, path));
    LEDGERD_RETURN_IF_ERROR(files_.SyncDirectory(paths_.rolled_back));
    LEDGERD_RETURN_IF_ERROR(files_.SyncDirectory(paths_.journal));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Segment>> SegmentJournal::WriteShorter(
    const Segment& segment, Sequence from, const std::string& path) {
  auto shorter = std::make_shared<Segment>();
  shorter->header = segment.header;
  shorter->header.used_again = false;
  shorter->path = segment.path;
  shorter->scanned = true;
  shorter->end = segment.OffsetOf(from);
  shorter->places.assign(
      segment.places.begin(),
      segment.places.begin() +
          static_cast<ptrdiff_t>(from.value() - 1 -
                                 segment.header.base.sequence.value()));
  // Not a spare: if it were left behind as one, with these records in it, they
  // would come back when their segment's number is used the next time.
  const std::atomic<bool> never{false};
  LEDGERD_RETURN_IF_ERROR(CreateZeroed(files_, path, shorter->bytes(), never));
  LEDGERD_ASSIGN_OR_RETURN(shorter->file, files_.Open(path));
  const absl::Span<char> bytes = buffer_.Reserve(RoundUpToBlock(shorter->end));
  LEDGERD_RETURN_IF_ERROR(segment.file->Read(0, bytes));
  const std::string header = EncodeSegmentHeader(identity_, shorter->header);
  std::memcpy(bytes.data(), header.data(), header.size());
  std::memset(bytes.data() + shorter->end, 0, bytes.size() - shorter->end);
  LEDGERD_RETURN_IF_ERROR(
      shorter->file->Write(0, {bytes.data(), bytes.size()}));
  LEDGERD_RETURN_IF_ERROR(shorter->file->Sync());
  return shorter;
}

}  // namespace ledgerd::storage
