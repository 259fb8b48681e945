#include "storage/segment.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/crc32c.h"
#include "proto/base/little_endian.h"
#include "proto/base/status_macros.h"

namespace ledgerd::storage {
namespace {

// Offsets in the header; FORMAT.md says the same in words.
constexpr size_t kMagicAt = 0;
constexpr size_t kChecksumAt = 4;
constexpr size_t kVersionAt = 8;
constexpr size_t kSaltAt = 12;
constexpr size_t kClusterAt = 16;
constexpr size_t kReplicaAt = 32;
constexpr size_t kIncarnationAt = 40;
constexpr size_t kUsedAgainAt = 44;
constexpr size_t kNumberAt = 48;
constexpr size_t kBaseEpochAt = 56;
constexpr size_t kBaseSequenceAt = 64;
constexpr size_t kBaseHashAt = 72;
constexpr size_t kBytesAt = 104;

constexpr absl::string_view kMagic = "LDSG";
constexpr absl::string_view kSuffix = ".segment";
constexpr size_t kDigits = 16;
constexpr size_t kZeroWriteBytes = size_t{1} << 20;

uint32_t Checksum(absl::string_view bytes) {
  return Crc32c(bytes.substr(kVersionAt));
}

JournalIdentity DecodeIdentity(const char* from) {
  JournalIdentity identity;
  identity.salt = FrameSalt(GetLittle<uint32_t>(from + kSaltAt));
  identity.cluster = ClusterId(GetLittle<Uint128>(from + kClusterAt));
  identity.replica = ReplicaId(GetLittle<uint64_t>(from + kReplicaAt));
  identity.incarnation = GetLittle<uint32_t>(from + kIncarnationAt);
  return identity;
}

// Whole, and of a version that this build knows.
absl::Status CheckIsHeader(absl::string_view bytes) {
  if (bytes.size() != kBlockBytes || !absl::StartsWith(bytes, kMagic)) {
    return absl::DataLossError("no segment header");
  }
  const char* from = bytes.data();
  if (GetLittle<uint32_t>(from + kChecksumAt) != Checksum(bytes)) {
    return absl::DataLossError("segment header's checksum does not hold");
  }
  const auto version = GetLittle<uint32_t>(from + kVersionAt);
  if (version > kSegmentVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "segment of version ", version, "; this build reads up to ",
        kSegmentVersion, ": a newer ledgerd has used it; start that one"));
  }
  if (version == 0) return absl::DataLossError("segment of version 0");
  return absl::OkStatus();
}

absl::Status WriteZeros(File& file, uint64_t bytes,
                        const std::atomic<bool>& stop) {
  LEDGERD_RETURN_IF_ERROR(file.Allocate(bytes));
  AlignedBuffer buffer;
  const absl::Span<char> zeros =
      buffer.Reserve(std::min<uint64_t>(bytes, kZeroWriteBytes));
  std::memset(zeros.data(), 0, zeros.size());
  for (uint64_t at = 0; at < bytes; at += zeros.size()) {
    if (stop.load()) return absl::CancelledError("journal is closing");
    const size_t size = std::min<uint64_t>(bytes - at, zeros.size());
    LEDGERD_RETURN_IF_ERROR(file.Write(at, {zeros.data(), size}));
  }
  return file.Sync();
}

}  // namespace

std::string EncodeSegmentHeader(const JournalIdentity& identity,
                                const SegmentHeader& header) {
  std::string bytes(kBlockBytes, '\0');
  char* to = bytes.data();
  std::memcpy(to + kMagicAt, kMagic.data(), kMagic.size());
  PutLittle(to + kVersionAt, kSegmentVersion);
  PutLittle(to + kSaltAt, identity.salt.value());
  PutLittle(to + kClusterAt, identity.cluster.value());
  PutLittle(to + kReplicaAt, identity.replica.value());
  PutLittle(to + kIncarnationAt, identity.incarnation);
  PutLittle(to + kUsedAgainAt, uint32_t{header.used_again ? 1U : 0U});
  PutLittle(to + kNumberAt, header.number.value());
  PutLittle(to + kBaseEpochAt, header.base.epoch.value());
  PutLittle(to + kBaseSequenceAt, header.base.sequence.value());
  std::memcpy(to + kBaseHashAt, header.base.hash.data(),
              header.base.hash.size());
  PutLittle(to + kBytesAt, header.bytes);
  PutLittle(to + kChecksumAt, Checksum(bytes));
  return bytes;
}

absl::StatusOr<JournalIdentity> ReadSegmentIdentity(absl::string_view bytes) {
  LEDGERD_RETURN_IF_ERROR(CheckIsHeader(bytes));
  return DecodeIdentity(bytes.data());
}

absl::StatusOr<SegmentHeader> DecodeSegmentHeader(
    const JournalIdentity& identity, absl::string_view bytes) {
  LEDGERD_RETURN_IF_ERROR(CheckIsHeader(bytes));
  const char* from = bytes.data();
  if (DecodeIdentity(from) != identity) {
    return absl::DataLossError(
        "segment of another cluster, replica or incarnation");
  }
  SegmentHeader header;
  header.used_again = GetLittle<uint32_t>(from + kUsedAgainAt) != 0;
  header.number = SegmentNumber(GetLittle<uint64_t>(from + kNumberAt));
  header.base.epoch = Epoch(GetLittle<uint64_t>(from + kBaseEpochAt));
  header.base.sequence = Sequence(GetLittle<uint64_t>(from + kBaseSequenceAt));
  std::memcpy(header.base.hash.data(), from + kBaseHashAt,
              header.base.hash.size());
  header.bytes = GetLittle<uint64_t>(from + kBytesAt);
  return header;
}

std::string SegmentName(SegmentNumber number) {
  const std::string digits = absl::StrCat(number.value());
  LEDGERD_CHECK(digits.size() <= kDigits);
  return absl::StrCat(std::string(kDigits - digits.size(), '0'), digits,
                      kSuffix);
}

std::optional<SegmentNumber> ParseSegmentName(absl::string_view name) {
  uint64_t number = 0;
  if (name.size() != kDigits + kSuffix.size() ||
      !absl::EndsWith(name, kSuffix) ||
      !absl::SimpleAtoi(name.substr(0, kDigits), &number) ||
      SegmentName(SegmentNumber(number)) != name) {
    return std::nullopt;
  }
  return SegmentNumber(number);
}

absl::Status CreateFirstSegment(FileSystem& files, const std::string& directory,
                                const JournalIdentity& identity,
                                const EntryId& base, uint64_t bytes) {
  const SegmentHeader header{
      .number = SegmentNumber(1), .base = base, .bytes = bytes};
  const std::string path =
      absl::StrCat(directory, "/", SegmentName(header.number));
  const std::atomic<bool> never{false};
  LEDGERD_RETURN_IF_ERROR(CreateZeroed(files, path, bytes, never));
  LEDGERD_ASSIGN_OR_RETURN(const auto file, files.Open(path));
  LEDGERD_RETURN_IF_ERROR(
      file->Write(0, EncodeSegmentHeader(identity, header)));
  return file->Sync();
}

absl::Status CreateZeroed(FileSystem& files, const std::string& path,
                          uint64_t bytes, const std::atomic<bool>& stop) {
  LEDGERD_ASSIGN_OR_RETURN(const auto file, files.Create(path));
  absl::Status status = WriteZeros(*file, bytes, stop);
  if (!status.ok()) files.Remove(path).IgnoreError();
  return status;
}

}  // namespace ledgerd::storage
