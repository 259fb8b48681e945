#include "storage/rolled_back.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

#include "proto/base/status_macros.h"
#include "storage/identity_file.h"
#include "storage/journal_record.h"
#include "storage/segment.h"

#include <sys/stat.h>

namespace ledgerd::storage {
namespace {

// A file of one rollback, of one segment.
struct CutFile {
  std::string path;
  Sequence from;
  SegmentNumber segment;
  Timestamp at;
};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  if (!in.good() && !in.eof()) {
    return absl::UnavailableError(absl::StrCat(path, ": cannot be read"));
  }
  return bytes;
}

// When its inode was changed: by its making, or by the rename that moved it.
Timestamp TimeOf(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return Timestamp(0);
  return Timestamp(static_cast<uint64_t>(status.st_ctim.tv_sec) *
                       kNanosPerSecond +
                   static_cast<uint64_t>(status.st_ctim.tv_nsec));
}

// Nothing for a file that is none of a rollback.
std::optional<CutFile> ParseName(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '-');
  uint64_t from = 0;
  uint64_t segment = 0;
  if (!absl::StartsWith(name, "rolled-back-from-sequence-") ||
      parts.size() < 7 || !absl::SimpleAtoi(parts[4], &from) ||
      !absl::SimpleAtoi(parts[6], &segment)) {
    return std::nullopt;
  }
  return CutFile{.path = path.string(),
                 .from = Sequence(from),
                 .segment = SegmentNumber(segment),
                 .at = TimeOf(path.string())};
}

absl::StatusOr<std::vector<CutFile>> ListFiles(const std::string& directory) {
  std::error_code error;
  std::vector<CutFile> files;
  // When the last file of a rollback from there was put aside.
  std::map<Sequence, Timestamp> ended;
  for (std::filesystem::directory_iterator next(directory, error), end;
       !error && next != end; next.increment(error)) {
    auto file = ParseName(next->path());
    if (!file.has_value()) continue;
    ended[file->from] = std::max(ended[file->from], file->at);
    files.push_back(*std::move(file));
  }
  if (error) {
    return absl::UnavailableError(
        absl::StrCat(directory, ": ", error.message()));
  }
  std::sort(files.begin(), files.end(),
            [&ended](const CutFile& a, const CutFile& b) {
              return std::tuple(ended[b.from], b.from, a.segment, a.at) <
                     std::tuple(ended[a.from], a.from, b.segment, b.at);
            });
  return files;
}

// The entry at the beginning of `bytes`, if it is one of the file's.
std::optional<Entry> EntryAt(absl::string_view bytes, const CutFile& file,
                             const JournalIdentity& identity) {
  if (bytes.size() < kFrameBytes || !MayBeFrame(bytes.data())) return {};
  // Where in its segment a tail begins is not known here: whatever is whole
  // counts that was written for this segment.
  const FrameCheck check =
      CheckFrame(bytes, {.cluster = identity.cluster, .segment = file.segment},
                 identity.salt);
  if (check.verdict == FrameVerdict::kNone ||
      check.verdict == FrameVerdict::kNewer) {
    return {};
  }
  const RecordFrame& frame = check.frame;
  if (frame.place.cluster != identity.cluster ||
      frame.place.segment != file.segment || frame.kind != RecordKind::kEntry ||
      frame.sequence < file.from ||
      frame.entry_bytes > bytes.size() - kFrameBytes) {
    return {};
  }
  auto entry =
      Entry::Parse(std::string(bytes.substr(kFrameBytes, frame.entry_bytes)));
  if (!entry.ok() || entry->hash() != frame.hash) return {};
  return *std::move(entry);
}

// False when `visit` has had enough.
absl::StatusOr<bool> ReadEntries(
    const CutFile& file, const JournalIdentity& identity,
    const std::function<bool(const RolledBackEntry&)>& visit) {
  LEDGERD_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file.path));
  for (size_t at = 0; at + kFrameBytes <= bytes.size();) {
    const auto entry =
        EntryAt(absl::string_view(bytes).substr(at), file, identity);
    if (entry.has_value()) {
      if (!visit({*entry, file.at, file.from})) return false;
      at += RecordBytes(entry->bytes().size());
    } else {
      at += kRecordAlignment;
    }
  }
  return true;
}

}  // namespace

absl::Status ReadRolledBack(
    const std::string& data_dir,
    const std::function<bool(const RolledBackEntry&)>& visit) {
  LEDGERD_ASSIGN_OR_RETURN(const std::string text,
                           ReadFile(data_dir + "/IDENTITY"));
  LEDGERD_ASSIGN_OR_RETURN(const JournalIdentity identity,
                           DecodeIdentity(text));
  LEDGERD_ASSIGN_OR_RETURN(const auto files,
                           ListFiles(data_dir + "/rolled_back"));
  for (const CutFile& file : files) {
    LEDGERD_ASSIGN_OR_RETURN(const bool more,
                             ReadEntries(file, identity, visit));
    if (!more) break;
  }
  return absl::OkStatus();
}

}  // namespace ledgerd::storage
