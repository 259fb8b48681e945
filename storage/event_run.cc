#include "storage/event_run.h"

#include "proto/base/little_endian.h"

namespace ledgerd::storage {
namespace {

constexpr size_t kRunBytes = 24;

}  // namespace

size_t CountToDrop(const EventRuns& runs, const EventLimits& limits,
                   Timestamp now) {
  uint64_t bytes = 0;
  for (const EventRun& run : runs) bytes += run.bytes;
  size_t drop = 0;
  while (drop + 1 < runs.size()) {
    const EventRun& oldest = runs[drop];
    bytes -= oldest.bytes;
    const uint64_t old_from =
        oldest.timestamp.value() + limits.age_seconds * kNanosPerSecond;
    if (bytes < limits.bytes || old_from > now.value()) break;
    ++drop;
  }
  return drop;
}

std::string EncodeEventRun(const EventRun& run) {
  std::string row(kRunBytes, '\0');
  PutLittle(row.data(), run.last.value());
  PutLittle(row.data() + 8, run.timestamp.value());
  PutLittle(row.data() + 16, run.bytes);
  return row;
}

std::optional<EventRun> DecodeEventRun(Sequence first, absl::string_view row) {
  if (row.size() != kRunBytes) return std::nullopt;
  EventRun run;
  run.first = first;
  run.last = Sequence(GetLittle<uint64_t>(row.data()));
  run.timestamp = Timestamp(GetLittle<uint64_t>(row.data() + 8));
  run.bytes = GetLittle<uint64_t>(row.data() + 16);
  return run.last < run.first ? std::nullopt : std::optional(run);
}

}  // namespace ledgerd::storage
