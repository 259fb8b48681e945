// Writes the events and the balance history of a delta as sorted files.
//
//   LEDGERD_ASSIGN_OR_RETURN(
//       EventRuns runs, WriteEvents(events, below, applied, limits, rows,
//                                   files));
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
#include "storage/disk_state.h"
#include "storage/event_log.h"
#include "storage/event_run.h"
#include "storage/history_row.h"
#include "storage/ingest_files.h"
#include "storage/state_hash.h"

namespace ledgerd::storage {

// `events` are those of the entries after the state `below` up to `applied`.
// Returns the runs that there are then: the new one, and of the old ones those
// that are not dropped.
absl::StatusOr<EventRuns> WriteEvents(
    const EventLog& events, const DiskState& below, const AppliedPoint& applied,
    const EventLimits& limits, const RowLimits& rows, IngestFiles& files);

absl::Status WriteHistory(const ChunkedVector<HistoryRow>& history,
                          const RowLimits& rows, IngestFiles& files);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_EVENT_WRITER_H_
