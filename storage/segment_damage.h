// Finds what of a segment is damaged, and makes the bytes that mend it, from
// entries as another replica has them.
//
//   LEDGERD_ASSIGN_OR_RETURN(const auto runs,
//                            FindDamage(identity, header, bytes, end));
//   for (const DamagedRun& run : runs) {
//     LEDGERD_ASSIGN_OR_RETURN(
//         const Mend mend, MakeMend(identity, header, run, entries, blocks));
//     ... write mend.bytes at mend.offset, sync ...
//   }
//
// Shape       A run is one or more entries between two that are whole. Both
//             ends are known by hash: the entry before it, and its own last
//             one, as what comes after it says (the next entry, a filler, the
//             next segment). So entries that fit in between by hash chain are
//             what was there, whoever brings them.
// Place       A damaged record whose frame is whole keeps place and frame. One
//             whose frame is lost goes right behind the one before it: it may
//             have begun a block, and then there is room before that.
// Durability  Mended are the blocks from the record before to the one after;
//             what belongs to these is written as it is. So a crash that keeps
//             some sectors of it and loses others leaves all that was whole
//             whole, and the run damaged or mended.
// Errors      FAILED_PRECONDITION  a newer build has written an entry.
//             DATA_LOSS  more than entries is damaged: two records of one
//                        sequence, a record of another place, two whole ones
//                        that do not chain.
//             INVALID_ARGUMENT  (MakeMend) other entries than the run's.
// Threads     Pure.
// Source      FORMAT.md, "Repair"; replication.md, rule 6 ("by hash").
#ifndef LEDGERD_STORAGE_SEGMENT_DAMAGE_H_
#define LEDGERD_STORAGE_SEGMENT_DAMAGE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "proto/entry.h"
#include "proto/types.h"
#include "storage/journal_record.h"
#include "storage/segment.h"

namespace ledgerd::storage {

// An entry, as far as the chain goes.
struct ChainLink {
  Sequence sequence;
  Hash256 hash = {};

  friend bool operator==(const ChainLink&, const ChainLink&) = default;
};

struct DamagedRun {
  // The entry before the first damaged one, and the last damaged one.
  ChainLink before;
  ChainLink last;
  // From where the record of the first of them ends to where the record after
  // the second begins.
  uint64_t begin = 0;
  uint64_t end = 0;
  // Of those that are damaged behind their frame.
  std::map<Sequence, RecordFrame> frames;
  // As the last whole frame before says.
  Sequence commit_point;

  Sequence first() const { return before.sequence.Next(); }
};

// `bytes` is the segment from its beginning, as far as it counts; whole blocks.
// `end`: its last entry, where that is known; else only what a later record
// proves to have been synced is damaged.
absl::StatusOr<std::vector<DamagedRun>> FindDamage(
    const JournalIdentity& identity, const SegmentHeader& header,
    absl::string_view bytes, const std::optional<ChainLink>& end);

// The entry of that sequence, if its record is whole; DATA_LOSS: it is not.
absl::StatusOr<Entry> FindEntry(const JournalIdentity& identity,
                                const SegmentHeader& header,
                                absl::string_view bytes, Sequence sequence);

// What is to be written.
struct Mend {
  uint64_t offset = 0;
  // Whole blocks.
  std::string bytes;
  // Where the records of the run's entries begin.
  std::vector<uint64_t> places;
};

// The blocks that MakeMend needs to see, as they are: those of the run.
struct MendRange {
  uint64_t begin = 0;
  uint64_t end = 0;
};

MendRange RangeOf(const DamagedRun& run);

// `blocks` are those of RangeOf(run). What a device cannot read there may be
// given as zeros: what was whole in it is found damaged then, and not lost.
absl::StatusOr<Mend> MakeMend(const JournalIdentity& identity,
                              const SegmentHeader& header,
                              const DamagedRun& run,
                              absl::Span<const Entry> entries,
                              absl::string_view blocks);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_SEGMENT_DAMAGE_H_
