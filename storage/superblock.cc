#include "storage/superblock.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/crc32c.h"
#include "proto/base/little_endian.h"
#include "proto/base/status_macros.h"

namespace ledgerd::storage {
namespace {

// Offsets in a copy; FORMAT.md says the same in words.
constexpr size_t kMagicAt = 0;
constexpr size_t kChecksumAt = 4;
constexpr size_t kVersionAt = 8;
constexpr size_t kVoterCountAt = 12;
constexpr size_t kGenerationAt = 16;
constexpr size_t kPromisedEpochAt = 24;
constexpr size_t kForkAt = 32;
constexpr size_t kCheckpointEpochAt = 40;
constexpr size_t kCheckpointSequenceAt = 48;
constexpr size_t kCheckpointHashAt = 56;
constexpr size_t kVotersAt = 88;
constexpr size_t kEnd = kVotersAt + kVotersMax * sizeof(uint64_t);
// One sector, so that a copy is written whole or not at all.
static_assert(kEnd <= 512);

constexpr absl::string_view kMagic = "LDSB";
constexpr uint32_t kVersion = 1;
constexpr size_t kCopies = 2;

uint32_t Checksum(absl::string_view bytes) {
  return Crc32c(bytes.substr(kVersionAt, kBlockBytes - kVersionAt));
}

using Copies = std::array<absl::StatusOr<SuperblockCopy>, kCopies>;

absl::StatusOr<SuperblockCopy> ReadCopy(const File& file, size_t which) {
  std::string bytes(kBlockBytes, '\0');
  LEDGERD_RETURN_IF_ERROR(
      file.Read(which * kSuperblockCopyBytes, absl::MakeSpan(bytes)));
  return DecodeSuperblock(bytes);
}

// The copy that holds the newest superblock, if any.
std::optional<size_t> Newest(const Copies& copies) {
  if (!copies[0].ok() && !copies[1].ok()) return std::nullopt;
  if (!copies[1].ok()) return 0;
  if (!copies[0].ok()) return 1;
  return copies[0]->generation >= copies[1]->generation ? 0 : 1;
}

// Writes one copy after the other, `first` first.
absl::Status WriteCopies(File& file, const SuperblockCopy& copy, size_t first) {
  const std::string bytes = EncodeSuperblock(copy);
  for (size_t i = 0; i < kCopies; ++i) {
    const size_t which = (first + i) % kCopies;
    LEDGERD_RETURN_IF_ERROR(file.Write(which * kSuperblockCopyBytes, bytes));
    LEDGERD_RETURN_IF_ERROR(file.Sync());
  }
  return absl::OkStatus();
}

absl::Status ForgottenError(const std::string& path, const Copies& copies) {
  return absl::DataLossError(absl::StrCat(
      "superblock ", path, ": this replica has forgotten promises: ",
      "neither copy is readable (first: ", copies[0].status().message(),
      "; second: ", copies[1].status().message(),
      "). It must not vote or acknowledge again under this incarnation: ",
      "restore the data directory from a backup, or format a new one and ",
      "rejoin it as a new incarnation"));
}

}  // namespace

std::string EncodeSuperblock(const SuperblockCopy& copy) {
  const Superblock& superblock = copy.superblock;
  LEDGERD_CHECK(superblock.voters.size() <= kVotersMax);
  std::string bytes(kBlockBytes, '\0');
  char* to = bytes.data();
  std::memcpy(to + kMagicAt, kMagic.data(), kMagic.size());
  PutLittle(to + kVersionAt, kVersion);
  PutLittle(to + kVoterCountAt,
            static_cast<uint32_t>(superblock.voters.size()));
  PutLittle(to + kGenerationAt, copy.generation);
  PutLittle(to + kPromisedEpochAt, superblock.promised_epoch.value());
  PutLittle(to + kForkAt, superblock.fork);
  PutLittle(to + kCheckpointEpochAt, superblock.checkpoint.epoch.value());
  PutLittle(to + kCheckpointSequenceAt, superblock.checkpoint.sequence.value());
  std::memcpy(to + kCheckpointHashAt, superblock.checkpoint.hash.data(),
              superblock.checkpoint.hash.size());
  for (size_t i = 0; i < superblock.voters.size(); ++i) {
    PutLittle(to + kVotersAt + i * sizeof(uint64_t),
              superblock.voters[i].value());
  }
  PutLittle(to + kChecksumAt, Checksum(bytes));
  return bytes;
}

absl::StatusOr<SuperblockCopy> DecodeSuperblock(absl::string_view bytes) {
  if (bytes.size() != kBlockBytes) {
    return absl::DataLossError(absl::StrCat("copy of ", bytes.size(),
                                            " bytes instead of ", kBlockBytes));
  }
  const char* from = bytes.data();
  if (bytes.substr(kMagicAt, kMagic.size()) != kMagic) {
    return absl::DataLossError("magic is not LDSB");
  }
  if (GetLittle<uint32_t>(from + kChecksumAt) != Checksum(bytes)) {
    return absl::DataLossError("checksum does not hold");
  }
  if (const auto version = GetLittle<uint32_t>(from + kVersionAt);
      version != kVersion) {
    return absl::DataLossError(
        absl::StrCat("version ", version, "; this build knows ", kVersion));
  }
  const auto voters = GetLittle<uint32_t>(from + kVoterCountAt);
  if (voters > kVotersMax) {
    return absl::DataLossError(absl::StrCat(voters, " voters"));
  }
  SuperblockCopy copy;
  copy.generation = GetLittle<uint64_t>(from + kGenerationAt);
  Superblock& superblock = copy.superblock;
  superblock.promised_epoch =
      Epoch(GetLittle<uint64_t>(from + kPromisedEpochAt));
  superblock.fork = GetLittle<uint64_t>(from + kForkAt);
  superblock.checkpoint.epoch =
      Epoch(GetLittle<uint64_t>(from + kCheckpointEpochAt));
  superblock.checkpoint.sequence =
      Sequence(GetLittle<uint64_t>(from + kCheckpointSequenceAt));
  std::memcpy(superblock.checkpoint.hash.data(), from + kCheckpointHashAt,
              superblock.checkpoint.hash.size());
  for (size_t i = 0; i < voters; ++i) {
    superblock.voters.emplace_back(
        GetLittle<uint64_t>(from + kVotersAt + i * sizeof(uint64_t)));
  }
  return copy;
}

absl::Status SuperblockFile::Create(FileSystem& files, const std::string& path,
                                    const Superblock& superblock) {
  LEDGERD_ASSIGN_OR_RETURN(const auto file, files.Create(path));
  LEDGERD_RETURN_IF_ERROR(file->Allocate(kCopies * kSuperblockCopyBytes));
  return WriteCopies(*file, {.generation = 1, .superblock = superblock}, 0);
}

absl::StatusOr<std::unique_ptr<SuperblockFile>> SuperblockFile::Open(
    FileSystem& files, const std::string& path) {
  auto file = files.Open(path);
  if (absl::IsNotFound(file.status())) {
    return ForgottenError(path, {file.status(), file.status()});
  }
  if (!file.ok()) return file.status();
  const Copies copies = {ReadCopy(**file, 0), ReadCopy(**file, 1)};
  for (const auto& copy : copies) {
    // Only what says something about the copy counts against it.
    if (!copy.ok() && !absl::IsDataLoss(copy.status()) &&
        !absl::IsOutOfRange(copy.status())) {
      return copy.status();
    }
  }
  const std::optional<size_t> newest = Newest(copies);
  if (!newest.has_value()) return ForgottenError(path, copies);
  // Also when both are equal: what was read may not be on the device yet. The
  // other copy goes first, so that a whole one is never overwritten alone.
  const SuperblockCopy& copy = *copies[*newest];
  LEDGERD_RETURN_IF_ERROR(WriteCopies(**file, copy, (*newest + 1) % kCopies));
  return std::unique_ptr<SuperblockFile>(
      new SuperblockFile(*std::move(file), copy));
}

absl::Status SuperblockFile::Write(const Superblock& superblock) {
  SuperblockCopy next{.generation = newest_.generation + 1,
                      .superblock = superblock};
  LEDGERD_RETURN_IF_ERROR(WriteCopies(*file_, next, 0));
  newest_ = std::move(next);
  return absl::OkStatus();
}

}  // namespace ledgerd::storage
