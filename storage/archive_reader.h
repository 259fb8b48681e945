// An ArchiveReader finds the entries that follow a given one in archives of a
// journal's segments, whichever replica has stored them.
//
//   LEDGERD_ASSIGN_OR_RETURN(
//       auto reader, ArchiveReader::Open(files, {"/archive"}, cluster));
//   LEDGERD_ASSIGN_OR_RETURN(auto entries, reader.ReadAfter(last));  // again
//
// Shape       Joined by hash: an entry is taken only if it follows the last. Of
//             a replica's segments one at most is read at a time, so what is
//             older than `last` costs nothing.
// Errors      DATA_LOSS  what comes next is damaged in all files that have it
//                        (the message names the first), or is missing while
//                        there is something after it.
//             NOT_FOUND  (Open) no such directory.
// Threads     One at a time.
// Source      FORMAT.md, "The archive".
#ifndef LEDGERD_STORAGE_ARCHIVE_READER_H_
#define LEDGERD_STORAGE_ARCHIVE_READER_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/entry.h"
#include "proto/types.h"
#include "storage/file.h"

namespace ledgerd::storage {

class ArchiveReader {
 public:
  // `files` outlives it.
  static absl::StatusOr<ArchiveReader> Open(
      FileSystem& files, const std::vector<std::string>& directories,
      ClusterId cluster);

  // Entries that follow `last`, to the end of a segment; none when there are
  // no more.
  absl::StatusOr<std::vector<Entry>> ReadAfter(const EntryId& last);

 private:
  // Paths by base.
  using Series = std::map<Sequence, std::string>;

  explicit ArchiveReader(FileSystem& files) : files_(files) {}

  absl::Status AddDirectory(const std::string& directory, ClusterId cluster);
  // That what nothing follows is the end of all.
  absl::Status CheckNoGap(const EntryId& last) const;

  FileSystem& files_;
  // By directory, replica and incarnation, as their names say it.
  std::map<std::string, Series> series_;
};

// All entries of an archived segment.
absl::StatusOr<std::vector<Entry>> ReadArchivedSegment(FileSystem& files,
                                                       const std::string& path);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_ARCHIVE_READER_H_
