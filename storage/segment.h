// A segment: one file of the journal, of fixed size, with the records of a run
// of entries.
//
//   const std::string header = EncodeSegmentHeader(identity, {number, base});
//   SegmentName(SegmentNumber(7))  ->  "0000000000000007.segment"
//
// Shape       One block of header, then groups of records, each beginning at a
//             block. What follows the last group is zeros, or, in a file that
//             was used again, records of an earlier segment.
// Source      Layout: FORMAT.md, "Segments".
#ifndef LEDGERD_STORAGE_SEGMENT_H_
#define LEDGERD_STORAGE_SEGMENT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "proto/entry.h"
#include "proto/types.h"
#include "storage/file.h"
#include "storage/journal_record.h"

namespace ledgerd::storage {

inline constexpr uint32_t kSegmentVersion = 1;

// Whose journal it is: what a segment of another one is told apart by.
struct JournalIdentity {
  ClusterId cluster;
  ReplicaId replica;
  uint32_t incarnation = 0;
  FrameSalt salt;

  friend bool operator==(const JournalIdentity&,
                         const JournalIdentity&) = default;
};

struct SegmentHeader {
  SegmentNumber number;
  // The entry before the segment's first.
  EntryId base;
  // The file may hold records of an earlier segment.
  bool used_again = false;
  // The file's size; one that has become shorter has lost something.
  uint64_t bytes = 0;

  friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};

// kBlockBytes.
std::string EncodeSegmentHeader(const JournalIdentity& identity,
                                const SegmentHeader& header);

// Errors: DATA_LOSS, it is no header, or not one of this journal;
// FAILED_PRECONDITION, it is of a newer version.
absl::StatusOr<SegmentHeader> DecodeSegmentHeader(
    const JournalIdentity& identity, absl::string_view bytes);

// Whose segment it is, as its header says. DATA_LOSS when it is no header.
absl::StatusOr<JournalIdentity> ReadSegmentIdentity(absl::string_view bytes);

std::string SegmentName(SegmentNumber number);
std::optional<SegmentNumber> ParseSegmentName(absl::string_view name);

// A segment as the running journal keeps it in memory.
struct Segment {
  SegmentHeader header;
  std::string path;
  std::shared_ptr<File> file;
  // False: only the header has been read.
  bool scanned = false;
  // Where the records of the entries after the base begin, in units of
  // kRecordAlignment. When scanned.
  std::vector<uint32_t> places;
  // Where the last record ends. When scanned.
  uint64_t end = kBlockBytes;

  Sequence last() const {
    return Sequence(header.base.sequence.value() + places.size());
  }

  uint64_t bytes() const { return header.bytes; }

  uint64_t OffsetOf(Sequence sequence) const {
    const uint64_t i = sequence.value() - header.base.sequence.value() - 1;
    return uint64_t{places[i]} * kRecordAlignment;
  }
};

// The journal's first segment, for a journal that begins after `base`. The
// caller syncs the directory.
absl::Status CreateFirstSegment(FileSystem& files, const std::string& directory,
                                const JournalIdentity& identity,
                                const EntryId& base, uint64_t bytes);

// Makes a file of `bytes` zeros that are written and synced, so that a later
// write of the same blocks is an overwrite, which syncs twice as fast. Removes
// the file again when it fails. CANCELLED when `stop` becomes true.
absl::Status CreateZeroed(FileSystem& files, const std::string& path,
                          uint64_t bytes, const std::atomic<bool>& stop);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_SEGMENT_H_
