// A data directory: everything that one replica keeps on disk, locked while it
// runs.
//
//   LEDGERD_RETURN_IF_ERROR(DataDir::Format("/var/lib/ledgerd", options));
//   LEDGERD_ASSIGN_OR_RETURN(auto dir, DataDir::Open("/var/lib/ledgerd", {}));
//   LEDGERD_ASSIGN_OR_RETURN(auto journal, dir->OpenJournal({}));
//
// Shape       LOCK, IDENTITY, superblock, journal/, state/, rolled_back/,
//             incoming/, reserve. FORMAT.md, "The data directory".
// Durability  All that Format makes is synced when it returns OK; IDENTITY is
//             written last, so that a half-made directory is never opened.
// Errors      ALREADY_EXISTS       (Format) there is something at the path.
//             NOT_FOUND            (Open) there is nothing.
//             ABORTED              (Open) in use.
//             FAILED_PRECONDITION  (Open) of another cluster or replica, of a
//                                  newer format, or half-made.
//             DATA_LOSS            (Open) IDENTITY is damaged.
//             Each says which path, what is wrong, and what to do.
// Threads     One at a time.
#ifndef LEDGERD_STORAGE_DATA_DIR_H_
#define LEDGERD_STORAGE_DATA_DIR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/entry.h"
#include "proto/membership.h"
#include "proto/types.h"
#include "storage/journal_recovery.h"
#include "storage/segment.h"
#include "storage/segment_journal.h"

namespace ledgerd::storage {

// Space that is given up for a clean shutdown on a full disk.
inline constexpr uint64_t kReserveBytesDefault = uint64_t{64} << 20;

class DataDir {
 public:
  struct FormatOptions {
    ClusterId cluster;
    ReplicaId replica;
    uint32_t incarnation = 1;
    // With which the group begins; in any order, at most kMembersMax. None for
    // a replica that is to join a group, and learns from it who is in it.
    std::vector<Member> members;
    // The journal goes on after this checkpoint, whose state the caller adds;
    // {0, 0, zeros}: it begins.
    EntryId begins_after;
    uint64_t segment_bytes = kSegmentBytesDefault;
    uint64_t reserve_bytes = kReserveBytesDefault;
  };

  // What the configuration says; unset: whatever is there is right.
  struct Expected {
    std::optional<ClusterId> cluster;
    std::optional<ReplicaId> replica;
  };

  static absl::Status Format(const std::string& path,
                             const FormatOptions& options);

  static absl::StatusOr<std::unique_ptr<DataDir>> Open(
      const std::string& path, const Expected& expected);

  // Lets the lock go.
  ~DataDir();

  DataDir(const DataDir&) = delete;
  DataDir& operator=(const DataDir&) = delete;

  const std::string& path() const { return path_; }

  const JournalIdentity& identity() const { return identity_; }

  JournalPaths journal_paths() const;

  // RocksDB's directory.
  std::string state_path() const { return path_ + "/state"; }

  // Where a checkpoint from another replica is received.
  std::string incoming_path() const { return path_ + "/incoming"; }

  // SegmentJournal::Open on the system's files. Gives the reserve up when torn
  // records cannot be set aside without its space.
  absl::StatusOr<std::unique_ptr<SegmentJournal>> OpenJournal(
      const SegmentJournalOptions& options);

  // Gives the reserve's space to whoever needs it now. OK when it is given up
  // already.
  absl::Status ReleaseReserve();

  // Takes it again; RESOURCE_EXHAUSTED when the disk is too full. Does nothing
  // when it is there.
  absl::Status RestoreReserve(uint64_t bytes);

 private:
  DataDir(std::string path, int lock, const JournalIdentity& identity)
      : path_(std::move(path)), lock_(lock), identity_(identity) {}

  const std::string path_;
  const int lock_;
  const JournalIdentity identity_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_DATA_DIR_H_
