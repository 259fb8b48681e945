#include "storage/state_exporter.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"

#include "proto/base/status_macros.h"
#include "storage/rocksdb_status.h"

namespace ledgerd::storage {
namespace {

constexpr absl::string_view kCurrent = "CURRENT";

// From a file of RocksDB's, or of CURRENT as it was.
absl::StatusOr<std::string> ReadPart(const StateDatabase& database,
                                     const std::string& name, uint64_t offset,
                                     size_t bytes) {
  const std::string path = absl::StrCat(database.directory(), "/", name);
  std::unique_ptr<rocksdb::SequentialFile> file;
  rocksdb::Status status = database.rocksdb_options().env->NewSequentialFile(
      path, &file, rocksdb::EnvOptions());
  if (status.ok()) status = file->Skip(offset);
  std::string content(bytes, '\0');
  size_t filled = 0;
  while (status.ok() && filled < bytes) {
    rocksdb::Slice read;
    status = file->Read(bytes - filled, &read, content.data() + filled);
    if (!status.ok()) break;
    if (read.empty()) {
      return absl::DataLossError(absl::StrCat(path, " ends too early"));
    }
    if (read.data() != content.data() + filled) {
      std::copy(read.data(), read.data() + read.size(),
                content.data() + filled);
    }
    filled += read.size();
  }
  LEDGERD_RETURN_IF_ERROR(FromRocksDb(status, absl::StrCat("reading ", path)));
  return content;
}

class StateExport final : public ExportedCheckpoint {
 public:
  explicit StateExport(std::shared_ptr<StateDatabase> database)
      : database_(std::move(database)) {}

  ~StateExport() override {
    database_->rocksdb()
        .EnableFileDeletions(/*force=*/false)
        .PermitUncheckedError();
  }

  const CheckpointManifest& manifest() const override { return manifest_; }

  absl::StatusOr<std::string> Read(const CheckpointPosition& from,
                                   size_t bytes_max) const override {
    if (from.file >= manifest_.files.size() ||
        from.offset >= manifest_.files[from.file].bytes || bytes_max == 0) {
      return absl::OutOfRangeError(absl::StrCat("file ", from.file, ", offset ",
                                                from.offset,
                                                " is not in the checkpoint"));
    }
    const CheckpointFile& file = manifest_.files[from.file];
    const size_t bytes =
        std::min<uint64_t>(bytes_max, file.bytes - from.offset);
    if (file.name == kCurrent) return current_.substr(from.offset, bytes);
    return ReadPart(*database_, file.name, from.offset, bytes);
  }

  CheckpointManifest manifest_;
  // The content of CURRENT.
  std::string current_;

 private:
  const std::shared_ptr<StateDatabase> database_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const ExportedCheckpoint>> StateExporter::Export(
    const std::shared_ptr<StateDatabase>& database, DiskStateKeeper& keeper) {
  rocksdb::DB& rocksdb = database->rocksdb();
  LEDGERD_RETURN_IF_ERROR(
      FromRocksDb(rocksdb.DisableFileDeletions(), "holding files"));
  auto exported = std::make_shared<StateExport>(database);
  std::vector<std::string> names;
  uint64_t manifest_bytes = 0;
  rocksdb::Status listed;
  const CheckpointRecord record = keeper.BetweenIngests([&] {
    listed = rocksdb.GetLiveFiles(names, &manifest_bytes,
                                  /*flush_memtable=*/false);
  });
  LEDGERD_RETURN_IF_ERROR(FromRocksDb(listed, "listing files"));
  if (record.applied.entry.sequence == Sequence(0)) {
    return absl::NotFoundError("there is no checkpoint yet");
  }
  CheckpointManifest& manifest = exported->manifest_;
  manifest.cluster = cluster_;
  manifest.format_version = record.format_version;
  manifest.applied = record.applied;
  manifest.state_hash = record.state_hash;
  std::sort(names.begin(), names.end());
  for (absl::string_view name : names) {
    absl::ConsumePrefix(&name, "/");
    if (absl::EndsWith(name, ".sst")) {
      LEDGERD_ASSIGN_OR_RETURN(CheckpointFile file,
                               Describe(*database, std::string(name)));
      manifest.files.push_back(std::move(file));
    } else if (absl::StartsWith(name, "MANIFEST-")) {
      LEDGERD_ASSIGN_OR_RETURN(
          const std::string content,
          ReadPart(*database, std::string(name), 0, manifest_bytes));
      manifest.files.push_back(
          {std::string(name), manifest_bytes, Sha256(content)});
      exported->current_ = absl::StrCat(name, "\n");
    }
  }
  manifest.files.push_back({std::string(kCurrent), exported->current_.size(),
                            Sha256(exported->current_)});
  Forget(manifest);
  return exported;
}

absl::StatusOr<CheckpointFile> StateExporter::Describe(
    const StateDatabase& database, const std::string& name) {
  CheckpointFile file;
  file.name = name;
  const std::string path = absl::StrCat(database.directory(), "/", name);
  LEDGERD_RETURN_IF_ERROR(FromRocksDb(
      database.rocksdb_options().env->GetFileSize(path, &file.bytes),
      absl::StrCat("size of ", path)));
  {
    const MutexLock lock(mutex_);
    const auto known = hashes_.find(name);
    if (known != hashes_.end()) {
      file.hash = known->second;
      return file;
    }
  }
  LEDGERD_ASSIGN_OR_RETURN(const std::string content,
                           ReadPart(database, name, 0, file.bytes));
  file.hash = Sha256(content);
  const MutexLock lock(mutex_);
  hashes_[name] = file.hash;
  return file;
}

void StateExporter::Forget(const CheckpointManifest& but) {
  std::set<absl::string_view> names;
  for (const CheckpointFile& file : but.files) names.insert(file.name);
  const MutexLock lock(mutex_);
  std::erase_if(hashes_, [&names](const auto& known) {
    return !names.contains(known.first);
  });
}

}  // namespace ledgerd::storage
