#include "proto/entry.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/crc32c.h"
#include "proto/base/little_endian.h"

namespace ledgerd {
namespace {

// Offsets in the header; FORMAT.md says the same in words.
constexpr size_t kChecksumAt = 0;
constexpr size_t kVersionAt = 4;
constexpr size_t kKindAt = 6;
constexpr size_t kPayloadSizeAt = 8;
constexpr size_t kTimestampCountAt = 12;
constexpr size_t kEpochAt = 16;
constexpr size_t kSequenceAt = 24;
constexpr size_t kTimestampAt = 32;
constexpr size_t kPreviousHashAt = 40;

bool HasRows(EntryKind kind) {
  return kind == EntryKind::kCreateAccounts ||
         kind == EntryKind::kCreateTransfers;
}

uint32_t Checksum(absl::string_view bytes) {
  return Crc32c(bytes.substr(kVersionAt));
}

absl::Status CheckHeader(absl::string_view bytes) {
  if (bytes.size() < kEntryHeaderBytes) {
    return absl::DataLossError(absl::StrCat("entry of ", bytes.size(),
                                            " bytes: shorter than its ",
                                            kEntryHeaderBytes, "-byte header"));
  }
  const auto stated = GetLittle<uint32_t>(bytes.data() + kChecksumAt);
  if (const uint32_t computed = Checksum(bytes); stated != computed) {
    return absl::DataLossError(
        absl::StrCat("entry checksum is ", absl::Hex(computed, absl::kZeroPad8),
                     ", its header says ", absl::Hex(stated, absl::kZeroPad8)));
  }
  const auto version = GetLittle<uint16_t>(bytes.data() + kVersionAt);
  if (version != kEntryVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("entry of version ", version, "; this build knows ",
                     kEntryVersion, ": a newer ledgerd wrote it"));
  }
  const auto payload = GetLittle<uint32_t>(bytes.data() + kPayloadSizeAt);
  if (payload != bytes.size() - kEntryHeaderBytes) {
    return absl::DataLossError(absl::StrCat("entry says ", payload,
                                            " bytes of payload and has ",
                                            bytes.size() - kEntryHeaderBytes));
  }
  const auto kind = static_cast<EntryKind>(bytes[kKindAt]);
  if (HasRows(kind) && (payload == 0 || payload % kRowBytes != 0 ||
                        payload / kRowBytes > kMaxBatchSize)) {
    return absl::DataLossError(absl::StrCat("entry ", Name(kind), " with ",
                                            payload, " bytes of payload"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::string_view Name(EntryKind kind) {
  switch (kind) {
    case EntryKind::kCreateAccounts:
      return "create_accounts";
    case EntryKind::kCreateTransfers:
      return "create_transfers";
    case EntryKind::kExpireTransfers:
      return "expire_transfers";
    case EntryKind::kEpochStart:
      return "epoch_start";
    case EntryKind::kMembership:
      return "membership";
    case EntryKind::kPause:
      return "pause";
    case EntryKind::kIncidents:
      return "incidents";
  }
  return "unknown";
}

Command MakeExpireCommand() {
  Command command;
  command.kind = EntryKind::kExpireTransfers;
  command.timestamp_count = kMaxBatchSize;
  return command;
}

Entry Entry::Seal(Command command, Epoch epoch, Timestamp timestamp,
                  const EntryId& previous) {
  LEDGERD_CHECK(command.buffer.size() >= kEntryHeaderBytes);
  LEDGERD_CHECK(command.buffer.size() <= kEntryBytesMax);
  LEDGERD_CHECK(command.timestamp_count > 0);
  auto rep = std::make_shared<Rep>();
  rep->bytes = std::move(command.buffer);
  rep->epoch = epoch;
  rep->sequence = previous.sequence.Next();
  rep->timestamp = timestamp;
  char* header = rep->bytes.data();
  std::memset(header, 0, kEntryHeaderBytes);
  PutLittle(header + kVersionAt, kEntryVersion);
  header[kKindAt] = static_cast<char>(command.kind);
  PutLittle(header + kPayloadSizeAt,
            static_cast<uint32_t>(rep->bytes.size() - kEntryHeaderBytes));
  PutLittle(header + kTimestampCountAt, command.timestamp_count);
  PutLittle(header + kEpochAt, epoch.value());
  PutLittle(header + kSequenceAt, rep->sequence.value());
  PutLittle(header + kTimestampAt, timestamp.value());
  std::memcpy(header + kPreviousHashAt, previous.hash.data(),
              previous.hash.size());
  PutLittle(header + kChecksumAt, Checksum(rep->bytes));
  rep->hash = Sha256(rep->bytes);
  return Entry(std::move(rep));
}

absl::StatusOr<Entry> Entry::Parse(std::string bytes) {
  if (absl::Status status = CheckHeader(bytes); !status.ok()) return status;
  auto rep = std::make_shared<Rep>();
  rep->bytes = std::move(bytes);
  const char* header = rep->bytes.data();
  rep->epoch = Epoch(GetLittle<uint64_t>(header + kEpochAt));
  rep->sequence = Sequence(GetLittle<uint64_t>(header + kSequenceAt));
  rep->timestamp = Timestamp(GetLittle<uint64_t>(header + kTimestampAt));
  rep->hash = Sha256(rep->bytes);
  return Entry(std::move(rep));
}

Hash256 Entry::previous_hash() const {
  Hash256 hash{};
  std::memcpy(hash.data(), rep_->bytes.data() + kPreviousHashAt, hash.size());
  return hash;
}

size_t Entry::event_count() const {
  return HasRows(kind()) ? payload().size() / kRowBytes : 0;
}

}  // namespace ledgerd
