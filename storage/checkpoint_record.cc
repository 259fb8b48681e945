#include "storage/checkpoint_record.h"

#include <cstring>

#include "absl/strings/str_cat.h"

#include "proto/base/little_endian.h"

namespace ledgerd::storage {
namespace {

constexpr size_t kRecordBytes = 112;

}  // namespace

std::string EncodeCheckpoint(const CheckpointRecord& record) {
  std::string row(kRecordBytes, '\0');
  char* at = row.data();
  const EntryId& entry = record.applied.entry;
  PutLittle(at, record.format_version);
  PutLittle(at + 8, entry.epoch.value());
  PutLittle(at + 16, entry.sequence.value());
  std::memcpy(at + 24, entry.hash.data(), entry.hash.size());
  PutLittle(at + 56, record.applied.timestamp.value());
  PutLittle(at + 64, record.state_hash);
  PutLittle(at + 80, record.newest_account.value());
  PutLittle(at + 88, record.newest_transfer.value());
  PutLittle(at + 96, record.highest_account.value());
  return row;
}

absl::StatusOr<CheckpointRecord> DecodeCheckpoint(absl::string_view row) {
  if (row.size() < sizeof(uint32_t)) {
    return absl::DataLossError("the checkpoint's record is too short");
  }
  const char* at = row.data();
  const auto version = GetLittle<uint32_t>(at);
  if (version > kStateFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the state has format version ", version, "; this build reads up to ",
        kStateFormatVersion, ": start a newer build"));
  }
  if (version == 0) {
    return absl::DataLossError("the checkpoint's record has no version");
  }
  if (row.size() != kRecordBytes) {
    return absl::DataLossError("the checkpoint's record has a wrong size");
  }
  CheckpointRecord record;
  record.format_version = version;
  EntryId& entry = record.applied.entry;
  entry.epoch = Epoch(GetLittle<uint64_t>(at + 8));
  entry.sequence = Sequence(GetLittle<uint64_t>(at + 16));
  std::memcpy(entry.hash.data(), at + 24, entry.hash.size());
  record.applied.timestamp = Timestamp(GetLittle<uint64_t>(at + 56));
  record.state_hash = GetLittle<Uint128>(at + 64);
  record.newest_account = Timestamp(GetLittle<uint64_t>(at + 80));
  record.newest_transfer = Timestamp(GetLittle<uint64_t>(at + 88));
  record.highest_account = AccountId(GetLittle<Uint128>(at + 96));
  return record;
}

}  // namespace ledgerd::storage
