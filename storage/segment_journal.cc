#include "storage/segment_journal.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"

namespace ledgerd::storage {
namespace {

// A failed write or sync is fatal, whatever the reason was: never to be taken
// for RESOURCE_EXHAUSTED, which may be tried again.
absl::Status AsFatal(const absl::Status& status) {
  if (status.ok()) return status;
  return absl::InternalError(absl::StrCat(
      "journal: ", status.message(), "; nothing more is written, restart"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SegmentJournal>> SegmentJournal::Open(
    FileSystem& files, const JournalPaths& paths,
    const JournalIdentity& identity, const SegmentJournalOptions& options) {
  LEDGERD_CHECK(options.segment_bytes % kBlockBytes == 0);
  LEDGERD_CHECK(options.segment_bytes >= 2 * kBlockBytes);
  LEDGERD_ASSIGN_OR_RETURN(auto superblock,
                           SuperblockFile::Open(files, paths.superblock));
  LEDGERD_ASSIGN_OR_RETURN(RecoveredJournal found,
                           RecoverJournal(files, paths, identity,
                                          superblock->superblock().checkpoint));
  std::unique_ptr<SegmentJournal> journal(
      new SegmentJournal(files, paths, identity, options, std::move(superblock),
                         std::move(found)));
  LEDGERD_ASSIGN_OR_RETURN(const auto names, files.List(paths.journal));
  LEDGERD_RETURN_IF_ERROR(journal->spares_.Open(names));
  // What was found is durable now; from here on its loss would be seen.
  if (absl::Status status = journal->WriteFiller();
      !status.ok() && !absl::IsResourceExhausted(status)) {
    return status;
  }
  return journal;
}

SegmentJournal::SegmentJournal(FileSystem& files, JournalPaths paths,
                               const JournalIdentity& identity,
                               const SegmentJournalOptions& options,
                               std::unique_ptr<SuperblockFile> superblock,
                               RecoveredJournal found)
    : files_(files),
      paths_(std::move(paths)),
      identity_(identity),
      options_(options),
      torn_(found.torn),
      outline_(std::move(found.outline)),
      spares_(files, paths_.journal, options.segment_bytes,
              options.prepare_in_background),
      superblock_file_(std::move(superblock)),
      recorded_(found.synced_through),
      segments_(std::move(found.segments)),
      last_(found.last),
      last_timestamp_(found.last_timestamp),
      superblock_(superblock_file_->superblock()) {}

absl::Status SegmentJournal::Append(absl::Span<const Entry> entries,
                                    Sequence commit_point) {
  LEDGERD_RETURN_IF_ERROR(failure_);
  CheckContinues(entries);
  const std::vector<Group> groups = MakeGroups(entries);
  const auto segments_needed = static_cast<size_t>(
      std::count_if(groups.begin(), groups.end(),
                    [](const Group& group) { return group.begins_segment; }));
  // All the space there will be need of, before the first byte is written.
  if (absl::Status status = EnsureSpares(segments_needed); !status.ok()) {
    return absl::IsResourceExhausted(status) ? status : Fatal(status);
  }
  commit_point_ = std::max(commit_point_, commit_point);
  for (const Group& group : groups) {
    if (group.begins_segment) LEDGERD_RETURN_IF_ERROR(Fatal(BeginSegment()));
    LEDGERD_RETURN_IF_ERROR(Fatal(WriteGroup(group)));
  }
  return absl::OkStatus();
}

absl::Status SegmentJournal::WriteFiller() {
  LEDGERD_RETURN_IF_ERROR(failure_);
  if (recorded_ >= last().sequence) return absl::OkStatus();
  const std::shared_ptr<Segment> segment = Current();
  if (RoundUpToBlock(segment->end) + kBlockBytes <= segment->bytes()) {
    return Fatal(WriteFillerRecord());
  }
  // The next segment's header says the same.
  if (absl::Status status = EnsureSpares(1); !status.ok()) {
    return absl::IsResourceExhausted(status) ? status : Fatal(status);
  }
  return Fatal(BeginSegment());
}

absl::Status SegmentJournal::Release(Sequence through) {
  LEDGERD_RETURN_IF_ERROR(failure_);
  LEDGERD_CHECK(through <= superblock().checkpoint.sequence);
  while (const std::shared_ptr<Segment> segment = PopReleasable(through)) {
    // Nobody can find it any more; who still reads it holds it.
    const bool reusable =
        segment.use_count() == 1 && segment->bytes() == options_.segment_bytes;
    LEDGERD_RETURN_IF_ERROR(Fatal(spares_.Recycle(segment->path, reusable)));
  }
  return absl::OkStatus();
}

absl::Status SegmentJournal::WriteSuperblock(const Superblock& superblock) {
  LEDGERD_RETURN_IF_ERROR(failure_);
  const Superblock before = this->superblock();
  LEDGERD_CHECK(superblock.promised_epoch >= before.promised_epoch);
  LEDGERD_CHECK(superblock.fork >= before.fork);
  LEDGERD_CHECK(superblock.checkpoint.sequence >= before.checkpoint.sequence);
  LEDGERD_CHECK(superblock.checkpoint.sequence <= last().sequence);
  LEDGERD_RETURN_IF_ERROR(Fatal(superblock_file_->Write(superblock)));
  const MutexLock lock(mutex_);
  superblock_ = superblock;
  return absl::OkStatus();
}

Outline SegmentJournal::TakeOutline() {
  LEDGERD_CHECK(outline_.has_value() && outline_->last() == last());
  Outline outline = *std::move(outline_);
  outline_.reset();
  return outline;
}

EntryId SegmentJournal::base() const {
  const MutexLock lock(mutex_);
  return segments_.front()->header.base;
}

EntryId SegmentJournal::last() const {
  const MutexLock lock(mutex_);
  return last_;
}

Timestamp SegmentJournal::last_timestamp() const {
  const MutexLock lock(mutex_);
  return last_timestamp_;
}

Superblock SegmentJournal::superblock() const {
  const MutexLock lock(mutex_);
  return superblock_;
}

absl::Status SegmentJournal::Fatal(const absl::Status& status) {
  if (!status.ok()) failure_ = AsFatal(status);
  return failure_;
}

std::shared_ptr<Segment> SegmentJournal::Current() const {
  const MutexLock lock(mutex_);
  return segments_.back();
}

void SegmentJournal::CheckContinues(absl::Span<const Entry> entries) const {
  LEDGERD_CHECK(!entries.empty());
  Sequence sequence = last().sequence;
  Hash256 hash = last().hash;
  for (const Entry& entry : entries) {
    LEDGERD_CHECK(entry.sequence() == sequence.Next())
        << "entry " << entry.sequence() << " after " << sequence;
    LEDGERD_CHECK(entry.previous_hash() == hash)
        << "entry " << entry.sequence() << " does not continue the chain";
    sequence = entry.sequence();
    hash = entry.hash();
  }
}

std::vector<SegmentJournal::Group> SegmentJournal::MakeGroups(
    absl::Span<const Entry> entries) const {
  const std::shared_ptr<Segment> segment = Current();
  uint64_t total = 0;
  for (const Entry& entry : entries) total += RecordBytes(entry.bytes().size());
  total = RoundUpToBlock(total);
  if (RoundUpToBlock(segment->end) + total <= segment->bytes()) {
    return {{.entries = entries, .bytes = total}};
  }
  const uint64_t room = options_.segment_bytes - kBlockBytes;
  std::vector<Group> groups;
  for (size_t begin = 0; begin < entries.size();) {
    uint64_t bytes = 0;
    size_t end = begin;
    for (; end < entries.size(); ++end) {
      const uint64_t more = RecordBytes(entries[end].bytes().size());
      if (bytes + more > room) break;
      bytes += more;
    }
    LEDGERD_CHECK(end > begin) << "an entry is longer than a segment";
    groups.push_back({.entries = entries.subspan(begin, end - begin),
                      .bytes = RoundUpToBlock(bytes),
                      .begins_segment = true});
    begin = end;
  }
  return groups;
}

absl::Status SegmentJournal::EnsureSpares(size_t count) {
  absl::Status status = spares_.Ensure(count);
  if (!absl::IsResourceExhausted(status) || !options_.keep_until_archived) {
    return status;
  }
  LEDGERD_RETURN_IF_ERROR(Release(superblock().checkpoint.sequence));
  return spares_.Ensure(count);
}

absl::Status SegmentJournal::BeginSegment() {
  const SpareSegments::Spare spare = spares_.Take();
  auto segment = std::make_shared<Segment>();
  segment->header = {.number = Current()->header.number.Next(),
                     .base = last(),
                     .used_again = spare.used_again,
                     .bytes = options_.segment_bytes};
  segment->path =
      absl::StrCat(paths_.journal, "/", SegmentName(segment->header.number));
  segment->scanned = true;
  LEDGERD_ASSIGN_OR_RETURN(segment->file, files_.Open(spare.path));
  LEDGERD_RETURN_IF_ERROR(
      segment->file->Write(0, EncodeSegmentHeader(identity_, segment->header)));
  LEDGERD_RETURN_IF_ERROR(segment->file->Sync());
  LEDGERD_RETURN_IF_ERROR(files_.Rename(spare.path, segment->path));
  LEDGERD_RETURN_IF_ERROR(files_.SyncDirectory(paths_.journal));
  recorded_ = segment->header.base.sequence;
  const MutexLock lock(mutex_);
  segments_.push_back(std::move(segment));
  return absl::OkStatus();
}

RecordFrame SegmentJournal::MakeFrame(const Segment& segment, uint64_t offset,
                                      RecordKind kind) const {
  RecordFrame frame;
  frame.kind = kind;
  frame.place = {.cluster = identity_.cluster,
                 .segment = segment.header.number,
                 .offset = offset};
  const EntryId before = last();
  frame.sequence = before.sequence;
  frame.hash = before.hash;
  frame.commit_point = commit_point_;
  // All before was synced: nothing is written after a sync that failed.
  frame.synced_through = before.sequence;
  return frame;
}

absl::Status SegmentJournal::WriteGroup(const Group& group) {
  const std::shared_ptr<Segment> segment = Current();
  const uint64_t begin = RoundUpToBlock(segment->end);
  const absl::Span<char> bytes = buffer_.Reserve(group.bytes);
  RecordFrame frame = MakeFrame(*segment, begin, RecordKind::kEntry);
  std::vector<uint32_t> places;
  places.reserve(group.entries.size());
  uint64_t at = 0;
  for (const Entry& entry : group.entries) {
    frame.place.offset = begin + at;
    frame.entry_bytes = static_cast<uint32_t>(entry.bytes().size());
    frame.sequence = entry.sequence();
    frame.hash = entry.hash();
    EncodeRecord(frame, entry.bytes(), identity_.salt, bytes.subspan(at));
    places.push_back(static_cast<uint32_t>((begin + at) / kRecordAlignment));
    at += RecordBytes(entry.bytes().size());
  }
  std::memset(bytes.data() + at, 0, bytes.size() - at);
  const auto begun = std::chrono::steady_clock::now();
  LEDGERD_RETURN_IF_ERROR(
      segment->file->Write(begin, {bytes.data(), bytes.size()}));
  LEDGERD_RETURN_IF_ERROR(segment->file->Sync());
  if (options_.on_group) {
    options_.on_group({.entries = group.entries.size(),
                       .took = std::chrono::steady_clock::now() - begun});
  }
  recorded_ = frame.synced_through;
  const MutexLock lock(mutex_);
  segment->places.insert(segment->places.end(), places.begin(), places.end());
  segment->end = begin + at;
  last_ = group.entries.back().id();
  last_timestamp_ = group.entries.back().timestamp();
  return absl::OkStatus();
}

absl::Status SegmentJournal::WriteFillerRecord() {
  const std::shared_ptr<Segment> segment = Current();
  const uint64_t begin = RoundUpToBlock(segment->end);
  const absl::Span<char> block = buffer_.Reserve(kBlockBytes);
  std::memset(block.data(), 0, block.size());
  const RecordFrame frame = MakeFrame(*segment, begin, RecordKind::kFiller);
  EncodeRecord(frame, "", identity_.salt, block);
  LEDGERD_RETURN_IF_ERROR(
      segment->file->Write(begin, {block.data(), block.size()}));
  LEDGERD_RETURN_IF_ERROR(segment->file->Sync());
  recorded_ = frame.synced_through;
  const MutexLock lock(mutex_);
  segment->end = begin + RecordBytes(0);
  return absl::OkStatus();
}

std::shared_ptr<Segment> SegmentJournal::PopReleasable(Sequence through) {
  const MutexLock lock(mutex_);
  if (segments_.size() < 2 || segments_[1]->header.base.sequence > through) {
    return nullptr;
  }
  if (options_.keep_until_archived &&
      segments_[1]->header.base.sequence > archived_) {
    return nullptr;
  }
  uint64_t left = 0;
  for (size_t i = 1; i < segments_.size(); ++i) left += segments_[i]->bytes();
  if (left < options_.retention_bytes) return nullptr;
  std::shared_ptr<Segment> segment = std::move(segments_.front());
  segments_.erase(segments_.begin());
  return segment;
}

}  // namespace ledgerd::storage
