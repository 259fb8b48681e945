#include "storage/segment_archive.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"

#include "proto/base/status_macros.h"
#include "storage/identity_file.h"
#include "storage/journal_recovery.h"

namespace ledgerd::storage {
namespace {

constexpr size_t kCopyBytes = size_t{1} << 20;

absl::Status CopyBytes(const File& from, uint64_t bytes, File& to) {
  LEDGERD_RETURN_IF_ERROR(to.Allocate(bytes));
  AlignedBuffer buffer;
  for (uint64_t at = 0; at < bytes;) {
    const absl::Span<char> part =
        buffer.Reserve(std::min<uint64_t>(kCopyBytes, bytes - at));
    LEDGERD_RETURN_IF_ERROR(from.Read(at, part));
    LEDGERD_RETURN_IF_ERROR(to.Write(at, {part.data(), part.size()}));
    at += part.size();
  }
  return to.Sync();
}

}  // namespace

std::string ArchivedName(const JournalIdentity& identity, Sequence base) {
  return absl::StrFormat("%s-%020d-%d-%d.segment", ToHex(identity.cluster),
                         base.value(), identity.replica.value(),
                         identity.incarnation);
}

absl::Status SegmentArchive::Store(const JournalIdentity& identity,
                                   const CompleteSegment& segment) {
  const std::string path = absl::StrCat(
      directory_, "/", ArchivedName(identity, segment.header.base.sequence));
  // Of an earlier process, or of a try whose last step failed.
  if (Check(identity, segment, path).ok()) {
    return files_.SyncDirectory(directory_);
  }
  const std::string unfinished = absl::StrCat(path, ".unfinished");
  if (absl::Status status = files_.Remove(unfinished);
      !status.ok() && !absl::IsNotFound(status)) {
    return status;
  }
  absl::Status status = Copy(segment, unfinished);
  if (status.ok()) status = Check(identity, segment, unfinished);
  if (!status.ok()) {
    files_.Remove(unfinished).IgnoreError();
    return status;
  }
  LEDGERD_RETURN_IF_ERROR(files_.Rename(unfinished, path));
  return files_.SyncDirectory(directory_);
}

absl::Status SegmentArchive::Copy(const CompleteSegment& segment,
                                  const std::string& to) {
  LEDGERD_ASSIGN_OR_RETURN(const auto file, files_.Create(to));
  return CopyBytes(*segment.file, segment.header.bytes, *file);
}

absl::Status SegmentArchive::Check(const JournalIdentity& identity,
                                   const CompleteSegment& segment,
                                   const std::string& path) {
  Segment copy;
  copy.header = segment.header;
  copy.path = path;
  LEDGERD_ASSIGN_OR_RETURN(copy.file, files_.Open(path));
  LEDGERD_ASSIGN_OR_RETURN(const uint64_t bytes, copy.file->Size());
  if (bytes != segment.header.bytes) {
    return absl::DataLossError(absl::StrCat(
        path, " has ", bytes, " bytes instead of ", segment.header.bytes));
  }
  std::string block(kBlockBytes, '\0');
  LEDGERD_RETURN_IF_ERROR(copy.file->Read(0, absl::MakeSpan(block)));
  LEDGERD_ASSIGN_OR_RETURN(const SegmentHeader header,
                           DecodeSegmentHeader(identity, block));
  if (header != segment.header) {
    return absl::DataLossError(absl::StrCat(path, " is another segment"));
  }
  return ScanSegment(identity, segment.end, copy);
}

}  // namespace ledgerd::storage
