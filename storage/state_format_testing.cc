#include "storage/state_format_testing.h"

#include "rocksdb/db.h"
#include "rocksdb/env.h"

#include "proto/base/check.h"
#include "storage/checkpoint_record.h"
#include "storage/state_keys.h"

namespace ledgerd::storage {
namespace {

void RemoveIndex(rocksdb::DB& db) {
  const std::unique_ptr<rocksdb::Iterator> rows(db.NewIterator({}));
  for (rows->Seek("X"); rows->Valid() && rows->key().compare("Y") < 0;
       rows->Next()) {
    LEDGERD_CHECK(db.Delete({}, rows->key()).ok());
  }
  LEDGERD_CHECK(rows->status().ok());
}

}  // namespace

void MakeStateFormat(const std::shared_ptr<rocksdb::FileSystem>& files,
                     const std::string& path, uint32_t version) {
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(files);
  rocksdb::Options options;
  options.env = env.get();
  rocksdb::DB* opened = nullptr;
  LEDGERD_CHECK(rocksdb::DB::Open(options, path + "/db", &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  if (version == 1) RemoveIndex(*db);
  std::string row;
  LEDGERD_CHECK(db->Get({}, MetaKey().slice(), &row).ok());
  auto record = DecodeCheckpoint(row);
  LEDGERD_CHECK_OK(record.status());
  record->format_version = version;
  LEDGERD_CHECK(db->Put({}, MetaKey().slice(), EncodeCheckpoint(*record)).ok());
  LEDGERD_CHECK(db->Flush({}).ok());
}

}  // namespace ledgerd::storage
