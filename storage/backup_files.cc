#include "storage/backup_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "proto/base/little_endian.h"
#include "proto/base/sha256.h"
#include "proto/base/status_macros.h"
#include "proto/system_limits.h"
#include "storage/posix_file.h"

#include <sys/stat.h>

namespace ledgerd::storage {
namespace {

namespace fs = std::filesystem;

constexpr char kManifest[] = "manifest.json";
constexpr char kManifestHash[] = "manifest.json.sha256";
// Where an entry says how long its payload is (proto/entry.h).
constexpr size_t kPayloadBytesAt = 8;

absl::Status WriteAll(int descriptor, absl::string_view bytes,
                      const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t put = write(descriptor, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return FileError(errno, absl::StrCat("write ", path));
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return absl::OkStatus();
}

absl::Status SyncAndClose(int descriptor, const std::string& path) {
  const int synced = fsync(descriptor);
  const int error = errno;
  close(descriptor);
  if (synced == 0) return absl::OkStatus();
  return FileError(error, absl::StrCat("sync ", path));
}

absl::StatusOr<int> OpenNew(const std::string& path) {
  constexpr mode_t kOwnerOnly = 0600;
  const int descriptor =
      open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kOwnerOnly);
  if (descriptor >= 0) return descriptor;
  return FileError(errno, absl::StrCat("open ", path));
}

absl::StatusOr<std::string> ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return FileError(errno, absl::StrCat("open ", path));
  std::ostringstream content;
  content << file.rdbuf();
  if (!file.bad()) return content.str();
  return absl::DataLossError(absl::StrCat(path, " cannot be read"));
}

std::string HashLine(absl::string_view manifest) {
  return absl::StrCat(ToHex(Sha256(manifest)), "  ", kManifest, "\n");
}

// Of a try of the server's that it has begun anew.
absl::Status RemoveUnnamed(const std::string& directory,
                           const BackupManifest& manifest) {
  std::set<std::string> named;
  for (const BackupFile& file : manifest.files) named.insert(file.path);
  for (const char* part : {"state", "journal"}) {
    LEDGERD_ASSIGN_OR_RETURN(const auto names, PosixFiles().List(absl::StrCat(
                                                   directory, "/", part)));
    for (const std::string& name : names) {
      if (named.contains(absl::StrCat(part, "/", name))) continue;
      LEDGERD_RETURN_IF_ERROR(
          PosixFiles().Remove(absl::StrCat(directory, "/", part, "/", name)));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteSynced(const std::string& path, absl::string_view bytes) {
  LEDGERD_ASSIGN_OR_RETURN(const int descriptor, OpenNew(path));
  absl::Status written = WriteAll(descriptor, bytes, path);
  const absl::Status synced = SyncAndClose(descriptor, path);
  return written.ok() ? synced : written;
}

// ---- writing

BackupWriter::~BackupWriter() {
  if (descriptor_ >= 0) close(descriptor_);
}

absl::Status BackupWriter::MakeDirectories() const {
  for (const char* part : {"state", "journal"}) {
    std::error_code error;
    fs::create_directories(absl::StrCat(directory_, "/", part), error);
    if (error) {
      return FileError(error.value(),
                       absl::StrCat("make ", directory_, "/", part));
    }
  }
  return absl::OkStatus();
}

absl::Status BackupWriter::Close() {
  if (descriptor_ < 0) return absl::OkStatus();
  const int descriptor = std::exchange(descriptor_, -1);
  return SyncAndClose(descriptor, path_);
}

absl::Status BackupWriter::Add(const std::string& path, uint64_t offset,
                               absl::string_view bytes) {
  if (!IsBackupPath(path)) {
    return absl::InvalidArgumentError("the server names no file of a backup");
  }
  if (offset == 0) {
    LEDGERD_RETURN_IF_ERROR(Close());
    LEDGERD_RETURN_IF_ERROR(MakeDirectories());
    LEDGERD_ASSIGN_OR_RETURN(descriptor_,
                             OpenNew(absl::StrCat(directory_, "/", path)));
    path_ = path;
    written_ = 0;
  }
  if (descriptor_ < 0 || path != path_ || offset != written_) {
    return absl::InvalidArgumentError(
        absl::StrCat("offset ", offset, " of ", path, " does not come next"));
  }
  written_ += bytes.size();
  return WriteAll(descriptor_, bytes, path);
}

absl::StatusOr<BackupManifest> BackupWriter::Finish(
    const std::string& manifest) {
  LEDGERD_RETURN_IF_ERROR(Close());
  LEDGERD_RETURN_IF_ERROR(MakeDirectories());
  LEDGERD_ASSIGN_OR_RETURN(const BackupManifest parsed,
                           ParseBackupManifest(manifest));
  LEDGERD_RETURN_IF_ERROR(RemoveUnnamed(directory_, parsed));
  LEDGERD_RETURN_IF_ERROR(VerifyBackup(directory_, parsed));
  LEDGERD_RETURN_IF_ERROR(WriteSynced(
      absl::StrCat(directory_, "/", kManifestHash), HashLine(manifest)));
  LEDGERD_RETURN_IF_ERROR(
      WriteSynced(absl::StrCat(directory_, "/", kManifest), manifest));
  return parsed;
}

// ---- reading

absl::StatusOr<BackupManifest> ReadBackup(const std::string& directory) {
  auto manifest = ReadAll(absl::StrCat(directory, "/", kManifest));
  if (absl::IsNotFound(manifest.status())) {
    return absl::NotFoundError(absl::StrCat(
        directory, " is no backup: it has no ", kManifest,
        ". What was cut short is in a directory that ends in .unfinished, and "
        "is of no use"));
  }
  LEDGERD_RETURN_IF_ERROR(manifest.status());
  const auto hash = ReadAll(absl::StrCat(directory, "/", kManifestHash));
  if (!hash.ok() || *hash != HashLine(*manifest)) {
    return absl::DataLossError(
        absl::StrCat("the backup is damaged: ", directory, "/", kManifest,
                     " is not what ", kManifestHash, " says"));
  }
  return ParseBackupManifest(*manifest);
}

absl::StatusOr<std::string> ReadBackupFile(const std::string& directory,
                                           const BackupFile& file) {
  const std::string path = absl::StrCat(directory, "/", file.path);
  auto content = ReadAll(path);
  if (absl::IsNotFound(content.status())) {
    return absl::DataLossError(
        absl::StrCat("the backup is damaged: ", path, " is missing"));
  }
  LEDGERD_RETURN_IF_ERROR(content.status());
  if (content->size() == file.bytes && Sha256(*content) == file.hash) {
    return content;
  }
  return absl::DataLossError(absl::StrCat("the backup is damaged: ", path,
                                          " is not what the manifest says"));
}

absl::StatusOr<std::vector<Entry>> EntriesOf(const BackupFile& file,
                                             absl::string_view content) {
  std::vector<Entry> entries;
  while (!content.empty()) {
    size_t bytes = kEntryHeaderBytes;
    if (content.size() >= kEntryHeaderBytes) {
      bytes += GetLittle<uint32_t>(content.data() + kPayloadBytesAt);
    }
    auto entry = bytes <= content.size()
                     ? Entry::Parse(std::string(content.substr(0, bytes)))
                     : absl::DataLossError("an entry is cut off");
    if (!entry.ok()) {
      return absl::DataLossError(
          absl::StrCat("the backup is damaged: ", file.path, ": ",
                       entry.status().message()));
    }
    entries.push_back(*std::move(entry));
    content.remove_prefix(bytes);
  }
  return entries;
}

absl::Status CheckFollows(const Entry& entry, const EntryId& last) {
  if (entry.sequence() == last.sequence.Next() &&
      entry.previous_hash() == last.hash && entry.epoch() >= last.epoch) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat(
      "entry ", entry.sequence().value(), " does not follow entry ",
      last.sequence.value(), " by its hash"));
}

absl::Status VerifyBackup(const std::string& directory,
                          const BackupManifest& manifest) {
  EntryId last = manifest.checkpoint;
  for (const BackupFile& file : manifest.files) {
    LEDGERD_ASSIGN_OR_RETURN(const std::string content,
                             ReadBackupFile(directory, file));
    if (!absl::StartsWith(file.path, "journal/")) continue;
    LEDGERD_ASSIGN_OR_RETURN(const auto entries, EntriesOf(file, content));
    for (const Entry& entry : entries) {
      LEDGERD_RETURN_IF_ERROR(CheckFollows(entry, last));
      last = entry.id();
    }
  }
  if (last == manifest.last) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      "the backup is damaged: its entries end at ", last.sequence.value(),
      ", its manifest says ", manifest.last.sequence.value()));
}

}  // namespace ledgerd::storage
