#include "storage/superblock.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/crc32c.h"
#include "proto/base/little_endian.h"
#include "proto/base/status_macros.h"
#include "proto/entry.h"
#include "proto/membership.h"

namespace ledgerd::storage {
namespace {

// Offsets in a copy; FORMAT.md says the same in words.
constexpr size_t kMagicAt = 0;
constexpr size_t kChecksumAt = 4;
constexpr size_t kVersionAt = 8;
constexpr size_t kGenerationAt = 16;
constexpr size_t kPromisedEpochAt = 24;
constexpr size_t kForkAt = 32;
constexpr size_t kCheckpointAt = 40;

// Version 1: how many voters, and their ids.
constexpr size_t kVoterCountAt = 12;
constexpr size_t kVotersAt = 88;
// Version 2: memberships.
constexpr size_t kMembershipAt = 88;
constexpr size_t kMembershipBeforeAt = 416;
constexpr size_t kEnd = 744;

// Offsets in a membership.
constexpr size_t kSinceAt = 0;
constexpr size_t kLengthAt = 48;
constexpr size_t kPayloadAt = 56;
constexpr size_t kMembershipBytes = kMembershipBeforeAt - kMembershipAt;
static_assert(kMembershipBeforeAt + kMembershipBytes == kEnd);
static_assert(kEnd <= kBlockBytes);

constexpr absl::string_view kMagic = "LDSB";
constexpr uint32_t kVersionOfVoters = 1;
constexpr size_t kCopies = 2;

uint32_t Checksum(absl::string_view bytes) {
  return Crc32c(bytes.substr(kVersionAt, kBlockBytes - kVersionAt));
}

void PutId(const EntryId& id, char* to) {
  PutLittle(to, id.epoch.value());
  PutLittle(to + sizeof(uint64_t), id.sequence.value());
  std::memcpy(to + 2 * sizeof(uint64_t), id.hash.data(), id.hash.size());
}

EntryId GetId(const char* from) {
  EntryId id;
  id.epoch = Epoch(GetLittle<uint64_t>(from));
  id.sequence = Sequence(GetLittle<uint64_t>(from + sizeof(uint64_t)));
  std::memcpy(id.hash.data(), from + 2 * sizeof(uint64_t), id.hash.size());
  return id;
}

void PutMembership(const Membership& membership, char* to) {
  const std::string payload = EncodeMembership(membership);
  LEDGERD_CHECK(kPayloadAt + payload.size() <= kMembershipBytes);
  PutId(membership.since, to + kSinceAt);
  PutLittle(to + kLengthAt, static_cast<uint32_t>(payload.size()));
  std::copy(payload.begin(), payload.end(), to + kPayloadAt);
}

absl::StatusOr<Membership> GetMembership(const char* from) {
  const auto length = GetLittle<uint32_t>(from + kLengthAt);
  if (length > kMembershipBytes - kPayloadAt) {
    return absl::DataLossError(
        absl::StrCat("membership of ", length, " bytes"));
  }
  LEDGERD_ASSIGN_OR_RETURN(
      Membership membership,
      DecodeMembership(absl::string_view(from + kPayloadAt, length)));
  membership.since = GetId(from + kSinceAt);
  return membership;
}

absl::StatusOr<Membership> GetVoters(const char* copy) {
  const auto count = GetLittle<uint32_t>(copy + kVoterCountAt);
  if (count > kMembersMax) {
    return absl::DataLossError(absl::StrCat(count, " voters"));
  }
  std::vector<ReplicaId> voters;
  for (size_t i = 0; i < count; ++i) {
    voters.emplace_back(
        GetLittle<uint64_t>(copy + kVotersAt + i * sizeof(uint64_t)));
    if (i > 0 && voters[i] <= voters[i - 1]) {
      return absl::DataLossError("voters are not in ascending order");
    }
  }
  return FirstMembership(std::move(voters));
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
  std::string bytes(kBlockBytes, '\0');
  char* to = bytes.data();
  std::memcpy(to + kMagicAt, kMagic.data(), kMagic.size());
  PutLittle(to + kVersionAt, kSuperblockVersion);
  PutLittle(to + kGenerationAt, copy.generation);
  PutLittle(to + kPromisedEpochAt, superblock.promised_epoch.value());
  PutLittle(to + kForkAt, superblock.fork);
  PutId(superblock.checkpoint, to + kCheckpointAt);
  PutMembership(superblock.membership, to + kMembershipAt);
  PutMembership(superblock.membership_before, to + kMembershipBeforeAt);
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
  const auto version = GetLittle<uint32_t>(from + kVersionAt);
  if (version > kSuperblockVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "it has version ", version, ", this build reads up to ",
        kSuperblockVersion, ": a newer ledgerd has used it; start that one"));
  }
  if (version < kVersionOfVoters) return absl::DataLossError("version 0");
  SuperblockCopy copy;
  copy.version = version;
  copy.generation = GetLittle<uint64_t>(from + kGenerationAt);
  Superblock& superblock = copy.superblock;
  superblock.promised_epoch =
      Epoch(GetLittle<uint64_t>(from + kPromisedEpochAt));
  superblock.fork = GetLittle<uint64_t>(from + kForkAt);
  superblock.checkpoint = GetId(from + kCheckpointAt);
  if (version == kVersionOfVoters) {
    LEDGERD_ASSIGN_OR_RETURN(superblock.membership, GetVoters(from));
    return copy;
  }
  LEDGERD_ASSIGN_OR_RETURN(superblock.membership,
                           GetMembership(from + kMembershipAt));
  LEDGERD_ASSIGN_OR_RETURN(superblock.membership_before,
                           GetMembership(from + kMembershipBeforeAt));
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
    if (absl::IsFailedPrecondition(copy.status())) {
      return absl::FailedPreconditionError(absl::StrCat(
          "superblock ", path, " cannot be used: ", copy.status().message()));
    }
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
