#include "storage/restore.h"

#include <cerrno>
#include <chrono>
#include <memory>
#include <random>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

#include "proto/backup_manifest.h"
#include "proto/base/status_macros.h"
#include "proto/base/uint128.h"
#include "proto/incident.h"
#include "proto/kept_incidents.h"
#include "proto/membership.h"
#include "storage/archive_reader.h"
#include "storage/backup_files.h"
#include "storage/identity_file.h"
#include "storage/incident_file.h"
#include "storage/posix_file.h"
#include "storage/segment_journal.h"
#include "storage/unfinished_directory.h"

#include <sys/stat.h>

namespace ledgerd::storage {
namespace {

// What the daemon calls its file of incidents.
constexpr char kIncidentsName[] = "incidents";
constexpr uint64_t kAppendBytes = uint64_t{4} << 20;

// A UUID of version 4, of random bits.
ClusterId NewCluster() {
  std::random_device random;
  const auto draw = [&random] { return uint64_t{random()} << 32 | random(); };
  constexpr uint64_t kVersion4 = 0x4000;
  constexpr uint64_t kVariant = uint64_t{1} << 63;
  const uint64_t high = (draw() & ~uint64_t{0xf000}) | kVersion4;
  return ClusterId(MakeUint128(high, (draw() >> 2) | kVariant));
}

absl::Status CheckTarget(const RestoreTarget& target,
                         const BackupManifest& manifest) {
  const bool too_early =
      (target.sequence.has_value() &&
       *target.sequence < manifest.checkpoint.sequence) ||
      (target.time.has_value() && *target.time < manifest.checkpoint_timestamp);
  if (!too_early) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the backup's state is as of sequence ",
                   manifest.checkpoint.sequence.value(), ", timestamp ",
                   manifest.checkpoint_timestamp.value(),
                   ", which is later than what was asked for: take an older "
                   "backup"));
}

// Takes entries in order until the target is reached.
class Journalist {
 public:
  Journalist(SegmentJournal& journal, const RestoreTarget& target,
             const BackupManifest& manifest)
      : journal_(journal),
        target_(target),
        last_(manifest.checkpoint),
        last_timestamp_(manifest.checkpoint_timestamp),
        reached_(target.sequence == last_.sequence) {}

  absl::Status Take(const std::vector<Entry>& entries) {
    for (const Entry& entry : entries) {
      if (reached_ || entry.sequence() <= last_.sequence) continue;
      LEDGERD_RETURN_IF_ERROR(CheckFollows(entry, last_));
      reached_ = target_.time.has_value() && entry.timestamp() > *target_.time;
      if (reached_) break;
      last_ = entry.id();
      last_timestamp_ = entry.timestamp();
      bytes_ += entry.bytes().size();
      waiting_.push_back(entry);
      reached_ = target_.sequence == last_.sequence;
      if (bytes_ >= kAppendBytes) LEDGERD_RETURN_IF_ERROR(Flush());
    }
    return Flush();
  }

  bool reached() const { return reached_; }

  const EntryId& last() const { return last_; }

  Timestamp last_timestamp() const { return last_timestamp_; }

 private:
  absl::Status Flush() {
    if (waiting_.empty()) return absl::OkStatus();
    absl::Status status = journal_.Append(waiting_, last_.sequence);
    waiting_.clear();
    bytes_ = 0;
    return status;
  }

  SegmentJournal& journal_;
  const RestoreTarget target_;
  EntryId last_;
  Timestamp last_timestamp_;
  bool reached_;
  std::vector<Entry> waiting_;
  uint64_t bytes_ = 0;
};

absl::Status CheckReached(const RestoreTarget& target,
                          const Journalist& journal) {
  const bool asked = target.sequence.has_value() || target.time.has_value();
  if (journal.reached() || !asked) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat(
      "backup and archive end at sequence ", journal.last().sequence.value(),
      ", timestamp ", journal.last_timestamp().value(),
      ", before what was asked for: give the archives of all replicas, or ask "
      "for that sequence"));
}

absl::Status TakeAll(const RestoreOptions& options,
                     const BackupManifest& manifest, Journalist& journal) {
  for (const BackupFile& file : manifest.files) {
    if (journal.reached()) return absl::OkStatus();
    if (!absl::StartsWith(file.path, "journal/")) continue;
    LEDGERD_ASSIGN_OR_RETURN(const std::string content,
                             ReadBackupFile(options.backup, file));
    LEDGERD_ASSIGN_OR_RETURN(const auto entries, EntriesOf(file, content));
    LEDGERD_RETURN_IF_ERROR(journal.Take(entries));
  }
  LEDGERD_ASSIGN_OR_RETURN(
      ArchiveReader archive,
      ArchiveReader::Open(PosixFiles(), options.archives, manifest.cluster));
  while (!journal.reached()) {
    LEDGERD_ASSIGN_OR_RETURN(const auto entries,
                             archive.ReadAfter(journal.last()));
    if (entries.empty()) break;
    LEDGERD_RETURN_IF_ERROR(journal.Take(entries));
  }
  return CheckReached(options.target, journal);
}

