#include "storage/state_database.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "rocksdb/cache.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/listener.h"
#include "rocksdb/rate_limiter.h"
#include "rocksdb/slice_transform.h"
#include "rocksdb/sst_file_reader.h"
#include "rocksdb/sst_partitioner.h"
#include "rocksdb/table.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "storage/rocksdb_manifest.h"
#include "storage/state_directories.h"
#include "storage/state_keys.h"

#include <sys/statvfs.h>

namespace ledgerd::storage {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

// Keeps what is removed as whole files in files of its own.
class UnitPartitioner final : public rocksdb::SstPartitioner {
 public:
  const char* Name() const override { return "ledgerd.UnitPartitioner"; }

  rocksdb::PartitionerResult ShouldPartition(
      const rocksdb::PartitionerRequest& request) override {
    return SameUnit(*request.prev_user_key, *request.current_user_key)
               ? rocksdb::kNotRequired
               : rocksdb::kRequired;
  }

  bool CanDoTrivialMove(const rocksdb::Slice& smallest,
                        const rocksdb::Slice& largest) override {
    return SameUnit(smallest, largest);
  }
};

class UnitPartitionerFactory final : public rocksdb::SstPartitionerFactory {
 public:
  const char* Name() const override { return "ledgerd.UnitPartitioner"; }

  std::unique_ptr<rocksdb::SstPartitioner> CreatePartitioner(
      const rocksdb::SstPartitioner::Context&) const override {
    return std::make_unique<UnitPartitioner>();
  }
};

// The keys that Get asks for, which alone are in the tables' filters: all other
// tables are read by iterators, which a filter is of no use to. It would be
// built all the same, in one piece: more than 100 MiB for the index of ten
// million transfers. To RocksDB this is a prefix, which is the whole key.
class KeysOfGet final : public rocksdb::SliceTransform {
 public:
  // On the disk, in each table: where it is another one, no filter is used.
  const char* Name() const override { return "ledgerd.KeysOfGet"; }

  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return key;
  }

  bool InDomain(const rocksdb::Slice& key) const override {
    if (key.empty()) return false;
    const auto table = static_cast<Table>(key[0]);
    return table == Table::kAccounts || table == Table::kPendingStates;
  }
};

rocksdb::BlockBasedTableOptions TableOptions(uint64_t cache_bytes) {
  rocksdb::BlockBasedTableOptions table;
  // One shard: a filter of a million accounts takes 1.2 MB, and what does not
  // fit into a shard is read anew each time.
  table.block_cache = rocksdb::NewLRUCache(cache_bytes, /*num_shard_bits=*/0);
  table.cache_index_and_filter_blocks = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = false;  // As KeysOfGet says instead.
  table.block_size = size_t{16} << 10;
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  return table;
}

rocksdb::Options MakeOptions(const StateDatabase::Options& ours) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.paranoid_checks = true;
  // A table without sound properties is refused whenever it is opened.
  options.verify_sst_unique_id_in_manifest = true;
  options.max_background_jobs = 2;
  options.max_bgerror_resume_count = 0;
  options.avoid_flush_during_shutdown = true;
  // Rows are half zeros: 0.58 of the bytes, for no more CPU in all.
  options.compression = rocksdb::kLZ4Compression;
  options.level_compaction_dynamic_level_bytes = true;
  options.max_bytes_for_level_base = 128 * kMiB;
  options.target_file_size_base = 64 * kMiB;
  options.max_open_files = 512;
  options.max_file_opening_threads = 2;
  options.max_manifest_file_size = 16 * kMiB;
  options.write_buffer_size = kMiB;  // Nothing is written through memtables.
  options.max_log_file_size = kMiB;
  options.keep_log_file_num = 2;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.prefix_extractor = std::make_shared<KeysOfGet>();
  options.sst_partitioner_factory = std::make_shared<UnitPartitionerFactory>();
  options.rate_limiter.reset(rocksdb::NewGenericRateLimiter(
      static_cast<int64_t>(ours.background_bytes_per_second)));
  options.table_factory.reset(
      rocksdb::NewBlockBasedTableFactory(TableOptions(ours.block_cache_bytes)));
  return options;
}

