#include "storage/ingest_files.h"

#include "proto/base/status_macros.h"

namespace ledgerd::storage {
namespace {

constexpr uint64_t kFileBytesMax = uint64_t{64} << 20;

}  // namespace

IngestFiles::IngestFiles(StateDatabase& database,
                         rocksdb::Env::IOPriority priority,
                         CheckpointProgress* progress)
    : database_(database), priority_(priority), progress_(progress) {}

IngestFiles::~IngestFiles() {
  writer_.reset();
  // Opening the store empties the folder as well.
  for (const std::string& path : paths_) database_.RemoveFile(path);
}

absl::Status IngestFiles::Put(const Key& key, const rocksdb::Slice& value) {
  LEDGERD_RETURN_IF_ERROR(Begin(key.slice()));
  if (progress_ != nullptr) progress_->Add(key.slice().size() + value.size());
  return FromRocksDb(writer_->Put(key.slice(), value), "writing a file");
}

absl::Status IngestFiles::Delete(const Key& key) {
  LEDGERD_RETURN_IF_ERROR(Begin(key.slice()));
  return FromRocksDb(writer_->Delete(key.slice()), "writing a file");
}

absl::Status IngestFiles::Begin(const rocksdb::Slice& key) {
  if (writer_ != nullptr && SameUnit(first_key_, key) &&
      writer_->FileSize() < kFileBytesMax) {
    return absl::OkStatus();
  }
  LEDGERD_RETURN_IF_ERROR(Finish());
  writer_ = std::make_unique<rocksdb::SstFileWriter>(
      rocksdb::EnvOptions(database_.rocksdb_options()),
      database_.rocksdb_options(), nullptr, /*invalidate_page_cache=*/false,
      priority_);
  first_key_ = key.ToString();
  paths_.push_back(database_.NewFilePath());
  return FromRocksDb(writer_->Open(paths_.back()), "opening a file");
}

absl::Status IngestFiles::Finish() {
  if (writer_ == nullptr) return absl::OkStatus();
  const rocksdb::Status status = writer_->Finish();
  writer_ = nullptr;
  return FromRocksDb(status, "finishing a file");
}

}  // namespace ledgerd::storage
