// The Journal on the disk: segments of fixed size, one write and one sync for
// each Append.
//
//   LEDGERD_ASSIGN_OR_RETURN(
//       auto journal, SegmentJournal::Open(PosixFiles(), data_dir->journal(),
//                                          data_dir->identity(), {}));
//   LEDGERD_RETURN_IF_ERROR(journal->Append(entries, commit_point));
//
// Shape       As journal.h says. A group of records never crosses segments; one
//             that does not fit into what is left begins the next segment.
// Durability  Opening sets torn records aside and makes what is left durable.
// Errors      As journal.h says, and of Open:
//             DATA_LOSS           damaged, or promises forgotten; nothing was
//                                 changed.
//             RESOURCE_EXHAUSTED  torn records cannot be set aside.
// Archive     With keep_until_archived nothing goes that is not in the archive:
//             a disk that it fills is RESOURCE_EXHAUSTED, and goes on by itself
//             when the archive has caught up.
// Threads     As journal.h says. A thread of its own makes segments ahead.
// Source      Layout and figures: FORMAT.md.
#ifndef LEDGERD_STORAGE_SEGMENT_JOURNAL_H_
#define LEDGERD_STORAGE_SEGMENT_JOURNAL_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "proto/base/mutex.h"
#include "proto/entry.h"
#include "proto/types.h"
#include "storage/file.h"
#include "storage/journal.h"
#include "storage/journal_record.h"
#include "storage/journal_recovery.h"
#include "storage/pace.h"
#include "storage/segment.h"
#include "storage/segment_archive.h"
#include "storage/segment_damage.h"
#include "storage/spare_segments.h"
#include "storage/superblock.h"

namespace ledgerd::storage {

inline constexpr uint64_t kSegmentBytesDefault = uint64_t{64} << 20;
inline constexpr uint64_t kRetentionBytesDefault = uint64_t{1} << 30;

// A group of entries that one write and one sync have made durable.
struct WrittenGroup {
  size_t entries = 0;
  // Both of them.
  std::chrono::nanoseconds took{0};
};

struct SegmentJournalOptions {
  // Of new segments; a multiple of kBlockBytes, with room for the longest
  // entry.
  uint64_t segment_bytes = kSegmentBytesDefault;
  // What Release leaves for replicas that are behind.
  uint64_t retention_bytes = kRetentionBytesDefault;
  // Release leaves what SetArchived has not covered.
  bool keep_until_archived = false;
  // Tests turn it off, so that all happens on one thread.
  bool prepare_in_background = true;
  // Told of each group, on the journal thread; quick. Empty: nobody asks.
  std::function<void(const WrittenGroup&)> on_group;
};

// Damage of a segment, for as long as that is part of the journal.
struct SegmentDamage {
  std::shared_ptr<Segment> segment;
  DamagedRun run;
};

struct PreparedMend {
  SegmentDamage damage;
  Mend mend;
};

class SegmentJournal final : public Journal {
 public:
  // Read at a time by FindDamageIn.
  static constexpr uint64_t kCheckBytes = uint64_t{256} << 10;

  // Requires: this process alone has the data directory (DataDir's lock);
  // `files` outlives the journal.
  static absl::StatusOr<std::unique_ptr<SegmentJournal>> Open(
      FileSystem& files, const JournalPaths& paths,
      const JournalIdentity& identity, const SegmentJournalOptions& options);

  absl::Status Append(absl::Span<const Entry> entries,
                      Sequence commit_point) override;
  absl::Status WriteFiller() override;
  absl::Status RollBack(Sequence from) override;
  absl::Status Release(Sequence through) override;
  absl::Status WriteSuperblock(const Superblock& superblock) override;
  absl::Status Install(const Superblock& superblock) override;
  absl::StatusOr<std::vector<Entry>> Read(Sequence from,
                                          uint64_t bytes_max) const override;
  Outline TakeOutline() override;
  EntryId base() const override;
  EntryId last() const override;
  Timestamp last_timestamp() const override;
  Superblock superblock() const override;

  // The oldest segment that is not archived, once it is complete and none of
  // its entries is above the checkpoint: all of it is committed. Any thread.
  std::optional<CompleteSegment> NextToArchive() const;

  // Entries up to `through` are in the archive. Any thread.
  void SetArchived(Sequence through);

  // ---- damage (segment_damage.h), any thread but for Perform

  // Those that there are now, to be looked at one after the other.
  std::vector<SegmentNumber> segments() const;

  // Reads all of a segment again, as far as it was written when this was
  // called, kCheckBytes at a time; `pace` is told of each, and may wait. None
  // when the segment is gone meanwhile. DATA_LOSS: as FindDamage; no entry
  // mends it. Takes as much memory as a segment has bytes.
  absl::StatusOr<std::vector<SegmentDamage>> FindDamageIn(
      SegmentNumber number, const Pace& pace) const;

