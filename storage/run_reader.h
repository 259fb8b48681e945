// A RunReader walks over the ids of one run, MergedRuns over those of several,
// in ascending order.
//
//   MergedRuns merged(state, runs);
//   for (; merged.Valid(); merged.Next()) Use(merged.record());
//   LEDGERD_RETURN_IF_ERROR(merged.status());
//
// Errors   DATA_LOSS  a row is malformed, or a run has not as many ids as its
//                     row in the catalogue says.
// Threads  One. The DiskState must outlive them.
#ifndef LEDGERD_STORAGE_RUN_READER_H_
#define LEDGERD_STORAGE_RUN_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "rocksdb/iterator.h"

#include "storage/disk_state.h"
#include "storage/id_record.h"
#include "storage/id_run.h"

namespace ledgerd::storage {

class RunReader {
 public:
  RunReader(const DiskState& state, std::shared_ptr<const IdRun> run);

  bool Valid() const { return at_ < row_.size(); }

  const IdRecord& record() const { return row_[at_]; }

  void Next();

  // OK at the end when all has been read.
  absl::Status status() const { return status_; }

 private:
  void ReadRow();
  void End(absl::Status status);

  std::shared_ptr<const IdRun> run_;
  std::unique_ptr<rocksdb::Iterator> rows_;
  // A copy of the present row: its records are aligned.
  std::vector<IdRecord> row_;
  size_t at_ = 0;
  uint64_t read_ = 0;
  absl::Status status_;
};

class MergedRuns {
 public:
  MergedRuns(const DiskState& state, const IdRuns& runs);

  bool Valid() const { return least_ != nullptr; }

  const IdRecord& record() const { return least_->record(); }

  void Next();

  // To be asked at the end: the first error of any run.
  absl::Status status() const;

 private:
  void FindLeast();

  std::vector<RunReader> readers_;
  // The reader with the least id; null at the end.
  RunReader* least_ = nullptr;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_RUN_READER_H_
