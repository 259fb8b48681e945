// Writes the events and the balance history of a delta as sorted files.
//
//   LEDGERD_ASSIGN_OR_RETURN(
//       EventRun added, WriteEvents(events, after, applied, rows, files));
//   LEDGERD_ASSIGN_OR_RETURN(runs, AddEventRun(runs, added, limits, files));
//
// Errors   RESOURCE_EXHAUSTED  the device is full; nothing has changed.
// Threads  Reads a delta that nobody changes any more.
// Source   FORMAT.md, "The state".
#ifndef LEDGERD_STORAGE_EVENT_WRITER_H_
#define LEDGERD_STORAGE_EVENT_WRITER_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "storage/checkpoint_writer.h"
#include "storage/chunked_vector.h"
#include "storage/event_log.h"
#include "storage/event_run.h"
#include "storage/history_row.h"
#include "storage/ingest_files.h"
#include "storage/state_hash.h"

namespace ledgerd::storage {

// `events` are those of the entries after `after` up to `applied`. When there
// is no such entry, the run's last comes before its first.
absl::StatusOr<EventRun> WriteEvents(const EventLog& events, Sequence after,
                                     const AppliedPoint& applied,
                                     const RowLimits& rows, IngestFiles& files);

// Returns the runs that there are then: `added`, unless it has no entry, and of
// `runs` those that are not dropped.
absl::StatusOr<EventRuns> AddEventRun(EventRuns runs, const EventRun& added,
                                      const EventLimits& limits,
                                      IngestFiles& files);

absl::Status WriteHistory(const ChunkedVector<HistoryRow>& history,
                          const RowLimits& rows, IngestFiles& files);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_EVENT_WRITER_H_
