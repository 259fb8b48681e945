#include "storage/journal_record.h"

#include <cstring>

#include "proto/base/check.h"
#include "proto/base/crc32c.h"
#include "proto/base/little_endian.h"

namespace ledgerd::storage {
namespace {

// Offsets in a frame; FORMAT.md says the same in words.
constexpr size_t kMagicAt = 0;
constexpr size_t kChecksumAt = 4;
constexpr size_t kVersionAt = 8;
constexpr size_t kKindAt = 10;
constexpr size_t kEntryBytesAt = 12;
constexpr size_t kClusterAt = 16;
constexpr size_t kSegmentAt = 32;
constexpr size_t kOffsetAt = 40;
constexpr size_t kSequenceAt = 48;
constexpr size_t kCommitPointAt = 56;
constexpr size_t kSyncedThroughAt = 64;
constexpr size_t kHashAt = 72;
static_assert(kHashAt + sizeof(Hash256) <= kFrameBytes);

uint32_t Checksum(const char* frame, FrameSalt salt) {
  return Crc32c({frame + kVersionAt, kFrameBytes - kVersionAt}, salt.value());
}

RecordFrame DecodeFrame(const char* from) {
  RecordFrame frame;
  frame.kind = static_cast<RecordKind>(GetLittle<uint16_t>(from + kKindAt));
  frame.entry_bytes = GetLittle<uint32_t>(from + kEntryBytesAt);
  frame.place.cluster = ClusterId(GetLittle<Uint128>(from + kClusterAt));
  frame.place.segment = SegmentNumber(GetLittle<uint64_t>(from + kSegmentAt));
  frame.place.offset = GetLittle<uint64_t>(from + kOffsetAt);
  frame.sequence = Sequence(GetLittle<uint64_t>(from + kSequenceAt));
  frame.commit_point = Sequence(GetLittle<uint64_t>(from + kCommitPointAt));
  frame.synced_through = Sequence(GetLittle<uint64_t>(from + kSyncedThroughAt));
  std::memcpy(frame.hash.data(), from + kHashAt, frame.hash.size());
  return frame;
}

FrameVerdict Judge(const RecordFrame& frame, const RecordPlace& place,
                   uint16_t version) {
  if (version > kFrameVersion) return FrameVerdict::kNewer;
  const bool known_kind =
      frame.kind == RecordKind::kEntry || frame.kind == RecordKind::kFiller;
  if (frame.place.cluster != place.cluster || version != kFrameVersion ||
      !known_kind) {
    return FrameVerdict::kForeign;
  }
  if (frame.place.segment < place.segment) return FrameVerdict::kStale;
  return frame.place == place ? FrameVerdict::kHere : FrameVerdict::kForeign;
}

}  // namespace

void EncodeRecord(const RecordFrame& frame, absl::string_view entry,
                  FrameSalt salt, absl::Span<char> to) {
  LEDGERD_CHECK(entry.size() == frame.entry_bytes);
  LEDGERD_CHECK(to.size() >= RecordBytes(entry.size()));
  LEDGERD_CHECK(frame.place.offset % kRecordAlignment == 0);
  char* at = to.data();
  std::memset(at, 0, kFrameBytes);
  PutLittle(at + kMagicAt, kFrameMagic);
  PutLittle(at + kVersionAt, kFrameVersion);
  PutLittle(at + kKindAt, static_cast<uint16_t>(frame.kind));
  PutLittle(at + kEntryBytesAt, frame.entry_bytes);
  PutLittle(at + kClusterAt, frame.place.cluster.value());
  PutLittle(at + kSegmentAt, frame.place.segment.value());
  PutLittle(at + kOffsetAt, frame.place.offset);
  PutLittle(at + kSequenceAt, frame.sequence.value());
  PutLittle(at + kCommitPointAt, frame.commit_point.value());
  PutLittle(at + kSyncedThroughAt, frame.synced_through.value());
  std::memcpy(at + kHashAt, frame.hash.data(), frame.hash.size());
  PutLittle(at + kChecksumAt, Checksum(at, salt));
  std::memcpy(at + kFrameBytes, entry.data(), entry.size());
  const size_t end = kFrameBytes + entry.size();
  std::memset(at + end, 0, RecordBytes(entry.size()) - end);
}

FrameCheck CheckFrame(absl::string_view bytes, const RecordPlace& place,
                      FrameSalt salt) {
  if (bytes.size() < kFrameBytes) return {};
  const char* from = bytes.data();
  if (!MayBeFrame(from + kMagicAt)) return {};
  if (GetLittle<uint32_t>(from + kChecksumAt) != Checksum(from, salt)) {
    return {};
  }
  FrameCheck check{.version = GetLittle<uint16_t>(from + kVersionAt),
                   .frame = DecodeFrame(from)};
  check.verdict = Judge(check.frame, place, check.version);
  return check;
}

}  // namespace ledgerd::storage
