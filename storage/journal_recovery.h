// Opens the segments of a journal after a crash, and decides what is believed.
//
//   LEDGERD_ASSIGN_OR_RETURN(
//       RecoveredJournal found,
//       RecoverJournal(files, places, identity, superblock.checkpoint));
//
// Shape       Reads every segment that holds entries above the checkpoint, and
//             the one with the last entry; of older ones only the header. Torn
//             records at the end are copied to rolled_back/ and then zeroed.
//             An Install that a crash has cut short is ended, or undone.
// Durability  What is found is on the disk when this returns: the last segment
//             is synced, whatever the process before has left.
// Errors      DATA_LOSS  damaged, missing, or below the checkpoint. Nothing has
//                        been changed. The message names sequence, file,
//                        offset.
//             RESOURCE_EXHAUSTED  no space to set torn records aside.
// Source      FORMAT.md, "Recovery"; the rules themselves: segment_walk.h.
#ifndef LEDGERD_STORAGE_JOURNAL_RECOVERY_H_
#define LEDGERD_STORAGE_JOURNAL_RECOVERY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "proto/entry.h"
#include "proto/types.h"
#include "storage/file.h"
#include "storage/journal.h"
#include "storage/segment.h"

namespace ledgerd::storage {

// Where a journal's files are.
struct JournalPaths {
  std::string superblock;   // A file.
  std::string journal;      // A directory, like the next.
  std::string rolled_back;  // What was cut off the journal, for people.
};

struct RecoveredJournal {
  // At least one, in order; the last one is scanned.
  std::vector<std::shared_ptr<Segment>> segments;
  // Of what was read: from the segment with the checkpoint on.
  Outline outline;
  EntryId last;
  Timestamp last_timestamp;
  // What the records themselves say was on the disk.
  Sequence synced_through;
  // The first entry that was torn, and cut; 0 when none was.
  Sequence torn;
};

absl::StatusOr<RecoveredJournal> RecoverJournal(FileSystem& files,
                                                const JournalPaths& paths,
                                                const JournalIdentity& identity,
                                                const EntryId& checkpoint);

// The name of a segment that is to take the place of all others: it does once
// the superblock's checkpoint is its base.
std::string InstallingName(SegmentNumber number);

// Removes all segments, and makes the one that is to take their place a
// segment. May be repeated.
absl::Status ReplaceSegments(FileSystem& files, const std::string& directory,
                             SegmentNumber number);

// Reads a segment again that was opened by its header alone, and fills in its
// places. `next_base` is the base of the segment after it.
absl::Status ScanSegment(const JournalIdentity& identity,
                         const EntryId& next_base, Segment& segment);

// A path in `directory` that begins with `stem` and is not taken.
absl::StatusOr<std::string> UnusedPath(FileSystem& files,
                                       const std::string& directory,
                                       absl::string_view stem);

// Whole blocks of a file.
struct BlockRange {
  uint64_t begin = 0;
  uint64_t end = 0;
};

// Copies some of a segment to the new file `path` of another directory, and
// syncs the file and the directory.
absl::Status CopyAside(FileSystem& files, const Segment& segment,
                       BlockRange range, const std::string& path);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_JOURNAL_RECOVERY_H_
