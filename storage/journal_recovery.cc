#include "storage/journal_recovery.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "proto/base/status_macros.h"
#include "storage/segment_walk.h"

namespace ledgerd::storage {
namespace {

using Segments = std::vector<std::shared_ptr<Segment>>;

constexpr absl::string_view kInstalling = "installing-";

constexpr absl::string_view kWhatToDo =
    "Nothing was changed and this replica does not start: bring the entry back "
    "from another replica or a backup; without one, restore the whole data "
    "directory from a backup";

absl::Status Damage(absl::string_view what) {
  return absl::DataLossError(absl::StrCat(what, ". ", kWhatToDo));
}

absl::Status DamagedEntry(const Segments& segments, const BadEntry& bad) {
  std::string path = "?";
  for (const auto& segment : segments) {
    if (segment->header.number == bad.segment) path = segment->path;
  }
  return Damage(absl::StrCat("journal damaged at sequence ",
                             bad.sequence.value(), ", file ", path, ", offset ",
                             bad.offset, ": ", bad.reason,
                             "; it may have been acknowledged"));
}

// Whether a failed read says something about what is on the disk.
bool MeansDamage(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsOutOfRange(status);
}

absl::StatusOr<std::shared_ptr<Segment>> OpenSegment(
    FileSystem& files, const std::string& path, SegmentNumber number,
    const JournalIdentity& identity) {
  auto segment = std::make_shared<Segment>();
  segment->path = path;
  LEDGERD_ASSIGN_OR_RETURN(segment->file, files.Open(path));
  LEDGERD_ASSIGN_OR_RETURN(const uint64_t bytes, segment->file->Size());
  std::string block(kBlockBytes, '\0');
  absl::Status status = segment->file->Read(0, absl::MakeSpan(block));
  if (status.ok()) {
    auto header = DecodeSegmentHeader(identity, block);
    status = header.status();
    if (status.ok()) segment->header = *header;
  }
  if (status.ok() && segment->header.number != number) {
    status = absl::DataLossError(absl::StrCat("its header says segment ",
                                              segment->header.number.value()));
  }
  if (status.ok() && segment->bytes() != bytes) {
    status = absl::DataLossError(absl::StrCat(
        "its header says ", segment->bytes(), " bytes, and it has ", bytes));
  }
  if (MeansDamage(status)) {
    return Damage(absl::StrCat("journal damaged in file ", path,
                               ", offset 0: ", status.message()));
  }
  if (absl::IsFailedPrecondition(status)) {
    return absl::FailedPreconditionError(
        absl::StrCat("journal file ", path, ": ", status.message()));
  }
  LEDGERD_RETURN_IF_ERROR(status);
  return segment;
}

// Opens all segments, by their headers alone.
absl::StatusOr<Segments> OpenSegments(FileSystem& files,
                                      const std::string& directory,
                                      const JournalIdentity& identity) {
  LEDGERD_ASSIGN_OR_RETURN(const auto names, files.List(directory));
  Segments segments;
  for (const std::string& name : names) {
    const auto number = ParseSegmentName(name);
    if (!number.has_value()) continue;
    const std::string path = absl::StrCat(directory, "/", name);
    if (!segments.empty() && *number != segments.back()->header.number.Next()) {
      return Damage(absl::StrCat(
          "journal damaged: segment ",
          segments.back()->header.number.Next().value(), " is missing before ",
          path, ", after the entries from sequence ",
          segments.back()->header.base.sequence.Next().value(), " on"));
    }
    LEDGERD_ASSIGN_OR_RETURN(auto segment,
                             OpenSegment(files, path, *number, identity));
    if (!segments.empty() &&
        segment->header.base.sequence < segments.back()->header.base.sequence) {
      return Damage(absl::StrCat("journal damaged in file ", path,
                                 ", offset 0: begins before its predecessor"));
    }
    segments.push_back(std::move(segment));
  }
  if (segments.empty()) {
    return Damage(absl::StrCat("journal ", directory,
                               " has no segments: this replica has forgotten "
                               "what it acknowledged"));
  }
  return segments;
}

// The bytes of a whole segment.
absl::Status ReadSegment(const Segment& segment, AlignedBuffer& buffer,
                         absl::string_view& bytes) {
  const absl::Span<char> into = buffer.Reserve(segment.bytes());
  absl::Status status = segment.file->Read(0, into);
  if (MeansDamage(status)) {
    return Damage(absl::StrCat("journal damaged somewhere after sequence ",
                               segment.header.base.sequence.value(), ": ",
                               status.message()));
  }
  bytes = {into.data(), into.size()};
  return status;
}

// The first segment that must be read: that of the first entry above the
// checkpoint.
size_t FirstToScan(const Segments& segments, const EntryId& checkpoint) {
  size_t first = 0;
  for (size_t i = 0; i < segments.size(); ++i) {
    if (segments[i]->header.base.sequence <= checkpoint.sequence) first = i;
  }
  return first;
}

absl::StatusOr<JournalWalk> WalkFrom(const Segments& segments, size_t first,
                                     const JournalIdentity& identity,
                                     const EntryId& checkpoint) {
  JournalWalk walk(identity, segments[first]->header.base, checkpoint);
  AlignedBuffer buffer;
  for (size_t i = first; i < segments.size(); ++i) {
    absl::string_view bytes;
    LEDGERD_RETURN_IF_ERROR(ReadSegment(*segments[i], buffer, bytes));
    walk.AddSegment(segments[i]->header, bytes);
    segments[i]->places = walk.places();
    segments[i]->end = walk.end();
    segments[i]->scanned = true;
  }
  walk.Finish();
  return walk;
}

// Walks until the last entry has been seen, if it is there at all.
absl::StatusOr<JournalWalk> Walk(const Segments& segments,
                                 const JournalIdentity& identity,
                                 const EntryId& checkpoint) {
  size_t first = FirstToScan(segments, checkpoint);
  while (true) {
    auto walk = WalkFrom(segments, first, identity, checkpoint);
    if (!walk.ok() || first == 0 || walk->bad().has_value() ||
        walk->last_timestamp() != Timestamp(0)) {
      return walk;
    }
    --first;
  }
}

absl::Status CheckReachesCheckpoint(const Segments& segments,
                                    const JournalWalk& walk,
                                    const EntryId& checkpoint) {
  const Sequence base = segments.front()->header.base.sequence;
  if (base > checkpoint.sequence) {
    return Damage(absl::StrCat(
        "journal begins after sequence ", base.value(), " in file ",
        segments.front()->path, ", but the checkpoint is at ",
        checkpoint.sequence.value(), ": entries in between are gone"));
  }
  if (walk.last().sequence < checkpoint.sequence) {
    return Damage(absl::StrCat(
        "journal ends at sequence ", walk.last().sequence.value(), " in file ",
        segments.back()->path, ", offset ", walk.end(),
        ", below the checkpoint at ", checkpoint.sequence.value(),
        ": this replica has forgotten what it acknowledged"));
  }
  return absl::OkStatus();
}

// Where the torn records end, at a block.
absl::StatusOr<uint64_t> TornEnd(const Segment& segment,
                                 const JournalWalk& walk) {
  const uint64_t least =
      std::min(RoundUpToBlock(std::max(walk.frames_end(), walk.end() + 1)),
               segment.bytes());
  if (segment.header.used_again) return least;
  AlignedBuffer buffer;
  absl::string_view bytes;
  LEDGERD_RETURN_IF_ERROR(ReadSegment(segment, buffer, bytes));
  const size_t last = bytes.find_last_not_of('\0');
  return std::max(least, RoundUpToBlock(last + 1));
}

// Copies aside what follows the accepted records of the last segment, then
// overwrites it with zeros. A crash in between leaves it torn as before.
absl::Status CutTorn(FileSystem& files, const JournalPaths& paths,
                     const JournalWalk& walk, Segment& segment) {
  LEDGERD_ASSIGN_OR_RETURN(const uint64_t end, TornEnd(segment, walk));
  const uint64_t kept = walk.end() % kBlockBytes;
  const uint64_t begin = walk.end() - kept;
  LEDGERD_ASSIGN_OR_RETURN(
      const std::string path,
      UnusedPath(
          files, paths.rolled_back,
          absl::StrCat("torn-from-sequence-", walk.bad()->sequence.value(),
                       "-segment-", segment.header.number.value(), "-offset-",
                       begin)));
  LEDGERD_RETURN_IF_ERROR(CopyAside(files, segment, {begin, end}, path));
  AlignedBuffer buffer;
  const absl::Span<char> blocks = buffer.Reserve(end - begin);
  std::memset(blocks.data(), 0, blocks.size());
  if (kept > 0) {
    // Entries of the same group: not acknowledged by any process yet.
    LEDGERD_RETURN_IF_ERROR(segment.file->Read(begin, blocks.subspan(0, kept)));
  }
  return segment.file->Write(begin, {blocks.data(), blocks.size()});
}

// What a crash has left of an Install: the superblock says whether it counts.
absl::Status SettleInstall(FileSystem& files, const std::string& directory,
                           const JournalIdentity& identity,
                           const EntryId& checkpoint) {
  LEDGERD_ASSIGN_OR_RETURN(const auto names, files.List(directory));
  for (const std::string& name : names) {
    absl::string_view rest = name;
    if (!absl::ConsumePrefix(&rest, kInstalling)) continue;
    const auto number = ParseSegmentName(rest);
    if (!number.has_value()) continue;
    const std::string path = absl::StrCat(directory, "/", name);
    LEDGERD_ASSIGN_OR_RETURN(const auto segment,
                             OpenSegment(files, path, *number, identity));
    if (segment->header.base == checkpoint) {
      return ReplaceSegments(files, directory, *number);
    }
    LEDGERD_RETURN_IF_ERROR(files.Remove(path));
    LEDGERD_RETURN_IF_ERROR(files.SyncDirectory(directory));
  }
  return absl::OkStatus();
}

absl::Status WriteAndSync(File& file, absl::Span<const char> blocks) {
  LEDGERD_RETURN_IF_ERROR(file.Allocate(blocks.size()));
  LEDGERD_RETURN_IF_ERROR(file.Write(0, {blocks.data(), blocks.size()}));
  return file.Sync();
}

}  // namespace

absl::StatusOr<RecoveredJournal> RecoverJournal(FileSystem& files,
                                                const JournalPaths& paths,
                                                const JournalIdentity& identity,
                                                const EntryId& checkpoint) {
  // A name that the process before has changed may be seen and not be durable;
  // what is written below it would go with it.
  LEDGERD_RETURN_IF_ERROR(files.SyncDirectory(paths.rolled_back));
  LEDGERD_RETURN_IF_ERROR(files.SyncDirectory(paths.journal));
  LEDGERD_RETURN_IF_ERROR(
      SettleInstall(files, paths.journal, identity, checkpoint));
  RecoveredJournal found;
  LEDGERD_ASSIGN_OR_RETURN(found.segments,
                           OpenSegments(files, paths.journal, identity));
  LEDGERD_ASSIGN_OR_RETURN(JournalWalk walk,
                           Walk(found.segments, identity, checkpoint));
  LEDGERD_RETURN_IF_ERROR(walk.newer());
  if (walk.bad().has_value() && walk.damaged()) {
    return DamagedEntry(found.segments, *walk.bad());
  }
  LEDGERD_RETURN_IF_ERROR(
      CheckReachesCheckpoint(found.segments, walk, checkpoint));
  if (walk.bad().has_value()) {
    LEDGERD_RETURN_IF_ERROR(
        CutTorn(files, paths, walk, *found.segments.back()));
    found.torn = walk.bad()->sequence;
  }
  LEDGERD_RETURN_IF_ERROR(found.segments.back()->file->Sync());
  found.outline = walk.TakeOutline();
  found.last = walk.last();
  found.last_timestamp = walk.last_timestamp();
  found.synced_through = walk.synced_through();
  return found;
}

std::string InstallingName(SegmentNumber number) {
  return absl::StrCat(kInstalling, SegmentName(number));
}

absl::Status ReplaceSegments(FileSystem& files, const std::string& directory,
                             SegmentNumber number) {
  LEDGERD_ASSIGN_OR_RETURN(const auto names, files.List(directory));
  for (const std::string& name : names) {
    if (!ParseSegmentName(name).has_value()) continue;
    LEDGERD_RETURN_IF_ERROR(files.Remove(absl::StrCat(directory, "/", name)));
  }
  // Before the new one has its name: beside others it would be damage.
  LEDGERD_RETURN_IF_ERROR(files.SyncDirectory(directory));
  LEDGERD_RETURN_IF_ERROR(
      files.Rename(absl::StrCat(directory, "/", InstallingName(number)),
                   absl::StrCat(directory, "/", SegmentName(number))));
  return files.SyncDirectory(directory);
}

absl::Status ScanSegment(const JournalIdentity& identity,
                         const EntryId& next_base, Segment& segment) {
  JournalWalk walk(identity, segment.header.base, /*checkpoint=*/{});
  AlignedBuffer buffer;
  absl::string_view bytes;
  LEDGERD_RETURN_IF_ERROR(ReadSegment(segment, buffer, bytes));
  walk.AddSegment(segment.header, bytes);
  if (!walk.bad().has_value() && walk.last() == next_base) {
    segment.places = walk.places();
    segment.end = walk.end();
    segment.scanned = true;
    return absl::OkStatus();
  }
  const Sequence sequence =
      walk.bad().has_value() ? walk.bad()->sequence : walk.last().sequence;
  return absl::DataLossError(absl::StrCat(
      "journal damaged at sequence ", sequence.value(), ", file ", segment.path,
      ", offset ", walk.bad().has_value() ? walk.bad()->offset : walk.end(),
      ": ",
      walk.bad().has_value() ? walk.bad()->reason
                             : "does not lead to the next segment"));
}

absl::StatusOr<std::string> UnusedPath(FileSystem& files,
                                       const std::string& directory,
                                       absl::string_view stem) {
  LEDGERD_ASSIGN_OR_RETURN(const auto names, files.List(directory));
  std::string name(stem);
  for (int i = 2; std::find(names.begin(), names.end(), name) != names.end();
       ++i) {
    name = absl::StrCat(stem, "-", i);
  }
  return absl::StrCat(directory, "/", name);
}

absl::Status CopyAside(FileSystem& files, const Segment& segment,
                       BlockRange range, const std::string& path) {
  AlignedBuffer buffer;
  const absl::Span<char> blocks = buffer.Reserve(range.end - range.begin);
  LEDGERD_RETURN_IF_ERROR(segment.file->Read(range.begin, blocks));
  LEDGERD_ASSIGN_OR_RETURN(const auto copy, files.Create(path));
  if (absl::Status status = WriteAndSync(*copy, blocks); !status.ok()) {
    files.Remove(path).IgnoreError();
    return status;
  }
  return files.SyncDirectory(path.substr(0, path.rfind('/')));
}

}  // namespace ledgerd::storage
