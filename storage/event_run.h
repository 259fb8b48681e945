// An EventRun is what one checkpoint has written of events: some entries in a
// row, kept and dropped together.
//
//   EventRuns runs = disk.event_runs();
//   const size_t drop = CountToDrop(runs, limits, now);
//
// Source  FORMAT.md, "Events"; architecture.md, "Events".
#ifndef LEDGERD_STORAGE_EVENT_RUN_H_
#define LEDGERD_STORAGE_EVENT_RUN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "proto/types.h"

namespace ledgerd::storage {

struct EventRun {
  // All entries of the journal from first to last are in it, though those
  // without events leave no trace.
  Sequence first;
  Sequence last;
  // Of the last entry.
  Timestamp timestamp;
  // On the disk.
  uint64_t bytes = 0;

  friend bool operator==(const EventRun&, const EventRun&) = default;
};

// Ascending and without gaps.
using EventRuns = std::vector<EventRun>;

// Events are dropped once they are older and there are more bytes of newer
// ones.
struct EventLimits {
  uint64_t age_seconds = uint64_t{24} * 60 * 60;
  uint64_t bytes = uint64_t{10} << 30;
};

// How many of the oldest runs may go at `now`; never the newest.
size_t CountToDrop(const EventRuns& runs, const EventLimits& limits,
                   Timestamp now);

std::string EncodeEventRun(const EventRun& run);
std::optional<EventRun> DecodeEventRun(Sequence first, absl::string_view row);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_EVENT_RUN_H_
