// A SegmentArchive keeps copies of a journal's segments in another directory,
// on another disk if it is to be of use: what a restore to a moment reads.
//
//   SegmentArchive archive(PosixFiles(), "/mnt/archive/ledger");
//   while (const auto segment = journal->NextToArchive()) {
//     LEDGERD_RETURN_IF_ERROR(archive.Store(identity, *segment));
//     journal->SetArchived(segment->end.sequence);
//   }
//
// Shape       One file a segment, the same bytes, named by cluster, base,
//             replica and incarnation: so several replicas, or groups, may have
//             one directory. Only of segments that are committed as a whole.
// Durability  A file gets its name once it is whole, synced, and was read
//             back, entry by entry. Storing one that is there reads it again,
//             and replaces it when it is damaged.
// Errors      DATA_LOSS           the segment is damaged, or its copy is.
//             RESOURCE_EXHAUSTED  no space there; what was begun is removed.
//             NOT_FOUND           there is no such directory.
//             Any may be tried again: the archive is not the journal's disk.
// Threads     One at a time.
// Source      Layout: FORMAT.md, "The archive".
#ifndef LEDGERD_STORAGE_SEGMENT_ARCHIVE_H_
#define LEDGERD_STORAGE_SEGMENT_ARCHIVE_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"

#include "proto/entry.h"
#include "proto/types.h"
#include "storage/file.h"
#include "storage/segment.h"

namespace ledgerd::storage {

// A segment that nothing is written to any more.
struct CompleteSegment {
  SegmentHeader header;
  std::string path;
  std::shared_ptr<const File> file;
  // Its last entry: the next segment's base.
  EntryId end;
};

// The name of a segment's copy.
std::string ArchivedName(const JournalIdentity& identity, Sequence base);

class SegmentArchive {
 public:
  // `files` outlives it.
  SegmentArchive(FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  absl::Status Store(const JournalIdentity& identity,
                     const CompleteSegment& segment);

  const std::string& directory() const { return directory_; }

 private:
  absl::Status Copy(const CompleteSegment& segment, const std::string& to);
  // DATA_LOSS unless the file at `path` is a copy of the segment.
  absl::Status Check(const JournalIdentity& identity,
                     const CompleteSegment& segment, const std::string& path);

  FileSystem& files_;
  const std::string directory_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_SEGMENT_ARCHIVE_H_
