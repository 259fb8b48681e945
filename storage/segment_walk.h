// Walks through a journal's bytes, segment by segment, and says where it can no
// longer be believed. The rules of recovery are here; files are not.
//
//   JournalWalk walk(identity, base, checkpoint);
//   for (...) walk.AddSegment(header, bytes);
//   walk.Finish();
//   if (walk.bad().has_value() && !walk.damaged()) ... cut at walk.end() ...
//
// Shape       Entries are accepted in order while frame, entry, place and chain
//             hold. At the first that does not (the bad one, k), nothing more
//             is accepted; what follows only tells whether k was on the disk
//             once:
//               a whole frame with synced_through >= k, or a later segment: k
//               is damaged, and may have been acknowledged;
//               neither: k is torn, its group's sync never returned.
//             A whole frame of this journal in a wrong place, and an entry that
//             does not continue the chain or is not the one that the checkpoint
//             was taken at, are damage by themselves.
// Threads     Pure.
// Source      FORMAT.md, "Recovery".
#ifndef LEDGERD_STORAGE_SEGMENT_WALK_H_
#define LEDGERD_STORAGE_SEGMENT_WALK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "proto/entry.h"
#include "proto/types.h"
#include "storage/journal.h"
#include "storage/journal_record.h"
#include "storage/segment.h"

namespace ledgerd::storage {

// The first entry that is not what it should be.
struct BadEntry {
  Sequence sequence;
  SegmentNumber segment;
  uint64_t offset = 0;
  std::string reason;
};

class JournalWalk {
 public:
  // `base`: the entry before the first segment's first.
  JournalWalk(const JournalIdentity& identity, const EntryId& base,
              const EntryId& checkpoint)
      : identity_(identity),
        checkpoint_(checkpoint),
        outline_{.base = base},
        last_(base),
        synced_through_(base.sequence) {}

  // Walks the next segment. `bytes` is all of its file.
  void AddSegment(const SegmentHeader& header, absl::string_view bytes);

  // After the last segment.
  void Finish();

  const std::optional<BadEntry>& bad() const { return bad_; }

  // Set when the bad entry is whole, and only a newer build understands it:
  // FAILED_PRECONDITION, what it is and what to do.
  const absl::Status& newer() const { return newer_; }

  // Requires: bad(). True: never to be cut.
  bool damaged() const { return damaged_; }

  // The last entry accepted, and its timestamp when it was seen here.
  const EntryId& last() const { return last_; }

  Timestamp last_timestamp() const { return last_timestamp_; }

  // The ids of all entries accepted, moved out.
  Outline TakeOutline() { return std::move(outline_); }

  // What the accepted records say was on the disk.
  Sequence synced_through() const { return synced_through_; }

  // Of the last segment: where the accepted records begin (as in Segment),
  // where the last of them ends, and where the last whole frame ends, accepted
  // or not.
  const std::vector<uint32_t>& places() const { return places_; }

  uint64_t end() const { return end_; }

  uint64_t frames_end() const { return frames_end_; }

 private:
  void BeginSegment(const SegmentHeader& header);
  // Returns where the next record may begin.
  uint64_t VisitFrame(const RecordFrame& frame, absl::string_view bytes);
  // A frame of which only this much is known.
  void VisitNewer(uint16_t version, uint64_t offset);
  void LookBehindEnd(absl::string_view bytes);
  void CheckAgainstCheckpoint(uint64_t offset);
  void AcceptEntry(const RecordFrame& frame, absl::string_view bytes);
  void AcceptFiller(const RecordFrame& frame);
  void SetTorn(uint64_t offset, std::string reason);
  void SetDamaged(uint64_t offset, std::string reason);
  void SetNewer(uint64_t offset, Sequence sequence, absl::string_view what);
  RecordPlace PlaceAt(uint64_t offset) const;

  const JournalIdentity identity_;
  const EntryId checkpoint_;
  Outline outline_;
  EntryId last_;
  Timestamp last_timestamp_;
  Sequence synced_through_;
  std::optional<BadEntry> bad_;
  bool damaged_ = false;
  absl::Status newer_;
  SegmentHeader header_;
  std::vector<uint32_t> places_;
  uint64_t end_ = kBlockBytes;
  uint64_t frames_end_ = kBlockBytes;
  // Where, after the end of the last segment, something is that is no record.
  std::optional<uint64_t> garbage_;
};

// The entry of a record with a frame that is kHere; `record` begins with the
// frame. Checked by itself and against the frame.
absl::StatusOr<Entry> EntryOfRecord(const RecordFrame& frame,
                                    absl::string_view record);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_SEGMENT_WALK_H_
