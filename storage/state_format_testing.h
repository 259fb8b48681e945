// Makes of a state what an older or a newer build would have left.
//
//   MakeStateFormat(rocksdb::FileSystem::Default(), store.path(), 1);
//
// Shape  1 has no index; any other number is only written into the record.
//        Nobody has the state open.
#ifndef LEDGERD_STORAGE_STATE_FORMAT_TESTING_H_
#define LEDGERD_STORAGE_STATE_FORMAT_TESTING_H_

#include <cstdint>
#include <memory>
#include <string>

#include "rocksdb/file_system.h"

namespace ledgerd::storage {

void MakeStateFormat(const std::shared_ptr<rocksdb::FileSystem>& files,
                     const std::string& path, uint32_t version);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_FORMAT_TESTING_H_
