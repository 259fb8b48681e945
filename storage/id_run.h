// An IdRun is a sorted run of transfer ids on the disk, as memory knows it; an
// IdRunWriter writes one.
//
//   IdRunWriter writer(files, number, count, ids_per_row);
//   for (const IdRecord& record : sorted) LEDGERD_RETURN_IF_ERROR(
//       writer.Add(record));
//   LEDGERD_ASSIGN_OR_RETURN(auto run, writer.Finish());
//
// Threads  A run is immutable. A writer: one thread.
// Source   FORMAT.md, "The state".
#ifndef LEDGERD_STORAGE_ID_RUN_H_
#define LEDGERD_STORAGE_ID_RUN_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rocksdb/slice.h"

#include "proto/types.h"
#include "storage/id_filter.h"
#include "storage/id_record.h"
#include "storage/ingest_files.h"

namespace ledgerd::storage {

struct IdRun {
  uint64_t number = 0;
  uint64_t count = 0;
  TransferId min;
  TransferId max;
  uint64_t filter_bytes = 0;
  // Null when there was no room for it.
  std::shared_ptr<const IdFilter> filter;

  bool MayContain(TransferId id, uint64_t hash) const {
    return id >= min && id <= max &&
           (filter == nullptr || filter->MayContainHash(hash));
  }
};

// The newest last.
using IdRuns = std::vector<std::shared_ptr<const IdRun>>;

// The runs whose filters are worth their memory: the smallest ones, up to
// `filter_bytes_max` together.
IdRuns RunsWithinBudget(const IdRuns& runs, uint64_t filter_bytes_max);

// `runs`, without the filters of those that are not within the budget.
IdRuns WithinFilterBudget(IdRuns runs, uint64_t filter_bytes_max);

// A run's row, without the filter.
std::string EncodeIdRun(const IdRun& run);
std::optional<IdRun> DecodeIdRun(uint64_t number, const rocksdb::Slice& row);

// A filter's parts are of this size, but for the last.
inline constexpr size_t kFilterPartBytes = size_t{64} << 10;

class IdRunWriter {
 public:
  IdRunWriter(IngestFiles& files, uint64_t number, uint64_t count,
              size_t ids_per_row);

  // In ascending order.
  absl::Status Add(const IdRecord& record);

  // DATA_LOSS when records were not ascending.
  absl::StatusOr<std::shared_ptr<const IdRun>> Finish();

 private:
  absl::Status WriteRow();
  absl::Status WriteFilter();

  IngestFiles& files_;
  const size_t ids_per_row_;
  IdRun run_;
  std::shared_ptr<IdFilter> filter_;
  std::vector<IdRecord> row_;
  bool ascending_ = true;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_ID_RUN_H_