  // An entry whose record is whole, whatever else of its segment is damaged;
  // all of that is read. DATA_LOSS: it is not; OUT_OF_RANGE: as Read.
  absl::StatusOr<Entry> Salvage(Sequence sequence) const;

  // INVALID_ARGUMENT: not the entries that were there.
  absl::StatusOr<PreparedMend> PrepareMend(
      const SegmentDamage& damage, absl::Span<const Entry> entries) const;

  // The journal thread. Writes and syncs it: a crash leaves the damage or the
  // entries, and all else as it is. ABORTED: the segment has been released, or
  // rolled back; nothing was done.
  absl::Status PerformMend(const PreparedMend& mend);

  // The first entry that Open found torn and set aside; 0 when there was none.
  Sequence torn() const { return torn_; }

  // The superblock's version that Open found, and upgraded when it is lower
  // than kSuperblockVersion.
  uint32_t found_superblock_version() const {
    return superblock_file_->found_version();
  }

 private:
  // Some of the entries of an Append, and the bytes of their records.
  struct Group {
    absl::Span<const Entry> entries;
    uint64_t bytes = 0;
    bool begins_segment = false;
  };

  // Where the records of some entries lie, one behind the other.
  struct Extent {
    std::shared_ptr<Segment> segment;
    std::vector<uint64_t> offsets;
    uint64_t end = 0;
    // Set when the segment must be scanned first: the next one's base.
    std::optional<EntryId> scan_up_to;
  };

  SegmentJournal(FileSystem& files, JournalPaths paths,
                 const JournalIdentity& identity,
                 const SegmentJournalOptions& options,
                 std::unique_ptr<SuperblockFile> superblock,
                 RecoveredJournal found);

  // Passes `status` on, and keeps it when it is an error: no write follows it.
  absl::Status Fatal(const absl::Status& status);

  // segment_journal.cc
  std::shared_ptr<Segment> Current() const;
  void CheckContinues(absl::Span<const Entry> entries) const;
  std::vector<Group> MakeGroups(absl::Span<const Entry> entries) const;
  // As SpareSegments says; on a full disk it first lets go of what the archive
  // has got since the last Release.
  absl::Status EnsureSpares(size_t count);
  absl::Status BeginSegment();
  absl::Status WriteGroup(const Group& group);
  absl::Status WriteFillerRecord();
  RecordFrame MakeFrame(const Segment& segment, uint64_t offset,
                        RecordKind kind) const;
  std::shared_ptr<Segment> PopReleasable(Sequence through);

  // segment_journal_read.cc
  absl::StatusOr<Extent> FindExtent(Sequence from, uint64_t bytes_max) const;
  absl::Status Scan(const Extent& extent) const;
  absl::Status ReadExtent(const Extent& extent, uint64_t bytes_max,
                          std::vector<Entry>& entries) const;

  // segment_journal_roll_back.cc
  absl::Status CopyTail(const Segment& segment, Sequence from);
  absl::StatusOr<std::shared_ptr<Segment>> WriteShorter(
      const Segment& segment, Sequence from, const std::string& path);
  absl::Status MoveAside(size_t keep, Sequence from);

  // segment_journal_mend.cc
  struct Checked {
    std::shared_ptr<Segment> segment;
    // Of its file, whole blocks.
    uint64_t bytes = 0;
    ChainLink end;
  };

  // Nothing when it is gone.
  std::optional<Checked> ToCheck(SegmentNumber number) const;

  // segment_journal_install.cc
  absl::StatusOr<std::shared_ptr<Segment>> MakeInstalling(SegmentNumber number,
                                                          const EntryId& base);
  // Copies entries from `from` on aside; `copies` are their paths.
  absl::Status CopyReplaced(Sequence from, std::vector<std::string>& copies);

  FileSystem& files_;
  const JournalPaths paths_;
  const JournalIdentity identity_;
  const SegmentJournalOptions options_;
  const Sequence torn_;
  // As opening found it, until it is taken.
  std::optional<Outline> outline_;

  // The journal thread's alone.
  SpareSegments spares_;
  AlignedBuffer buffer_;
  const std::unique_ptr<SuperblockFile> superblock_file_;
  absl::Status failure_;
  Sequence commit_point_;
  // The highest synced_through that is on the disk.
  Sequence recorded_;

  mutable Mutex mutex_;
  // What is in a Segment changes under the lock too.
  std::vector<std::shared_ptr<Segment>> segments_ LEDGERD_GUARDED_BY(mutex_);
  EntryId last_ LEDGERD_GUARDED_BY(mutex_);
  Timestamp last_timestamp_ LEDGERD_GUARDED_BY(mutex_);
  Superblock superblock_ LEDGERD_GUARDED_BY(mutex_);
  Sequence archived_ LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_SEGMENT_JOURNAL_H_