absl::Status CopyState(const RestoreOptions& options,
                       const BackupManifest& manifest,
                       const std::string& data_dir) {
  if (manifest.checkpoint.sequence == Sequence(0)) return absl::OkStatus();
  const std::string state = absl::StrCat(data_dir, "/state/db");
  constexpr mode_t kOwnerOnly = 0700;
  if (mkdir(state.c_str(), kOwnerOnly) != 0) {
    return FileError(errno, absl::StrCat("make directory ", state));
  }
  for (const BackupFile& file : manifest.files) {
    absl::string_view name = file.path;
    if (!absl::ConsumePrefix(&name, "state/")) continue;
    LEDGERD_ASSIGN_OR_RETURN(const std::string content,
                             ReadBackupFile(options.backup, file));
    LEDGERD_RETURN_IF_ERROR(
        WriteSynced(absl::StrCat(state, "/", name), content));
  }
  return absl::OkStatus();
}

Timestamp Now() {
  return Timestamp(static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(
          std::chrono::system_clock::now().time_since_epoch())
          .count()));
}

// An open incident, which the first start closes: so it is counted once.
absl::Status NoteIncident(const BackupManifest& manifest,
                          const RestoreOptions& options, Timestamp began,
                          const EntryId& last, const std::string& path) {
  Incident incident;
  incident.id = {options.replica, began, 1};
  incident.kind = IncidentKind::kRestore;
  incident.epoch = last.epoch;
  incident.started_at = began;
  incident.cause =
      absl::StrCat("restored to sequence ", last.sequence.value(),
                   " from a backup of ", "replica ", manifest.replica.value(),
                   " of group ", ToHex(manifest.cluster));
  KeptIncidents kept;
  kept.series = began;
  kept.last_number = incident.id.number;
  kept.unsent = {incident};
  kept.open = {incident};
  LEDGERD_ASSIGN_OR_RETURN(
      const auto file, IncidentFile::Open(PosixFiles(), path, kIncidentsName));
  return file->Store(EncodeKeptIncidents(kept));
}

absl::StatusOr<Restored> Build(const RestoreOptions& options,
                               const BackupManifest& manifest,
                               const std::string& path) {
  const Timestamp began = Now();
  DataDir::FormatOptions format;
  format.cluster = NewCluster();
  format.replica = options.replica;
  format.members = {{options.replica, Incarnation(1), MemberRole::kVoter}};
  format.begins_after = manifest.checkpoint;
  format.segment_bytes = options.segment_bytes;
  format.reserve_bytes = options.reserve_bytes;
  LEDGERD_RETURN_IF_ERROR(DataDir::Format(path, format));
  LEDGERD_RETURN_IF_ERROR(CopyState(options, manifest, path));
  LEDGERD_ASSIGN_OR_RETURN(const auto dir, DataDir::Open(path, {}));
  LEDGERD_ASSIGN_OR_RETURN(
      const auto journal,
      dir->OpenJournal({.segment_bytes = options.segment_bytes,
                        .prepare_in_background = false}));
  Journalist journalist(*journal, options.target, manifest);
  LEDGERD_RETURN_IF_ERROR(TakeAll(options, manifest, journalist));
  LEDGERD_RETURN_IF_ERROR(journal->WriteFiller());
  LEDGERD_RETURN_IF_ERROR(
      NoteIncident(manifest, options, began, journalist.last(), path));
  return Restored{format.cluster, journalist.last(),
                  journalist.last_timestamp()};
}

}  // namespace

absl::StatusOr<Restored> Restore(const RestoreOptions& options) {
  LEDGERD_ASSIGN_OR_RETURN(const BackupManifest manifest,
                           ReadBackup(options.backup));
  LEDGERD_RETURN_IF_ERROR(CheckTarget(options.target, manifest));
  LEDGERD_RETURN_IF_ERROR(VerifyBackup(options.backup, manifest));
  LEDGERD_ASSIGN_OR_RETURN(const auto made,
                           UnfinishedDirectory::Begin(options.data_dir));
  LEDGERD_ASSIGN_OR_RETURN(const Restored restored,
                           Build(options, manifest, made->path()));
  LEDGERD_RETURN_IF_ERROR(made->Finish());
  return restored;
}

}  // namespace ledgerd::storage
