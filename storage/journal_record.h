// A record: one shared entry in its local frame, as it lies in a segment.
//
//   EncodeRecord(frame, entry.bytes(), salt, buffer);       // to disk
//   const FrameCheck check = CheckFrame(bytes, place, salt);  // and back
//   if (check.verdict == FrameVerdict::kHere) ... check.frame ...
//
// Shape       A frame of 128 bytes, the shared entry as it is (never encoded
//             again), zeros up to a multiple of 8. A filler is a frame alone.
//             The frame names the place it was written to, so that a record in
//             another place is seen; and the hash of its entry, so that a
//             damaged entry can be asked for by hash.
// Units       Sizes and offsets are bytes; offsets count from the start of the
//             segment's file.
// Errors      None: what bytes are is a verdict, what it means is recovery's.
// Threads     Pure functions.
// Source      Layout: FORMAT.md, "The local frame".
#ifndef LEDGERD_STORAGE_JOURNAL_RECORD_H_
#define LEDGERD_STORAGE_JOURNAL_RECORD_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "proto/base/little_endian.h"
#include "proto/base/sha256.h"
#include "proto/types.h"

namespace ledgerd::storage {

inline constexpr uint16_t kFrameVersion = 1;
inline constexpr size_t kFrameBytes = 128;

// Records begin at multiples of this.
inline constexpr size_t kRecordAlignment = 8;

// Drawn at random by format and kept in IDENTITY; frame checksums begin with
// it, so that no client can plant a frame in a payload.
using FrameSalt = StrongInt<struct FrameSaltTag, uint32_t>;

using SegmentNumber = StrongInt<struct SegmentNumberTag>;

enum class RecordKind : uint16_t {
  kEntry = 1,
  kFiller = 2,  // Only says that all up to synced_through is on the disk.
};

struct RecordPlace {
  ClusterId cluster;
  SegmentNumber segment;
  uint64_t offset = 0;

  friend bool operator==(const RecordPlace&, const RecordPlace&) = default;
};

struct RecordFrame {
  RecordKind kind = RecordKind::kEntry;
  RecordPlace place;
  // Of the shared entry; 0 for a filler.
  uint32_t entry_bytes = 0;
  // The entry's; a filler's is the last entry's before it, and so is its hash.
  Sequence sequence;
  Hash256 hash = {};
  // As this replica knew it when it wrote the record.
  Sequence commit_point;
  // Entries up to here were on the disk when this record was written.
  Sequence synced_through;

  friend bool operator==(const RecordFrame&, const RecordFrame&) = default;
};

// What a record with an entry of this size takes.
constexpr size_t RecordBytes(size_t entry_bytes) {
  return (kFrameBytes + entry_bytes + kRecordAlignment - 1) / kRecordAlignment *
         kRecordAlignment;
}

// Writes a record to the start of `to`.
//
// Requires: `entry` has frame.entry_bytes, `to` RecordBytes() of them.
void EncodeRecord(const RecordFrame& frame, absl::string_view entry,
                  FrameSalt salt, absl::Span<char> to);

inline constexpr uint32_t kFrameMagic = 0x524a444c;  // "LDJR".

// Whether it is worth looking closer. Requires: 4 bytes at `at`.
inline bool MayBeFrame(const char* at) {
  return GetLittle<uint32_t>(at) == kFrameMagic;
}

enum class FrameVerdict {
  kHere,     // A whole frame, in the place where it was written.
  kNone,     // No whole frame.
  kStale,    // A whole frame of an earlier segment, whose file was used again.
  kForeign,  // A whole frame that was meant for another place.
  kNewer,    // A whole frame of a version that this build does not know.
};

struct FrameCheck {
  FrameVerdict verdict = FrameVerdict::kNone;
  uint16_t version = 0;  // Of all verdicts but kNone.
  RecordFrame frame;     // Of all but kNone and kNewer.
};

// What the first kFrameBytes of `bytes` are, at `place`. The entry behind them
// is not looked at.
FrameCheck CheckFrame(absl::string_view bytes, const RecordPlace& place,
                      FrameSalt salt);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_JOURNAL_RECORD_H_
