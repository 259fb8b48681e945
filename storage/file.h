// The journal's whole view of the operating system's files, so that a test can
// put a failing disk in its place.
//
//   LEDGERD_ASSIGN_OR_RETURN(auto file, files.Create(path));
//   LEDGERD_RETURN_IF_ERROR(file->Write(0, bytes));
//   LEDGERD_RETURN_IF_ERROR(file->Sync());
//   LEDGERD_RETURN_IF_ERROR(files.SyncDirectory(directory));
//
// Shape       Files of bytes at offsets; flat paths. Nothing is retried here
//             and nothing is cached: a read through a File that was opened
//             after a failed write or sync shows what the device has.
// Durability  A file's bytes: after Sync. A name, its change or its removal:
//             after SyncDirectory of its directory.
// Errors      RESOURCE_EXHAUSTED   no space left (quota included).
//             NOT_FOUND, ALREADY_EXISTS  of names.
//             DATA_LOSS            the device could not read (EIO of a read).
//             OUT_OF_RANGE         a read past the end of the file.
//             INTERNAL             anything else, with the system's words.
// Threads     A File: Read from any thread, the others one at a time. A
//             FileSystem: any thread.
#ifndef LEDGERD_STORAGE_FILE_H_
#define LEDGERD_STORAGE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace ledgerd::storage {

// What direct I/O is aligned to, in memory and on the disk, and the unit that
// is never written a second time once something in it counts.
inline constexpr size_t kBlockBytes = 4096;

constexpr uint64_t RoundUpToBlock(uint64_t bytes) {
  return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

class File {
 public:
  virtual ~File() = default;

  // Fills `into` from `offset` on; all of it or an error.
  virtual absl::Status Read(uint64_t offset, absl::Span<char> into) const = 0;

  // Writes all of `bytes`, or fails with an unknown part of it written.
  //
  // Requires: offset and size are multiples of kBlockBytes.
  virtual absl::Status Write(uint64_t offset, absl::string_view bytes) = 0;

  virtual absl::Status Sync() = 0;

  // Reserves space for `bytes` and makes the file that long; what is new reads
  // as zeros.
  virtual absl::Status Allocate(uint64_t bytes) = 0;

  virtual absl::StatusOr<uint64_t> Size() const = 0;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // Opens a file that exists, to read and write.
  virtual absl::StatusOr<std::unique_ptr<File>> Open(
      const std::string& path) = 0;
  // Makes a file that does not exist.
  virtual absl::StatusOr<std::unique_ptr<File>> Create(
      const std::string& path) = 0;
  // Replaces `to` when it exists.
  virtual absl::Status Rename(const std::string& from,
                              const std::string& to) = 0;
  virtual absl::Status Remove(const std::string& path) = 0;
  virtual absl::Status SyncDirectory(const std::string& path) = 0;
  // The names in a directory, sorted, without . and ..
  virtual absl::StatusOr<std::vector<std::string>> List(
      const std::string& path) = 0;
};

// Memory that direct I/O can use. Grows, never shrinks; keeps no contents when
// it grows.
class AlignedBuffer {
 public:
  // Zeros are not promised. Valid until the next Reserve.
  absl::Span<char> Reserve(size_t bytes);

 private:
  struct Free {
    void operator()(char* memory) const;
  };

  std::unique_ptr<char, Free> memory_;
  size_t size_ = 0;
};

// Reads all of a file. `bytes_max`: more than that is DATA_LOSS.
absl::StatusOr<std::string> ReadWhole(const File& file, uint64_t bytes_max);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_FILE_H_
