#include "storage/data_dir.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <random>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "proto/membership.h"
#include "storage/identity_file.h"
#include "storage/posix_file.h"
#include "storage/superblock.h"

#include <sys/file.h>
#include <sys/stat.h>

namespace ledgerd::storage {
namespace {

constexpr std::array<absl::string_view, 4> kDirectories = {
    "journal", "state", "rolled_back", "incoming"};

std::string PathOf(const std::string& path, absl::string_view name) {
  return absl::StrCat(path, "/", name);
}

std::string ParentOf(const std::string& path) {
  std::string parent = path;
  while (parent.size() > 1 && parent.back() == '/') parent.pop_back();
  const size_t slash = parent.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : parent.substr(0, slash);
}

absl::Status MakeDirectory(const std::string& path) {
  constexpr mode_t kOwnerOnly = 0700;
  if (mkdir(path.c_str(), kOwnerOnly) != 0) {
    return FileError(errno, absl::StrCat("make directory ", path));
  }
  return absl::OkStatus();
}

// Makes `path` an empty directory, or finds it one.
absl::Status ClaimDirectory(const std::string& path) {
  absl::Status made = MakeDirectory(path);
  if (made.ok()) return PosixFiles().SyncDirectory(ParentOf(path));
  if (!absl::IsAlreadyExists(made)) return made;
  const auto names = PosixFiles().List(path);
  if (names.ok() && names->empty()) return absl::OkStatus();
  return absl::AlreadyExistsError(
      absl::StrCat("data directory ", path,
                   ": there is something already, and formatting "
                   "would lose it: give another path, or move it away first"));
}

absl::Status WriteNewFile(const std::string& path, absl::string_view bytes) {
  LEDGERD_ASSIGN_OR_RETURN(const auto file, PosixFiles().Create(path));
  LEDGERD_RETURN_IF_ERROR(file->Write(0, bytes));
  return file->Sync();
}

JournalIdentity MakeIdentity(const DataDir::FormatOptions& options) {
  std::random_device random;
  return {.cluster = options.cluster,
          .replica = options.replica,
          .incarnation = options.incarnation,
          .salt = FrameSalt(random())};
}

absl::Status MakeSuperblock(const std::string& path,
                            const DataDir::FormatOptions& options) {
  Superblock superblock;
  superblock.promised_epoch = options.begins_after.epoch;
  superblock.checkpoint = options.begins_after;
  std::vector<Member>& members = superblock.membership.members;
  members = options.members;
  std::sort(members.begin(), members.end(),
            [](const Member& a, const Member& b) { return a.id < b.id; });
  for (Member& member : members) {
    if (member.id != options.replica) continue;
    member.incarnation = Incarnation(options.incarnation);
  }
  return SuperblockFile::Create(PosixFiles(), path, superblock);
}

absl::Status MakeReserve(const std::string& path, uint64_t bytes) {
  LEDGERD_ASSIGN_OR_RETURN(const auto file, PosixFiles().Create(path));
  absl::Status status = file->Allocate(bytes);
  if (status.ok()) status = file->Sync();
  if (!status.ok()) PosixFiles().Remove(path).IgnoreError();
  return status;
}

// Locks the file at `path`; the descriptor that holds the lock.
absl::StatusOr<int> Lock(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return FileError(errno, absl::StrCat("open ", path));
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
  const int error = errno;
  close(descriptor);
  if (error != EWOULDBLOCK) {
    return FileError(error, absl::StrCat("lock ", path));
  }
  return absl::AbortedError(absl::StrCat(
      path,
      " is locked: another process has this data directory open; stop "
      "it first, or give this one its own directory"));
}

absl::StatusOr<JournalIdentity> ReadIdentity(const std::string& path) {
  const auto file = PosixFiles().Open(path);
  if (absl::IsNotFound(file.status())) {
    return absl::FailedPreconditionError(absl::StrCat(
        path,
        " is missing: no data directory, or its formatting was cut "
        "short; remove it and run `ledgerd format` again"));
  }
  if (!file.ok()) return file.status();
  auto identity = absl::StatusOr<JournalIdentity>(absl::UnknownError(""));
  const auto text = ReadWhole(**file, kBlockBytes);
  identity = text.ok() ? DecodeIdentity(*text) : text.status();
  if (identity.ok()) return identity;
  return absl::Status(
      identity.status().code(),
      absl::StrCat(path, " cannot be used: ", identity.status().message(),
                   absl::IsDataLoss(identity.status())
                       ? "; restore this file from a backup"
                       : ""));
}

absl::Status CheckExpected(const std::string& path,
                           const JournalIdentity& identity,
                           const DataDir::Expected& expected) {
  const ClusterId cluster = expected.cluster.value_or(identity.cluster);
  if (identity.cluster != cluster) {
    return absl::FailedPreconditionError(absl::StrCat(
        "data directory ", path, " belongs to cluster ",
        ToHex(identity.cluster), ", the configuration says ", ToHex(cluster),
        ": give this replica its own data directory, or correct cluster_id"));
  }
  const ReplicaId replica = expected.replica.value_or(identity.replica);
  if (identity.replica != replica) {
    return absl::FailedPreconditionError(absl::StrCat(
        "data directory ", path, " belongs to replica ",
        identity.replica.value(), ", the configuration says ", replica.value(),
        ": give this replica its own data directory, or correct replica_id"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status DataDir::Format(const std::string& path,
                             const FormatOptions& options) {
  LEDGERD_RETURN_IF_ERROR(ClaimDirectory(path));
  for (const absl::string_view name : kDirectories) {
    LEDGERD_RETURN_IF_ERROR(MakeDirectory(PathOf(path, name)));
  }
  const JournalIdentity identity = MakeIdentity(options);
  LEDGERD_RETURN_IF_ERROR(
      WriteNewFile(PathOf(path, "LOCK"), absl::string_view()));
  LEDGERD_RETURN_IF_ERROR(MakeSuperblock(PathOf(path, "superblock"), options));
  LEDGERD_RETURN_IF_ERROR(
      CreateFirstSegment(PosixFiles(), PathOf(path, "journal"), identity,
                         options.begins_after, options.segment_bytes));
  LEDGERD_RETURN_IF_ERROR(
      MakeReserve(PathOf(path, "reserve"), options.reserve_bytes));
  for (const absl::string_view name : kDirectories) {
    LEDGERD_RETURN_IF_ERROR(PosixFiles().SyncDirectory(PathOf(path, name)));
  }
  LEDGERD_RETURN_IF_ERROR(PosixFiles().SyncDirectory(path));
  // From here on it is a data directory.
  LEDGERD_RETURN_IF_ERROR(WriteNewFile(PathOf(path, "IDENTITY.unfinished"),
                                       EncodeIdentity(identity)));
  LEDGERD_RETURN_IF_ERROR(PosixFiles().Rename(
      PathOf(path, "IDENTITY.unfinished"), PathOf(path, "IDENTITY")));
  return PosixFiles().SyncDirectory(path);
}

absl::StatusOr<std::unique_ptr<DataDir>> DataDir::Open(
    const std::string& path, const Expected& expected) {
  absl::StatusOr<int> lock = Lock(PathOf(path, "LOCK"));
  if (absl::IsNotFound(lock.status())) {
    return absl::NotFoundError(
        absl::StrCat("there is no data directory at ", path,
                     ": make one with `ledgerd format`, or correct the path"));
  }
  if (!lock.ok()) return lock.status();
  auto identity = ReadIdentity(PathOf(path, "IDENTITY"));
  absl::Status status = identity.status();
  if (status.ok()) status = CheckExpected(path, *identity, expected);
  if (!status.ok()) {
    close(*lock);
    return status;
  }
  return std::unique_ptr<DataDir>(new DataDir(path, *lock, *identity));
}

DataDir::~DataDir() { close(lock_); }

JournalPaths DataDir::journal_paths() const {
  return {.superblock = PathOf(path_, "superblock"),
          .journal = PathOf(path_, "journal"),
          .rolled_back = PathOf(path_, "rolled_back")};
}

absl::StatusOr<std::unique_ptr<SegmentJournal>> DataDir::OpenJournal(
    const SegmentJournalOptions& options) {
  auto journal =
      SegmentJournal::Open(PosixFiles(), journal_paths(), identity_, options);
  if (!absl::IsResourceExhausted(journal.status())) return journal;
  LEDGERD_RETURN_IF_ERROR(ReleaseReserve());
  return SegmentJournal::Open(PosixFiles(), journal_paths(), identity_,
                              options);
}

absl::Status DataDir::ReleaseReserve() {
  absl::Status status = PosixFiles().Remove(PathOf(path_, "reserve"));
  if (absl::IsNotFound(status)) return absl::OkStatus();
  LEDGERD_RETURN_IF_ERROR(status);
  return PosixFiles().SyncDirectory(path_);
}

absl::Status DataDir::RestoreReserve(uint64_t bytes) {
  absl::Status status = MakeReserve(PathOf(path_, "reserve"), bytes);
  if (absl::IsAlreadyExists(status)) return absl::OkStatus();
  LEDGERD_RETURN_IF_ERROR(status);
  return PosixFiles().SyncDirectory(path_);
}

}  // namespace ledgerd::storage
