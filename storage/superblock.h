// The superblock's file: what a replica must never forget, kept twice.
//
//   LEDGERD_ASSIGN_OR_RETURN(auto file, SuperblockFile::Open(files, path));
//   Superblock next = file->superblock();
//   next.promised_epoch = Epoch(4);
//   LEDGERD_RETURN_IF_ERROR(file->Write(next));
//
// Shape       Two copies, 64 KiB apart, each with a generation and a checksum.
//             One is written and synced, then the other; so at every moment one
//             of them is whole.
// Durability  What Write was given survives a crash once it has returned OK. A
//             crash before that leaves the old one or the new one.
// Errors      DATA_LOSS            neither copy can be read: this replica has
//                                  forgotten what it promised.
//             FAILED_PRECONDITION  (Open) a newer build has written a copy;
//                                  nothing was changed.
//             Anything else is fatal, as in journal.h.
// Threads     One thread at a time.
// Source      Layout: FORMAT.md, "The superblock".
#ifndef LEDGERD_STORAGE_SUPERBLOCK_H_
#define LEDGERD_STORAGE_SUPERBLOCK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "storage/file.h"
#include "storage/journal.h"

namespace ledgerd::storage {

// That this build writes; it reads the older ones too.
inline constexpr uint32_t kSuperblockVersion = 2;

// Distance of the two copies.
inline constexpr uint64_t kSuperblockCopyBytes = uint64_t{64} << 10;

struct SuperblockCopy {
  // Counts writes; the higher one of two whole copies is the newer.
  uint64_t generation = 0;
  // That it was read in; it is always written in this build's.
  uint32_t version = kSuperblockVersion;
  Superblock superblock;
};

// One copy's kBlockBytes, in this build's version. Requires: at most
// kMembersMax members in each membership.
std::string EncodeSuperblock(const SuperblockCopy& copy);

// Reads this build's version and the older one.
// Errors: FAILED_PRECONDITION, a newer build has written it.
//         DATA_LOSS, it is damaged.
absl::StatusOr<SuperblockCopy> DecodeSuperblock(absl::string_view bytes);

class SuperblockFile {
 public:
  // Makes the file and its first two copies; the caller syncs the directory.
  static absl::Status Create(FileSystem& files, const std::string& path,
                             const Superblock& superblock);

  // Reads both copies, and makes the older or damaged one equal to the newer,
  // both in this build's version.
  static absl::StatusOr<std::unique_ptr<SuperblockFile>> Open(
      FileSystem& files, const std::string& path);

  absl::Status Write(const Superblock& superblock);

  const Superblock& superblock() const { return newest_.superblock; }

  // The version that Open found; below kSuperblockVersion, it was upgraded.
  uint32_t found_version() const { return found_version_; }

 private:
  SuperblockFile(std::unique_ptr<File> file, SuperblockCopy newest)
      : file_(std::move(file)),
        found_version_(newest.version),
        newest_(std::move(newest)) {}

  std::unique_ptr<File> file_;
  const uint32_t found_version_;
  SuperblockCopy newest_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_SUPERBLOCK_H_