absl::StatusOr<uint64_t> FreeBytes(const std::string& path) {
  struct statvfs stats = {};
  if (statvfs(path.c_str(), &stats) != 0) {
    return absl::InternalError(absl::StrCat(
        "statvfs ", path, ": ", std::generic_category().message(errno)));
  }
  return uint64_t{stats.f_bavail} * stats.f_frsize;
}

// RocksDB would begin anew where CURRENT is gone, and remove all files.
absl::Status CheckNotHalfThere(rocksdb::Env& env, const std::string& db) {
  if (env.FileExists(db + "/CURRENT").ok()) return absl::OkStatus();
  std::vector<std::string> names;
  LEDGERD_RETURN_IF_ERROR(
      FromRocksDb(env.GetChildren(db, &names), absl::StrCat("listing ", db)));
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, ".sst")) continue;
    return absl::DataLossError(absl::StrCat(db, "/CURRENT is missing, but ", db,
                                            "/", name, " exists"));
  }
  return absl::OkStatus();
}

// What was being written when the process ended is of no use.
rocksdb::Status EmptyIncoming(rocksdb::Env& env, const std::string& incoming) {
  std::vector<std::string> names;
  rocksdb::Status status = env.CreateDirIfMissing(incoming);
  if (status.ok()) status = env.GetChildren(incoming, &names);
  for (size_t i = 0; status.ok() && i < names.size(); ++i) {
    status = env.DeleteFile(absl::StrCat(incoming, "/", names[i]));
  }
  return status;
}

absl::Status PrepareDirectories(rocksdb::Env& env, const std::string& path,
                                const std::string& db,
                                const std::string& incoming) {
  rocksdb::Status status = env.CreateDirIfMissing(path);
  if (status.ok()) status = env.CreateDirIfMissing(db);
  if (status.ok()) status = EmptyIncoming(env, incoming);
  LEDGERD_RETURN_IF_ERROR(
      FromRocksDb(status, absl::StrCat("preparing ", path)));
  // RocksDB syncs what is in its directory, not the directory's own name.
  LEDGERD_RETURN_IF_ERROR(SyncStateDirectory(env, path));
  LEDGERD_RETURN_IF_ERROR(CheckNotHalfThere(env, db));
  return CheckManifest(env, db);
}

// Where a table's properties are damaged RocksDB goes on without them: then it
// takes the rows of an ingested table for older than all others, and reads what
// they have replaced.
bool HasSoundProperties(const rocksdb::TableProperties* properties) {
  return properties != nullptr && properties->index_size > 0;
}

absl::Status CheckProperties(rocksdb::DB& db) {
  rocksdb::TablePropertiesCollection tables;
  LEDGERD_RETURN_IF_ERROR(FromRocksDb(db.GetPropertiesOfAllTables(&tables),
                                      "reading the properties of tables"));
  for (const auto& [path, properties] : tables) {
    if (HasSoundProperties(properties.get())) continue;
    return absl::DataLossError(
        absl::StrCat(path, ": its block of properties is damaged"));
  }
  return absl::OkStatus();
}

// Of an ingested table the property is never written after the file (Ingest).
bool HasNumberOfItsOwn(const rocksdb::TableProperties& properties) {
  const auto& all = properties.user_collected_properties;
  const auto found = all.find("rocksdb.external_sst_file.global_seqno");
  return found != all.end() &&
         found->second.find_first_not_of('\0') != std::string::npos;
}

