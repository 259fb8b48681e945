#include "storage/posix_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"

#include <sys/stat.h>

namespace ledgerd::storage {
namespace {

// What one bounced read takes at most.
constexpr size_t kBounceBytes = size_t{1} << 20;

bool IsAligned(const void* memory, uint64_t offset, size_t size) {
  return (reinterpret_cast<uintptr_t>(memory) | offset | size) % kBlockBytes ==
         0;
}

class PosixFile final : public File {
 public:
  PosixFile(int descriptor, std::string path)
      : descriptor_(descriptor), path_(std::move(path)) {}

  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  ~PosixFile() override { close(descriptor_); }

  absl::Status Read(uint64_t offset, absl::Span<char> into) const override {
    if (IsAligned(into.data(), offset, into.size())) {
      return ReadAligned(offset, into, into.size());
    }
    AlignedBuffer bounce;
    while (!into.empty()) {
      const size_t skip = offset % kBlockBytes;
      const size_t size = std::min(into.size(), kBounceBytes - skip);
      const absl::Span<char> blocks =
          bounce.Reserve(RoundUpToBlock(skip + size));
      LEDGERD_RETURN_IF_ERROR(ReadAligned(offset - skip, blocks, skip + size));
      std::memcpy(into.data(), blocks.data() + skip, size);
      into.remove_prefix(size);
      offset += size;
    }
    return absl::OkStatus();
  }

  absl::Status Write(uint64_t offset, absl::string_view bytes) override {
    LEDGERD_CHECK(IsAligned(nullptr, offset, bytes.size()));
    if (!IsAligned(bytes.data(), 0, 0)) {
      AlignedBuffer bounce;
      const absl::Span<char> aligned = bounce.Reserve(bytes.size());
      std::memcpy(aligned.data(), bytes.data(), bytes.size());
      return WriteAligned(offset, {aligned.data(), aligned.size()});
    }
    return WriteAligned(offset, bytes);
  }

  absl::Status Sync() override {
    // Never tried again: after a failure the kernel calls the pages clean.
    if (fdatasync(descriptor_) != 0) return Error("sync");
    return absl::OkStatus();
  }

  absl::Status Allocate(uint64_t bytes) override {
    const int error =
        posix_fallocate(descriptor_, 0, static_cast<off_t>(bytes));
    if (error != 0) return FileError(error, absl::StrCat("allocate ", path_));
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Size() const override {
    struct stat status {};

    if (fstat(descriptor_, &status) != 0) return Error("stat");
    return static_cast<uint64_t>(status.st_size);
  }

  // For file systems without direct I/O.
  absl::Status DropFromPageCache() {
    LEDGERD_RETURN_IF_ERROR(Sync());
    const int error = posix_fadvise(descriptor_, 0, 0, POSIX_FADV_DONTNEED);
    if (error != 0) {
      return FileError(error, absl::StrCat("drop from cache ", path_));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Error(absl::string_view what) const {
    return FileError(errno, absl::StrCat(what, " ", path_));
  }

  // A block that the device cannot read is damage; a failed write is not.
  absl::Status ReadError() const {
    const bool unreadable = errno == EIO;
    const absl::Status error = Error("read");
    return unreadable ? absl::DataLossError(error.message()) : error;
  }

  // Reads blocks, of which the first `needed` bytes must be in the file.
  absl::Status ReadAligned(uint64_t offset, absl::Span<char> into,
                           size_t needed) const {
    size_t done = 0;
    while (done < needed) {
      const ssize_t got =
          pread(descriptor_, into.data() + done, into.size() - done,
                static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return ReadError();
      if (got == 0) {
        return absl::OutOfRangeError(
            absl::StrCat("read ", path_, ": ends at offset ", offset + done));
      }
      done += static_cast<size_t>(got);
    }
    return absl::OkStatus();
  }

  absl::Status WriteAligned(uint64_t offset, absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t put = pwrite(descriptor_, bytes.data(), bytes.size(),
                                 static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return Error("write");
      if (put == 0) {
        return absl::InternalError(absl::StrCat("write ", path_, ": nothing"));
      }
      bytes.remove_prefix(static_cast<size_t>(put));
      offset += static_cast<uint64_t>(put);
    }
    return absl::OkStatus();
  }

  const int descriptor_;
  const std::string path_;
};

class PosixFileSystem final : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path) override {
    return OpenWith(path, O_RDWR);
  }

  absl::StatusOr<std::unique_ptr<File>> Create(
      const std::string& path) override {
    return OpenWith(path, O_RDWR | O_CREAT | O_EXCL);
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (rename(from.c_str(), to.c_str()) != 0) {
      return FileError(errno, absl::StrCat("rename ", from, " to ", to));
    }
    return absl::OkStatus();
  }

  absl::Status Remove(const std::string& path) override {
    if (unlink(path.c_str()) != 0) {
      return FileError(errno, absl::StrCat("remove ", path));
    }
    return absl::OkStatus();
  }

  absl::Status SyncDirectory(const std::string& path) override {
    const int descriptor =
        open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return FileError(errno, absl::StrCat("open ", path));
    const int result = fsync(descriptor);
    const int error = errno;
    close(descriptor);
    if (result != 0) return FileError(error, absl::StrCat("sync ", path));
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> List(
      const std::string& path) override {
    DIR* directory = opendir(path.c_str());
    if (directory == nullptr) {
      return FileError(errno, absl::StrCat("list ", path));
    }
    std::vector<std::string> names;
    errno = 0;
    // The stream is this call's own. NOLINTNEXTLINE(concurrency-mt-unsafe)
    while (const dirent* entry = readdir(directory)) {
      const std::string name(static_cast<const char*>(entry->d_name));
      if (name != "." && name != "..") names.push_back(name);
    }
    const int error = errno;
    closedir(directory);
    if (error != 0) return FileError(error, absl::StrCat("list ", path));
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  static absl::StatusOr<std::unique_ptr<File>> OpenWith(const std::string& path,
                                                        int flags) {
    constexpr mode_t kOwnerOnly = 0600;
    int descriptor =
        open(path.c_str(), flags | O_CLOEXEC | O_DIRECT, kOwnerOnly);
    if (descriptor >= 0) return std::make_unique<PosixFile>(descriptor, path);
    if (errno != EINVAL) {
      return FileError(errno, absl::StrCat("open ", path));
    }
    // The file system has no direct I/O; O_EXCL may have made the file already.
    descriptor = open(path.c_str(), (flags & ~O_EXCL) | O_CLOEXEC, kOwnerOnly);
    if (descriptor < 0) return FileError(errno, absl::StrCat("open ", path));
    auto file = std::make_unique<PosixFile>(descriptor, path);
    LEDGERD_RETURN_IF_ERROR(file->DropFromPageCache());
    return file;
  }
};

}  // namespace

absl::Status FileError(int error, absl::string_view what) {
  const std::string message =
      absl::StrCat(what, ": ", std::generic_category().message(error));
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return absl::ResourceExhaustedError(message);
    case ENOENT:
      return absl::NotFoundError(message);
    case EEXIST:
      return absl::AlreadyExistsError(message);
    default:
      return absl::InternalError(message);
  }
}

FileSystem& PosixFiles() {
  static PosixFileSystem files;
  return files;
}

}  // namespace ledgerd::storage
