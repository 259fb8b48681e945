// This replica's journal, as its repair and that of others see it.
//
//   absl::StatusOr<std::vector<Entry>> entries =
//       EntriesFor(journal, Sequence(7), Sequence(9));      // another one asks
//   absl::Status written = WriteMend(journal, run, damage, entries);
//
// Threads  Any; both wait for the disk.
#ifndef LEDGERD_SERVER_REPAIR_JOURNAL_ENTRIES_H_
#define LEDGERD_SERVER_REPAIR_JOURNAL_ENTRIES_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "proto/entry.h"
#include "proto/types.h"
#include "storage/segment_journal.h"

namespace ledgerd::server {

// Of one answer, or one entry: gRPC takes 4 MiB from whoever it calls.
inline constexpr uint64_t kRepairBytes = uint64_t{2} << 20;

// For the journal's thread to get to it.
inline constexpr std::chrono::seconds kMendPatience{2};

// Some entries from `from` on, whole ones, and not beyond `through`. DATA_LOSS:
// the first is damaged. OUT_OF_RANGE: it is no longer kept. UNAVAILABLE: it is
// not here yet.
absl::StatusOr<std::vector<Entry>> EntriesFor(
    const storage::SegmentJournal& journal, Sequence from, Sequence through);

// Has the entries written by the journal's thread, on which `run` runs things.
// UNAVAILABLE: not within kMendPatience; it may be done later. Else as
// SegmentJournal::PrepareMend and PerformMend.
absl::Status WriteMend(storage::SegmentJournal& journal,
                       const std::function<void(std::function<void()>)>& run,
                       const storage::SegmentDamage& damage,
                       absl::Span<const Entry> entries);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_REPAIR_JOURNAL_ENTRIES_H_