rocksdb::Status CheckProperties(const rocksdb::SstFileReader& table) {
  const auto properties = table.GetTableProperties();
  if (HasSoundProperties(properties.get()) && !HasNumberOfItsOwn(*properties)) {
    return rocksdb::Status::OK();
  }
  return rocksdb::Status::Corruption("its block of properties is damaged");
}

bool IsUsable(const rocksdb::Options& options, const std::string& path) {
  rocksdb::SstFileReader reader(options);
  return reader.Open(path).ok() && CheckProperties(reader).ok();
}

rocksdb::Status VerifyTable(const rocksdb::Options& options,
                            const std::string& path) {
  rocksdb::SstFileReader reader(options);
  rocksdb::Status status = reader.Open(path);
  if (status.ok()) status = CheckProperties(reader);
  return status.ok() ? reader.VerifyChecksum() : status;
}

}  // namespace

class StateDatabase::ErrorListener final : public rocksdb::EventListener {
 public:
  explicit ErrorListener(StateDatabase* database) : database_(database) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason,
                         rocksdb::Status* error) override {
    // It has removed what it had written; RocksDB begins it again a second
    // later when it is told that there was no error.
    if (reason == rocksdb::BackgroundErrorReason::kCompaction &&
        database_->CanBeTriedAgain(*error)) {
      *error = rocksdb::Status::OK();
      return;
    }
    database_->Record(*error, "background job").IgnoreError();
  }

  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  StateDatabase* const database_;
};

StateDatabase::StateDatabase(std::string path, const Options& options)
    : path_(std::move(path)),
      db_path_(absl::StrCat(path_, "/", options.name)),
      incoming_path_(absl::StrCat(path_, "/", IncomingNameOf(options.name))),
      options_(options),
      files_(options.files != nullptr ? options.files
                                      : rocksdb::FileSystem::Default()),
      rocksdb_options_(MakeOptions(options)) {
  rocksdb_options_.env = &files_.env();
  rocksdb_options_.listeners.push_back(std::make_shared<ErrorListener>(this));
}

StateDatabase::~StateDatabase() {
  // Closed by hand: the listener must outlive the background jobs.
  db_.reset();
  if (!remove_when_closed_) return;
  // What is left is removed by the next start.
  RemoveFilesAndDirectory(files_.env(), incoming_path_).IgnoreError();
  RemoveFilesAndDirectory(files_.env(), db_path_).IgnoreError();
}

absl::StatusOr<std::shared_ptr<StateDatabase>> StateDatabase::Open(
    const std::string& path, const Options& options) {
  std::shared_ptr<StateDatabase> database(new StateDatabase(path, options));
  LEDGERD_RETURN_IF_ERROR(PrepareDirectories(database->files_.env(), path,
                                             database->db_path_,
                                             database->incoming_path_));
  LEDGERD_RETURN_IF_ERROR(database->OpenRocksDb());
  return database;
}

absl::Status StateDatabase::OpenRocksDb() {
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(rocksdb_options_, db_path_, &db);
  db_.reset(db);
  absl::Status opened = FromRocksDb(status, absl::StrCat("opening ", db_path_));
  if (opened.ok()) opened = CheckProperties(*db_);
  return absl::IsDataLoss(opened) ? WithDamagedTable(opened) : opened;
}

bool StateDatabase::IsInUse(const std::string& name) const {
  std::vector<rocksdb::LiveFileMetaData> tables;
  db_->GetLiveFilesMetaData(&tables);
  return std::any_of(tables.begin(), tables.end(),
                     [&](const auto& table) { return table.name == name; });
}

