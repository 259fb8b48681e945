// RocksDB's status in our terms.
//
//   LEDGERD_RETURN_IF_ERROR(FromRocksDb(status, "reading an index"));
//
// Errors   DATA_LOSS           RocksDB calls it corruption, or a file is gone.
//          RESOURCE_EXHAUSTED  the device is full.
//          INTERNAL            all else.
#ifndef LEDGERD_STORAGE_ROCKSDB_STATUS_H_
#define LEDGERD_STORAGE_ROCKSDB_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rocksdb/status.h"

namespace ledgerd::storage {

absl::Status FromRocksDb(const rocksdb::Status& status, absl::string_view what);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_ROCKSDB_STATUS_H_
