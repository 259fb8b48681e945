// Install of SegmentJournal.
//
// The new journal is one segment, made whole beside the old ones under a name
// that nobody takes for a segment. The superblock decides: from the moment that
// it names that segment's base the old ones are of no use, and whoever opens
// the journal then ends what was begun (SettleInstall).
#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "storage/segment_journal.h"

namespace ledgerd::storage {

absl::Status SegmentJournal::Install(const Superblock& superblock) {
  LEDGERD_RETURN_IF_ERROR(failure_);
  const Superblock before = this->superblock();
  LEDGERD_CHECK(superblock.promised_epoch >= before.promised_epoch);
  LEDGERD_CHECK(superblock.fork >= before.fork);
  LEDGERD_CHECK(superblock.checkpoint.sequence > before.checkpoint.sequence);
  const SegmentNumber number = Current()->header.number.Next();
  auto first = MakeInstalling(number, superblock.checkpoint);
  absl::Status status = first.status();
  std::vector<std::string> copies;
  if (status.ok()) {
    status = CopyReplaced(
        std::max(commit_point_, before.checkpoint.sequence).Next(), copies);
  }
  if (absl::IsResourceExhausted(status)) {
    // Nothing has changed; it may be tried again.
    for (const std::string& copy : copies) files_.Remove(copy).IgnoreError();
    return status;
  }
  if (status.ok()) status = superblock_file_->Write(superblock);
  if (status.ok()) status = ReplaceSegments(files_, paths_.journal, number);
  LEDGERD_RETURN_IF_ERROR(Fatal(status));
  commit_point_ = std::max(commit_point_, superblock.checkpoint.sequence);
  recorded_ = superblock.checkpoint.sequence;
  const MutexLock lock(mutex_);
  segments_ = {*std::move(first)};
  last_ = superblock.checkpoint;
  last_timestamp_ = Timestamp(0);
  superblock_ = superblock;
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Segment>> SegmentJournal::MakeInstalling(
    SegmentNumber number, const EntryId& base) {
  const std::string unfinished = paths_.journal + "/install.unfinished";
  // Left by a try that found no space.
  if (absl::Status status = files_.Remove(unfinished);
      !status.ok() && !absl::IsNotFound(status)) {
    return status;
  }
  auto segment = std::make_shared<Segment>();
  segment->header = {
      .number = number, .base = base, .bytes = options_.segment_bytes};
  segment->path = absl::StrCat(paths_.journal, "/", SegmentName(number));
  segment->scanned = true;
  const std::atomic<bool> never{false};
  LEDGERD_RETURN_IF_ERROR(
      CreateZeroed(files_, unfinished, options_.segment_bytes, never));
  LEDGERD_ASSIGN_OR_RETURN(segment->file, files_.Open(unfinished));
  LEDGERD_RETURN_IF_ERROR(
      segment->file->Write(0, EncodeSegmentHeader(identity_, segment->header)));
  LEDGERD_RETURN_IF_ERROR(segment->file->Sync());
  LEDGERD_RETURN_IF_ERROR(files_.Rename(
      unfinished, absl::StrCat(paths_.journal, "/", InstallingName(number))));
  LEDGERD_RETURN_IF_ERROR(files_.SyncDirectory(paths_.journal));
  return segment;
}

// Others may have other entries there: these are kept for people.
absl::Status SegmentJournal::CopyReplaced(Sequence from,
                                          std::vector<std::string>& copies) {
  std::vector<std::shared_ptr<Segment>> segments;
  {
    const MutexLock lock(mutex_);
    segments = segments_;
  }
  for (const std::shared_ptr<Segment>& segment : segments) {
    if (!segment->scanned || segment->last() < from ||
        segment->places.empty()) {
      continue;
    }
    const Sequence begin = std::max(from, segment->header.base.sequence.Next());
    LEDGERD_ASSIGN_OR_RETURN(
        const std::string path,
        UnusedPath(files_, paths_.rolled_back,
                   absl::StrCat("replaced-from-sequence-", begin.value(),
                                "-segment-", segment->header.number.value())));
    copies.push_back(path);
    LEDGERD_RETURN_IF_ERROR(
        CopyAside(files_, *segment,
                  {segment->OffsetOf(begin) / kBlockBytes * kBlockBytes,
                   RoundUpToBlock(segment->end)},
                  path));
  }
  return absl::OkStatus();
}

}  // namespace ledgerd::storage
