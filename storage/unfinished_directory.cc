#include "storage/unfinished_directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "proto/base/status_macros.h"
#include "storage/posix_file.h"

#include <sys/file.h>
#include <sys/stat.h>

namespace ledgerd::storage {
namespace {

namespace fs = std::filesystem;

absl::Status CheckFree(const std::string& name) {
  std::error_code error;
  if (!fs::exists(name, error)) return absl::OkStatus();
  if (fs::is_directory(name, error) && fs::is_empty(name, error)) {
    return absl::OkStatus();
  }
  return absl::AlreadyExistsError(
      absl::StrCat(name,
                   ": there is something already, and it is not "
                   "overwritten: give another path, or move it away"));
}

// A lock that goes with the process.
absl::StatusOr<int> Lock(const std::string& path) {
  constexpr mode_t kOwnerOnly = 0600;
  const int descriptor =
      open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly);
  if (descriptor < 0) return FileError(errno, absl::StrCat("open ", path));
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
  const int error = errno;
  close(descriptor);
  if (error != EWOULDBLOCK) {
    return FileError(error, absl::StrCat("lock ", path));
  }
  return absl::AbortedError(
      absl::StrCat(path, " is locked: another process is making this"));
}

std::string ParentOf(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? std::string(".") : parent.string();
}

absl::Status SyncBelow(const std::string& path) {
  std::error_code error;
  LEDGERD_RETURN_IF_ERROR(PosixFiles().SyncDirectory(path));
  for (fs::recursive_directory_iterator at(path, error), end;
       !error && at != end; at.increment(error)) {
    if (!at->is_directory(error)) continue;
    LEDGERD_RETURN_IF_ERROR(PosixFiles().SyncDirectory(at->path().string()));
  }
  if (!error) return absl::OkStatus();
  return FileError(error.value(), absl::StrCat("list ", path));
}

absl::Status RemoveAll(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (!error) return absl::OkStatus();
  return FileError(error.value(), absl::StrCat("remove ", path));
}

}  // namespace

absl::StatusOr<std::unique_ptr<UnfinishedDirectory>> UnfinishedDirectory::Begin(
    const std::string& name) {
  std::string bare = name;
  while (bare.size() > 1 && bare.back() == '/') bare.pop_back();
  LEDGERD_RETURN_IF_ERROR(CheckFree(bare));
  std::string aside = absl::StrCat(bare, ".unfinished");
  constexpr mode_t kOwnerOnly = 0700;
  if (mkdir(aside.c_str(), kOwnerOnly) != 0 && errno != EEXIST) {
    return FileError(errno, absl::StrCat("make directory ", aside));
  }
  LEDGERD_ASSIGN_OR_RETURN(const int lock, Lock(absl::StrCat(aside, "/LOCK")));
  std::unique_ptr<UnfinishedDirectory> made(
      new UnfinishedDirectory(std::move(bare), std::move(aside), lock));
  LEDGERD_RETURN_IF_ERROR(RemoveAll(made->path()));
  return made;
}

UnfinishedDirectory::~UnfinishedDirectory() {
  RemoveAll(aside_).IgnoreError();
  close(lock_);
}

absl::Status UnfinishedDirectory::Finish() {
  LEDGERD_RETURN_IF_ERROR(SyncBelow(path()));
  // Refused by the system when there is something by now.
  if (rename(path().c_str(), name_.c_str()) != 0) {
    return FileError(errno, absl::StrCat("rename ", path(), " to ", name_));
  }
  return PosixFiles().SyncDirectory(ParentOf(name_));
}

}  // namespace ledgerd::storage
