#include "storage/archive_reader.h"

#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "proto/base/status_macros.h"
#include "storage/identity_file.h"
#include "storage/journal_record.h"
#include "storage/segment.h"
#include "storage/segment_walk.h"

namespace ledgerd::storage {
namespace {

constexpr absl::string_view kSuffix = ".segment";
// No segment is longer (config.proto).
constexpr uint64_t kSegmentBytesMax = uint64_t{1} << 30;

absl::Status Damaged(const std::string& path, absl::string_view why) {
  return absl::DataLossError(
      absl::StrCat("the archive is damaged: ", path, ": ", why));
}

absl::StatusOr<std::vector<Entry>> EntriesOf(const JournalIdentity& identity,
                                             const SegmentHeader& header,
                                             absl::string_view bytes) {
  JournalWalk walk(identity, header.base, /*checkpoint=*/{});
  walk.AddSegment(header, bytes);
  if (walk.bad().has_value()) {
    return absl::DataLossError(absl::StrCat(
        "entry ", walk.bad()->sequence.value(), ": ", walk.bad()->reason));
  }
  std::vector<Entry> entries;
  for (const uint32_t place : walk.places()) {
    const uint64_t offset = uint64_t{place} * kRecordAlignment;
    const absl::string_view record = bytes.substr(offset);
    const FrameCheck check = CheckFrame(record,
                                        {.cluster = identity.cluster,
                                         .segment = header.number,
                                         .offset = offset},
                                        identity.salt);
    LEDGERD_ASSIGN_OR_RETURN(Entry entry, EntryOfRecord(check.frame, record));
    entries.push_back(std::move(entry));
  }
  return entries;
}

// Those that follow `last`, of entries in order.
absl::StatusOr<std::vector<Entry>> After(const EntryId& last,
                                         std::vector<Entry> entries) {
  size_t first = 0;
  while (first < entries.size() && entries[first].sequence() <= last.sequence) {
    ++first;
  }
  entries.erase(entries.begin(),
                entries.begin() + static_cast<std::ptrdiff_t>(first));
  if (entries.empty() || (entries.front().sequence() == last.sequence.Next() &&
                          entries.front().previous_hash() == last.hash)) {
    return entries;
  }
  return absl::DataLossError(
      absl::StrCat("its entry ", entries.front().sequence().value(),
                   " does not follow entry ", last.sequence.value(),
                   ": it is of another history, or a segment is missing"));
}

}  // namespace

absl::StatusOr<std::vector<Entry>> ReadArchivedSegment(
    FileSystem& files, const std::string& path) {
  LEDGERD_ASSIGN_OR_RETURN(const auto file, files.Open(path));
  auto bytes = ReadWhole(*file, kSegmentBytesMax);
  if (!bytes.ok()) return Damaged(path, bytes.status().message());
  const absl::string_view block =
      absl::string_view(*bytes).substr(0, kBlockBytes);
  const auto identity = ReadSegmentIdentity(block);
  if (!identity.ok()) return Damaged(path, identity.status().message());
  const auto header = DecodeSegmentHeader(*identity, block);
  if (!header.ok()) return Damaged(path, header.status().message());
  if (header->bytes != bytes->size()) return Damaged(path, "it is cut short");
  auto entries = EntriesOf(*identity, *header, *bytes);
  if (!entries.ok()) return Damaged(path, entries.status().message());
  return entries;
}

absl::StatusOr<ArchiveReader> ArchiveReader::Open(
    FileSystem& files, const std::vector<std::string>& directories,
    ClusterId cluster) {
  ArchiveReader reader(files);
  for (const std::string& directory : directories) {
    LEDGERD_RETURN_IF_ERROR(reader.AddDirectory(directory, cluster));
  }
  return reader;
}

absl::Status ArchiveReader::AddDirectory(const std::string& directory,
                                         ClusterId cluster) {
  LEDGERD_ASSIGN_OR_RETURN(const auto names, files_.List(directory));
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, kSuffix)) continue;
    const std::vector<std::string> parts = absl::StrSplit(name, '-');
    uint64_t base = 0;
    if (parts.size() != 4 || parts[0] != ToHex(cluster) ||
        !absl::SimpleAtoi(parts[1], &base)) {
      continue;
    }
    Series& series =
        series_[absl::StrCat(directory, "/", parts[2], "-", parts[3])];
    series[Sequence(base)] = absl::StrCat(directory, "/", name);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Entry>> ArchiveReader::ReadAfter(
    const EntryId& last) {
  absl::Status damage;
  for (const auto& [name, series] : series_) {
    auto found = series.upper_bound(last.sequence);
    if (found == series.begin()) continue;
    const std::string& path = std::prev(found)->second;
    auto entries = ReadArchivedSegment(files_, path);
    if (entries.ok()) {
      entries = After(last, *std::move(entries));
      if (!entries.ok()) entries = Damaged(path, entries.status().message());
    }
    if (entries.ok() && !entries->empty()) return entries;
    if (!entries.ok()) damage.Update(entries.status());
  }
  if (!damage.ok()) return damage;
  LEDGERD_RETURN_IF_ERROR(CheckNoGap(last));
  return std::vector<Entry>();
}

absl::Status ArchiveReader::CheckNoGap(const EntryId& last) const {
  for (const auto& [name, series] : series_) {
    const auto later = series.upper_bound(last.sequence);
    if (later == series.end()) continue;
    return absl::DataLossError(absl::StrCat(
        "the archive has a gap: it has nothing after entry ",
        last.sequence.value(), ", and goes on after entry ",
        later->first.value(), " with ", later->second,
        ": give the archives of all replicas, or ask for what is before it"));
  }
  return absl::OkStatus();
}

}  // namespace ledgerd::storage
