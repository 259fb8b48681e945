// A Journal in memory, for simulation: the same promises, and the faults of a
// disk without its cost.
//
//   MemoryJournalDisk disk(seed);
//   LEDGERD_ASSIGN_OR_RETURN(auto journal, MemoryJournal::Open(disk, {}));
//   ...
//   disk.CrashInAppend();         // the next Append fails half way
//   journal.reset();
//   disk.PowerCut();
//   journal = MemoryJournal::Open(disk, {});
//
// The fault model (that of FaultyFiles, seen from the entries):
//
// - An Append that returned OK is durable, and so is a superblock.
// - An Append that fails, or that a crash interrupts, has written its records
//   and not synced them. A power cut then keeps or loses each by itself
//   (`keep` decides); a process that only restarts finds all of them.
// - A failed sync loses some of them at once, though the same process would
//   still read them; after it, and after a failed write, nothing is written.
// - A full disk fails Append, RollBack and Install with RESOURCE_EXHAUSTED and
//   changes nothing. Superblocks and fillers have their place already.
// - Rot: a record, or the superblock, becomes unreadable. A misdirected write:
//   a record stands in another one's place, and its own is as unreadable. A
//   stale write: a place still has what stood there before, of an entry that
//   was rolled back, or nothing. What opening does about them is the table of
//   FORMAT.md, "Recovery": cut when torn, refuse when damaged. Read refuses
//   such a record, too.
//
// Threads  As journal.h says.
#ifndef LEDGERD_STORAGE_MEMORY_JOURNAL_H_
#define LEDGERD_STORAGE_MEMORY_JOURNAL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "proto/base/mutex.h"
#include "proto/entry.h"
#include "proto/types.h"
#include "storage/journal.h"

namespace ledgerd::storage {

// What survives the process. Formatted when constructed.
class MemoryJournalDisk {
 public:
  explicit MemoryJournalDisk(uint64_t seed = 1,
                             std::vector<ReplicaId> voters = {});

  // Decides which unsynced record a power cut or a failed sync keeps; at random
  // unless this is set.
  void SetKeep(std::function<bool()> keep) { keep_ = std::move(keep); }

  // The next sync, of whatever call, fails.
  void FailNextSync() { fail_sync_ = true; }

  // The next Append writes and then fails, as if the process had died there.
  void CrashInAppend(bool crash = true) { crash_in_append_ = crash; }

  // For tests that must find them.
  enum class Mistake : uint8_t {
    kNone,
    kDamagedIsCut,     // As if it were torn.
    kDamagedIsOpened,  // As if it were whole.
    // A record that was meant for another place counts.
    kForeignIsOpened,
    // A hole in a group that was not synced counts as damage.
    kTornIsDamaged,
    // A power cut may bring the one before back.
    kSuperblockBefore,
  };

  void SetMistake(Mistake mistake) { mistake_ = mistake; }

  const EntryId& base() const { return base_; }

  Sequence last() const {
    return Sequence(base_.sequence.value() + records_.size());
  }

  // All up to here is known to have been synced, by what stands after it.
  Sequence proven() const;

  // Before the first Open: who the group begins with.
  void SetMembership(const Membership& membership) {
    superblock_.membership = membership;
  }

  void SetFull(bool full) { full_ = full; }

  // With the journal closed.
  void PowerCut();
  // Makes a record unreadable. Requires: it is in the journal.
  void Rot(Sequence sequence);

  // The write of one went to the place of the other. Requires: they are two,
  // and both in the journal.
  void Misdirect(Sequence sequence, Sequence over);

  // The last write of a place never came. Whether an older entry stands there
  // now, and not nothing. Requires: it is in the journal.
  bool MakeStale(Sequence sequence);

  void RotSuperblock() { superblock_lost_ = true; }

  // What RollBack and recovery have set aside.
  const std::vector<Entry>& set_aside() const { return set_aside_; }

 private:
  friend class MemoryJournal;

  struct Record {
    Entry entry;
    Sequence synced_through;
    bool synced = false;
    bool readable = true;
  };

  bool Keep();
  // The sync of all records; what a failure loses is lost here.
  absl::Status Sync();
  void LoseUnsynced();
  Record& At(Sequence sequence);
  // Whole, and the one that belongs there.
  bool IsGood(size_t place) const;
  bool MayHaveBeenAcknowledged(size_t bad) const;
  absl::string_view WhyDamaged(size_t bad) const;
  absl::Status Recover();
  // As a start that reads whole segments would find it: from the checkpoint on.
  Outline MakeOutline() const;

  std::mt19937_64 random_;
  std::function<bool()> keep_;
  bool fail_sync_ = false;
  bool crash_in_append_ = false;
  bool full_ = false;
  bool superblock_lost_ = false;
  Mistake mistake_ = Mistake::kNone;
  Superblock superblock_;
  Superblock superblock_before_;
  EntryId base_;
  std::vector<Record> records_;
  // The highest synced_through on the disk, fillers included.
  Sequence recorded_;
  std::vector<Entry> set_aside_;
};

class MemoryJournal final : public Journal {
 public:
  struct Options {
    // Release goes by whole groups of so many entries...
    uint64_t segment_entries = 8;
    // ...and leaves at least so many behind.
    uint64_t retention_entries = 0;
  };

  // One journal at a time on a disk, which outlives it.
  static absl::StatusOr<std::unique_ptr<MemoryJournal>> Open(
      MemoryJournalDisk& disk, const Options& options);

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

 private:
  MemoryJournal(MemoryJournalDisk& disk, const Options& options)
      : disk_(disk),
        options_(options),
        outline_(disk.MakeOutline()),
        visible_(disk.records_.size()) {}

  EntryId LastLocked() const LEDGERD_REQUIRES(mutex_);
  absl::Status Fatal(absl::Status status) LEDGERD_REQUIRES(mutex_);

  mutable Mutex mutex_;
  MemoryJournalDisk& disk_;
  const Options options_;
  std::optional<Outline> outline_ LEDGERD_GUARDED_BY(mutex_);
  absl::Status failure_ LEDGERD_GUARDED_BY(mutex_);
  // Records that are durable, and so to be seen.
  size_t visible_ LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_MEMORY_JOURNAL_H_
