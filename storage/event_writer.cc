#include "storage/event_writer.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/types/span.h"

#include "proto/base/status_macros.h"
#include "storage/event_rows.h"
#include "storage/state_keys.h"

namespace ledgerd::storage {
namespace {

absl::StatusOr<uint64_t> WriteEventRows(const EventLog& events,
                                        const RowLimits& rows,
                                        IngestFiles& files) {
  const EventLogView view = events.ViewFrom(Sequence(0));
  EventRowWriter writer(files, rows.event_bytes_per_row);
  for (size_t i = 0; i < view.size(); ++i) {
    LEDGERD_RETURN_IF_ERROR(writer.Add(view[i], view.Read(i)));
  }
  LEDGERD_RETURN_IF_ERROR(writer.Finish());
  return writer.bytes();
}

}  // namespace

absl::StatusOr<EventRun> WriteEvents(const EventLog& events, Sequence after,
                                     const AppliedPoint& applied,
                                     const RowLimits& rows,
                                     IngestFiles& files) {
  EventRun run = {.first = after.Next(),
                  .last = applied.entry.sequence,
                  .timestamp = applied.timestamp};
  if (run.last < run.first) return run;
  LEDGERD_ASSIGN_OR_RETURN(run.bytes, WriteEventRows(events, rows, files));
  return run;
}

absl::StatusOr<EventRuns> AddEventRun(EventRuns runs, const EventRun& added,
                                      const EventLimits& limits,
                                      IngestFiles& files) {
  if (added.last < added.first) return runs;
  runs.push_back(added);
  const auto kept = runs.begin() + static_cast<ptrdiff_t>(CountToDrop(
                                       runs, limits, added.timestamp));
  for (auto dropped = runs.begin(); dropped != kept; ++dropped) {
    LEDGERD_RETURN_IF_ERROR(files.Delete(EventRunKey(dropped->first)));
  }
  LEDGERD_RETURN_IF_ERROR(
      files.Put(EventRunKey(added.first), EncodeEventRun(added)));
  runs.erase(runs.begin(), kept);
  return runs;
}

absl::Status WriteHistory(const ChunkedVector<HistoryRow>& history,
                          const RowLimits& rows, IngestFiles& files) {
  std::vector<HistoryRow> sorted;
  sorted.reserve(history.size());
  for (size_t i = 0; i < history.size(); ++i) sorted.push_back(history[i]);
  // By account; of one they are in the order of time already.
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const HistoryRow& a, const HistoryRow& b) {
                     return a.account < b.account;
                   });
  for (size_t i = 0; i < sorted.size();) {
    size_t end = i + 1;
    while (end < sorted.size() && end - i < rows.balances_per_row &&
           sorted[end].account == sorted[i].account) {
      ++end;
    }
    LEDGERD_RETURN_IF_ERROR(files.Put(
        HistoryKey(sorted[i].account, sorted[i].balances.timestamp),
        PackHistory(absl::MakeConstSpan(sorted).subspan(i, end - i))));
    i = end;
  }
  return absl::OkStatus();
}

}  // namespace ledgerd::storage
