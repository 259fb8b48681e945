// Writes what a delta changed as sorted files, one or more for each table.
//
//   IngestFiles files(database, kCheckpointPriority);
//   LEDGERD_ASSIGN_OR_RETURN(auto run, WriteDelta(delta, limits, number,
//   files)); LEDGERD_RETURN_IF_ERROR(files.Put(MetaKey(),
//   EncodeCheckpoint(record)));
//
// Errors   RESOURCE_EXHAUSTED  the device is full; nothing has changed.
// Threads  Reads a delta that nobody changes any more.
// Source   FORMAT.md, "The state".
#ifndef LEDGERD_STORAGE_CHECKPOINT_WRITER_H_
#define LEDGERD_STORAGE_CHECKPOINT_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"

#include "storage/id_run.h"
#include "storage/ingest_files.h"
#include "storage/state_delta.h"

namespace ledgerd::storage {

// How many records make a row. Readers take rows of any length.
struct RowLimits {
  size_t transfers_per_row = 32;
  size_t ids_per_row = 128;
  // A list of an index is cut into rows of about so many bytes, so that a
  // search in one is short.
  size_t index_row_bytes = 512;
  size_t event_bytes_per_row = size_t{16} << 10;
  size_t balances_per_row = 64;
};

// The new run of ids; null when there are no new ids.
absl::StatusOr<std::shared_ptr<const IdRun>> WriteDelta(const StateDelta& delta,
                                                        const RowLimits& limits,
                                                        uint64_t run_number,
                                                        IngestFiles& files);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_CHECKPOINT_WRITER_H_
