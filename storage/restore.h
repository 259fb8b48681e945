// Makes a data directory of a backup: as of its end, or of a moment before or
// after that, with the archive of the journal.
//
//   LEDGERD_ASSIGN_OR_RETURN(const Restored restored,
//                            Restore({.backup = "/backups/monday",
//                                     .archives = {"/archive"},
//                                     .data_dir = "/var/lib/ledgerd",
//                                     .target = {.sequence = Sequence(7)}}));
//
// Shape       One replica of a new group, alone in it, with an identity that no
//             group has had: no replica of the old one speaks with it. The
//             state is the backup's checkpoint; its journal has the entries
//             from there to the target, which a start replays.
// Durability  The directory has its name once all of it is synced; what was cut
//             short is not there (unfinished_directory.h).
// Errors      INVALID_ARGUMENT     the target is before the backup's
//                                  checkpoint: an older backup is needed.
//             OUT_OF_RANGE         backup and archive end before the target.
//             DATA_LOSS            either is damaged; which file.
//             ALREADY_EXISTS       there is something at data_dir.
// Threads     One at a time.
#ifndef LEDGERD_STORAGE_RESTORE_H_
#define LEDGERD_STORAGE_RESTORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/entry.h"
#include "proto/types.h"
#include "storage/data_dir.h"
#include "storage/segment_journal.h"

namespace ledgerd::storage {

// One of them at most; neither: all that there is.
struct RestoreTarget {
  std::optional<Sequence> sequence;
  // The last entry that is not later.
  std::optional<Timestamp> time;
};

struct RestoreOptions {
  std::string backup;
  std::vector<std::string> archives;
  std::string data_dir;
  ReplicaId replica{1};
  RestoreTarget target;
  // Of the new journal, and what the data directory holds back (data_dir.h).
  uint64_t segment_bytes = kSegmentBytesDefault;
  uint64_t reserve_bytes = kReserveBytesDefault;
};

struct Restored {
  ClusterId cluster;
  EntryId last;
  Timestamp last_timestamp;
};

absl::StatusOr<Restored> Restore(const RestoreOptions& options);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_RESTORE_H_
