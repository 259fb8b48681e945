#include "storage/memory_journal.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"

namespace ledgerd::storage {

MemoryJournalDisk::MemoryJournalDisk(uint64_t seed,
                                     std::vector<ReplicaId> voters)
    : random_(seed) {
  superblock_.membership = FirstMembership(std::move(voters));
}

void MemoryJournalDisk::PowerCut() {
  LoseUnsynced();
  if (mistake_ == Mistake::kSuperblockBefore && !Keep()) {
    superblock_ = superblock_before_;
  }
}

Sequence MemoryJournalDisk::proven() const {
  Sequence proven = recorded_;
  for (const Record& record : records_) {
    if (record.readable) proven = std::max(proven, record.synced_through);
  }
  return proven;
}

MemoryJournalDisk::Record& MemoryJournalDisk::At(Sequence sequence) {
  LEDGERD_CHECK(sequence > base_.sequence);
  const uint64_t i = sequence.value() - base_.sequence.value() - 1;
  LEDGERD_CHECK(i < records_.size());
  return records_[i];
}

void MemoryJournalDisk::Rot(Sequence sequence) {
  At(sequence).readable = false;
}

void MemoryJournalDisk::Misdirect(Sequence sequence, Sequence over) {
  LEDGERD_CHECK(sequence != over);
  Record& meant = At(sequence);
  At(over).entry = meant.entry;
  meant.readable = false;
}

bool MemoryJournalDisk::MakeStale(Sequence sequence) {
  Record& record = At(sequence);
  for (auto old = set_aside_.rbegin(); old != set_aside_.rend(); ++old) {
    if (old->sequence() != sequence || old->id() == record.entry.id()) continue;
    record.entry = *old;
    // A record says what was durable before it: that one knew less.
    record.synced_through = Sequence(0);
    return true;
  }
  record.readable = false;
  return false;
}

bool MemoryJournalDisk::Keep() {
  return keep_ != nullptr ? keep_() : (random_() & 1) != 0;
}

absl::Status MemoryJournalDisk::Sync() {
  if (std::exchange(fail_sync_, false)) {
    LoseUnsynced();
    return absl::InternalError("sync: input/output error");
  }
  for (Record& record : records_) record.synced = true;
  return absl::OkStatus();
}

void MemoryJournalDisk::LoseUnsynced() {
  for (Record& record : records_) {
    if (!record.synced) {
      record.readable = record.readable && Keep();
      record.synced = true;
    }
  }
}

bool MemoryJournalDisk::IsGood(size_t place) const {
  const Record& record = records_[place];
  const Sequence sequence(base_.sequence.value() + place + 1);
  if (!record.readable) {
    return mistake_ == Mistake::kDamagedIsOpened && sequence <= proven();
  }
  const EntryId before = place == 0 ? base_ : records_[place - 1].entry.id();
  return mistake_ == Mistake::kForeignIsOpened ||
         (record.entry.sequence() == sequence &&
          record.entry.previous_hash() == before.hash);
}

// By what stands after it.
bool MemoryJournalDisk::MayHaveBeenAcknowledged(size_t bad) const {
  const Sequence sequence(base_.sequence.value() + bad + 1);
  Sequence proof = recorded_;
  for (size_t i = bad; i < records_.size(); ++i) {
    if (!records_[i].readable) continue;
    if (mistake_ == Mistake::kTornIsDamaged) return true;
    proof = std::max(proof, records_[i].synced_through);
  }
  return proof >= sequence;
}

// Empty: it may be torn.
absl::string_view MemoryJournalDisk::WhyDamaged(size_t bad) const {
  if (records_[bad].readable) return "a record that belongs elsewhere is here";
  return MayHaveBeenAcknowledged(bad)
             ? "unreadable, and it may have been acknowledged"
             : "";
}

absl::Status MemoryJournalDisk::Recover() {
  if (superblock_lost_) {
    return absl::DataLossError(
        "superblock: this replica has forgotten promises");
  }
  size_t good = 0;
  while (good < records_.size() && IsGood(good)) ++good;
  const Sequence bad(base_.sequence.value() + good + 1);
  if (good < records_.size() && mistake_ != Mistake::kDamagedIsCut) {
    const absl::string_view why = WhyDamaged(good);
    if (!why.empty()) {
      return absl::DataLossError(
          absl::StrCat("journal damaged at sequence ", bad.value(),
                       ", file memory, offset ", good, ": ", why));
    }
  }
  if (bad <= superblock_.checkpoint.sequence) {
    return absl::DataLossError("the journal ends below the checkpoint");
  }
  for (size_t i = good; i < records_.size(); ++i) {
    set_aside_.push_back(records_[i].entry);
  }
  records_.erase(records_.begin() + static_cast<ptrdiff_t>(good),
                 records_.end());
  for (Record& record : records_) record.synced = true;
  recorded_ = Sequence(base_.sequence.value() + good);
  return absl::OkStatus();
}

Outline MemoryJournalDisk::MakeOutline() const {
  Outline outline{.base = base_};
  for (const Record& record : records_) {
    if (record.entry.sequence() <= superblock_.checkpoint.sequence) {
      outline.base = record.entry.id();
    } else {
      outline.entries.push_back(record.entry.id());
    }
  }
  return outline;
}

absl::StatusOr<std::unique_ptr<MemoryJournal>> MemoryJournal::Open(
    MemoryJournalDisk& disk, const Options& options) {
  LEDGERD_RETURN_IF_ERROR(disk.Recover());
  return std::unique_ptr<MemoryJournal>(new MemoryJournal(disk, options));
}

absl::Status MemoryJournal::Append(absl::Span<const Entry> entries,
                                   Sequence commit_point) {
  static_cast<void>(commit_point);
  const MutexLock lock(mutex_);
  LEDGERD_RETURN_IF_ERROR(failure_);
  LEDGERD_CHECK(!entries.empty());
  EntryId last = LastLocked();
  for (const Entry& entry : entries) {
    LEDGERD_CHECK(entry.sequence() == last.sequence.Next());
    LEDGERD_CHECK(entry.previous_hash() == last.hash);
    last = entry.id();
  }
  if (disk_.full_) return absl::ResourceExhaustedError("disk full");
  const Sequence before = LastLocked().sequence;
  for (const Entry& entry : entries) {
    disk_.records_.push_back({.entry = entry, .synced_through = before});
  }
  if (std::exchange(disk_.crash_in_append_, false)) {
    return Fatal(absl::InternalError("crashed in append"));
  }
  LEDGERD_RETURN_IF_ERROR(Fatal(disk_.Sync()));
  disk_.recorded_ = std::max(disk_.recorded_, before);
  visible_ = disk_.records_.size();
  return absl::OkStatus();
}

absl::Status MemoryJournal::WriteFiller() {
  const MutexLock lock(mutex_);
  LEDGERD_RETURN_IF_ERROR(failure_);
  const Sequence last = LastLocked().sequence;
  if (disk_.recorded_ >= last) return absl::OkStatus();
  LEDGERD_RETURN_IF_ERROR(Fatal(disk_.Sync()));
  disk_.recorded_ = last;
  return absl::OkStatus();
}

absl::Status MemoryJournal::RollBack(Sequence from) {
  const MutexLock lock(mutex_);
  LEDGERD_RETURN_IF_ERROR(failure_);
  LEDGERD_CHECK(from > disk_.superblock_.checkpoint.sequence);
  LEDGERD_CHECK(from > disk_.base_.sequence);
  const uint64_t keep = from.value() - disk_.base_.sequence.value() - 1;
  if (keep >= disk_.records_.size()) return absl::OkStatus();
  if (disk_.full_) return absl::ResourceExhaustedError("disk full");
  LEDGERD_RETURN_IF_ERROR(Fatal(disk_.Sync()));
  for (size_t i = keep; i < disk_.records_.size(); ++i) {
    disk_.set_aside_.push_back(disk_.records_[i].entry);
  }
  disk_.records_.erase(disk_.records_.begin() + static_cast<ptrdiff_t>(keep),
                       disk_.records_.end());
  disk_.recorded_ = std::min(disk_.recorded_, Sequence(from.value() - 1));
  visible_ = keep;
  return absl::OkStatus();
}

absl::Status MemoryJournal::Release(Sequence through) {
  const MutexLock lock(mutex_);
  LEDGERD_RETURN_IF_ERROR(failure_);
  LEDGERD_CHECK(through <= disk_.superblock_.checkpoint.sequence);
  std::vector<MemoryJournalDisk::Record>& records = disk_.records_;
  const uint64_t segment = options_.segment_entries;
  while (records.size() >= segment + options_.retention_entries &&
         disk_.base_.sequence.value() + segment <= through.value()) {
    disk_.base_ = records[segment - 1].entry.id();
    records.erase(records.begin(),
                  records.begin() + static_cast<ptrdiff_t>(segment));
  }
  visible_ = records.size();
  return absl::OkStatus();
}

absl::Status MemoryJournal::WriteSuperblock(const Superblock& superblock) {
  const MutexLock lock(mutex_);
  LEDGERD_RETURN_IF_ERROR(failure_);
  const Superblock& before = disk_.superblock_;
  LEDGERD_CHECK(superblock.promised_epoch >= before.promised_epoch);
  LEDGERD_CHECK(superblock.fork >= before.fork);
  LEDGERD_CHECK(superblock.checkpoint.sequence >= before.checkpoint.sequence);
  LEDGERD_CHECK(superblock.checkpoint.sequence <= LastLocked().sequence);
  LEDGERD_RETURN_IF_ERROR(Fatal(disk_.Sync()));
  disk_.superblock_before_ = std::exchange(disk_.superblock_, superblock);
  return absl::OkStatus();
}

absl::Status MemoryJournal::Install(const Superblock& superblock) {
  const MutexLock lock(mutex_);
  LEDGERD_RETURN_IF_ERROR(failure_);
  LEDGERD_CHECK(superblock.checkpoint.sequence >
                disk_.superblock_.checkpoint.sequence);
  if (disk_.full_) return absl::ResourceExhaustedError("disk full");
  LEDGERD_RETURN_IF_ERROR(Fatal(disk_.Sync()));
  for (const MemoryJournalDisk::Record& record : disk_.records_) {
    disk_.set_aside_.push_back(record.entry);
  }
  disk_.records_.clear();
  disk_.superblock_before_ = disk_.superblock_ = superblock;
  disk_.base_ = superblock.checkpoint;
  disk_.recorded_ = superblock.checkpoint.sequence;
  visible_ = 0;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Entry>> MemoryJournal::Read(
    Sequence from, uint64_t bytes_max) const {
  const MutexLock lock(mutex_);
  const Sequence base = disk_.base_.sequence;
  if (from <= base || from.value() - base.value() > visible_) {
    return absl::OutOfRangeError(
        absl::StrCat("entry ", from.value(), " is not in the journal"));
  }
  std::vector<Entry> entries;
  uint64_t bytes = 0;
  for (size_t i = from.value() - base.value() - 1; i < visible_; ++i) {
    const MemoryJournalDisk::Record& record = disk_.records_[i];
    bytes += record.entry.bytes().size();
    if (!entries.empty() && bytes > bytes_max) break;
    if (!disk_.IsGood(i)) {
      return absl::DataLossError(
          absl::StrCat("journal damaged at sequence ", base.value() + i + 1));
    }
    entries.push_back(record.entry);
  }
  return entries;
}

Outline MemoryJournal::TakeOutline() {
  const MutexLock lock(mutex_);
  LEDGERD_CHECK(outline_.has_value() && outline_->last() == LastLocked());
  Outline outline = *std::move(outline_);
  outline_.reset();
  return outline;
}

EntryId MemoryJournal::base() const {
  const MutexLock lock(mutex_);
  return disk_.base_;
}

EntryId MemoryJournal::last() const {
  const MutexLock lock(mutex_);
  return LastLocked();
}

Timestamp MemoryJournal::last_timestamp() const {
  const MutexLock lock(mutex_);
  return visible_ == 0 ? Timestamp(0)
                       : disk_.records_[visible_ - 1].entry.timestamp();
}

Superblock MemoryJournal::superblock() const {
  const MutexLock lock(mutex_);
  return disk_.superblock_;
}

EntryId MemoryJournal::LastLocked() const {
  return visible_ == 0 ? disk_.base_ : disk_.records_[visible_ - 1].entry.id();
}

absl::Status MemoryJournal::Fatal(absl::Status status) {
  if (!status.ok()) failure_ = std::move(status);
  return failure_;
}

}  // namespace ledgerd::storage