absl::Status StateDatabase::VerifyTables(const Pace& pace) const {
  rocksdb::BlockBasedTableOptions uncached;
  uncached.no_block_cache = true;
  rocksdb::Options options = rocksdb_options_;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(uncached));
  options.use_direct_reads = true;
  std::vector<rocksdb::LiveFileMetaData> tables;
  db_->GetLiveFilesMetaData(&tables);
  for (const rocksdb::LiveFileMetaData& table : tables) {
    if (pace != nullptr) LEDGERD_RETURN_IF_ERROR(pace(table.size));
    const std::string path = db_path_ + table.name;
    rocksdb::Status verified = VerifyTable(options, path);
    if (verified.IsIOError() || verified.IsInvalidArgument() ||
        verified.IsNotSupported()) {
      // Not every file system has direct I/O.
      options.use_direct_reads = false;
      verified = VerifyTable(options, path);
    }
    // A compaction may have taken its place meanwhile.
    if (verified.ok() || !IsInUse(table.name)) continue;
    return FromRocksDb(verified, absl::StrCat("verifying ", path));
  }
  return absl::OkStatus();
}

// RocksDB does not say of every damage which file has it.
absl::Status StateDatabase::WithDamagedTable(const absl::Status& status) const {
  std::vector<std::string> names;
  files_.env().GetChildren(db_path_, &names).PermitUncheckedError();
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(db_path_, "/", name);
    if (!absl::EndsWith(name, ".sst") || IsUsable(rocksdb_options_, path)) {
      continue;
    }
    return absl::DataLossError(
        absl::StrCat(status.message(), "; damaged: ", path));
  }
  return status;
}

absl::Status StateDatabase::Report(absl::Status status) {
  if (status.ok()) return status;
  if (absl::IsDataLoss(status) &&
      !absl::StrContains(status.message(), ".sst")) {
    status = WithDamagedTable(status);
  }
  if (options_.on_read_error) options_.on_read_error(status);
  return status;
}

absl::Status StateDatabase::error() const {
  const MutexLock lock(mutex_);
  return error_;
}

absl::Status StateDatabase::Record(const rocksdb::Status& status,
                                   absl::string_view what) {
  return Record(FromRocksDb(status, what));
}

absl::Status StateDatabase::Record(absl::Status status) {
  if (status.ok()) return status;
  const MutexLock lock(mutex_);
  // A retry cannot help here, so it must not look like "too little space".
  if (absl::IsResourceExhausted(status)) {
    status = absl::InternalError(status.message());
  }
  if (error_.ok()) error_ = status;
  return status;
}

uint64_t StateDatabase::StoredBytes() const {
  uint64_t bytes = 0;
  LEDGERD_CHECK(
      db_->GetIntProperty(rocksdb::DB::Properties::kTotalSstFilesSize, &bytes));
  return bytes;
}

absl::Status StateDatabase::CheckSpace(uint64_t bytes) const {
  const absl::StatusOr<uint64_t> free =
      options_.free_bytes ? options_.free_bytes(path_) : FreeBytes(path_);
  if (!free.ok()) return free.status();
  // RocksDB's compactions write no more than what there is to compact.
  const uint64_t reserve =
      std::min(options_.reserve_bytes, StoredBytes() + bytes);
  if (*free >= bytes + reserve) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(path_, ": ", *free, " bytes are free; ", bytes,
                   " and a reserve of ", reserve, " are needed"));
}

absl::Status StateDatabase::Ingest(const std::vector<std::string>& paths) {
  LEDGERD_RETURN_IF_ERROR(error());
  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;
  options.write_global_seqno = false;
  options.verify_checksums_before_ingest = true;
  const rocksdb::Status status = db_->IngestExternalFile(paths, options);
  if (CanBeTriedAgain(status)) return FromRocksDb(status, "ingest");
  return Record(status, "ingest");
}

bool StateDatabase::CanBeTriedAgain(const rocksdb::Status& status) const {
  return status.IsNoSpace() && !files_.stopped();
}

void StateDatabase::RemoveFile(const std::string& path) {
  files_.env().DeleteFile(path).PermitUncheckedError();
}

std::string StateDatabase::NewFilePath() {
  return absl::StrCat(incoming_path_, "/", next_file_.fetch_add(1), ".sst");
}

}  // namespace ledgerd::storage
