#include "storage/state_database.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"
#include "rocksdb/file_system.h"
#include "rocksdb/table_properties.h"

#include "proto/base/check.h"
#include "proto/base/mutex.h"
#include "storage/hooked_files.h"
#include "storage/ingest_files.h"
#include "storage/state_keys.h"

namespace ledgerd::storage {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

class StateDatabaseTest : public ::testing::Test {
 protected:
  StateDatabaseTest() {
    StateDatabase::Options options;
    options.free_bytes = [this](const std::string&) { return free_bytes_; };
    auto opened = StateDatabase::Open(::testing::TempDir() + "/state", options);
    LEDGERD_CHECK_OK(opened.status());
    database_ = *std::move(opened);
  }

  bool HasSpaceFor(uint64_t bytes, uint64_t free_bytes) {
    free_bytes_ = free_bytes;
    const absl::Status status = database_->CheckSpace(bytes);
    EXPECT_TRUE(status.ok() || absl::IsResourceExhausted(status)) << status;
    return status.ok();
  }

  uint64_t free_bytes_ = 0;
  std::shared_ptr<StateDatabase> database_;
};

// A small state on a small disk needs no large reserve: what there is to
// compact is what was stored.
TEST_F(StateDatabaseTest, TheReserveIsNoMoreThanWhatIsStored) {
  EXPECT_TRUE(HasSpaceFor(10 * kMiB, 20 * kMiB));
  EXPECT_FALSE(HasSpaceFor(10 * kMiB, 20 * kMiB - 1));
}

TEST_F(StateDatabaseTest, TheReserveHasALimit) {
  EXPECT_TRUE(HasSpaceFor(1'000 * kMiB, 1'256 * kMiB));
  EXPECT_FALSE(HasSpaceFor(1'000 * kMiB, 1'256 * kMiB - 1));
}

// A disk without space for some of what is done in files of some name.
class FullDisk final : public FileHooks {
 public:
  // Until Clear.
  void Refuse(FileOperation::Kind kind, absl::string_view name) {
    const MutexLock lock(mutex_);
    kind_ = kind;
    name_ = std::string(name);
    refused_ = 0;
  }

  void Clear() { Refuse(FileOperation::Kind::kCreate, ""); }

  rocksdb::IOStatus Begin(const FileOperation& operation) override {
    const MutexLock lock(mutex_);
    if (name_.empty() || operation.kind != kind_ ||
        !absl::StrContains(operation.path, name_)) {
      return rocksdb::IOStatus::OK();
    }
    ++refused_;
    changed_.SignalAll();
    return rocksdb::IOStatus::NoSpace("no space left");
  }

  void End(const FileOperation&, const rocksdb::IOStatus&) override {}

  void WaitUntilRefused(int times) {
    const MutexLock lock(mutex_);
    while (refused_ < times) changed_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  FileOperation::Kind kind_ LEDGERD_GUARDED_BY(mutex_) =
      FileOperation::Kind::kCreate;
  std::string name_ LEDGERD_GUARDED_BY(mutex_);
  int refused_ LEDGERD_GUARDED_BY(mutex_) = 0;
};

class FullDiskTest : public ::testing::Test {
 protected:
  FullDiskTest() {
    StateDatabase::Options options;
    options.files = NewHookedFiles(rocksdb::FileSystem::Default(), disk_);
    auto opened = StateDatabase::Open(::testing::TempDir() + "/full", options);
    LEDGERD_CHECK_OK(opened.status());
    database_ = *std::move(opened);
  }

  ~FullDiskTest() override {
    database_ = nullptr;
    rocksdb::DestroyDB(::testing::TempDir() + "/full/db", {})
        .PermitUncheckedError();
  }

  // Two rows with others between them, so that one ingestion overlaps another.
  absl::Status Ingest() {
    IngestFiles files(*database_, kCheckpointPriority);
    for (const uint64_t id : {1, 1'000}) {
      const absl::Status put = files.Put(AccountKey(AccountId(id)), "row");
      if (!put.ok()) return put;
    }
    const absl::Status finished = files.Finish();
    return finished.ok() ? database_->Ingest(files.paths()) : finished;
  }

  int FilesAtTop() {
    std::string text;
    LEDGERD_CHECK(
        database_->rocksdb().GetProperty("rocksdb.num-files-at-level0", &text));
    int files = 0;
    LEDGERD_CHECK(absl::SimpleAtoi(text, &files));
    return files;
  }

  const std::shared_ptr<FullDisk> disk_ = std::make_shared<FullDisk>();
  std::shared_ptr<StateDatabase> database_;
};

TEST_F(FullDiskTest, ATableThatCannotBeTakenOverIsTriedAgain) {
  disk_->Refuse(FileOperation::Kind::kLink, ".sst");
  const absl::Status refused = Ingest();
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_TRUE(database_->error().ok()) << database_->error();
  disk_->Clear();
  EXPECT_TRUE(Ingest().ok());
}

// What came of it is not known, so nothing more is written.
TEST_F(FullDiskTest, AManifestThatCannotBeWrittenIsTheEnd) {
  disk_->Refuse(FileOperation::Kind::kAppend, "MANIFEST");
  const absl::Status refused = Ingest();
  EXPECT_FALSE(refused.ok());
  EXPECT_FALSE(absl::IsResourceExhausted(refused)) << refused;
  disk_->Clear();
  EXPECT_FALSE(database_->error().ok());
  EXPECT_FALSE(Ingest().ok());
}

TEST_F(FullDiskTest, ACompactionWaitsForSpace) {
  disk_->Refuse(FileOperation::Kind::kCreate, "full/db");
  while (FilesAtTop() < 4) ASSERT_TRUE(Ingest().ok());
  disk_->WaitUntilRefused(2);
  EXPECT_TRUE(database_->error().ok()) << database_->error();
  EXPECT_TRUE(Ingest().ok()) << "goes on meanwhile";
  disk_->Clear();
  while (FilesAtTop() >= 4) std::this_thread::yield();
  EXPECT_TRUE(database_->error().ok()) << database_->error();
}

// On a disk that has space.
class TablesTest : public FullDiskTest {
 protected:
  // One table, of which all is in the cache.
  void Fill() {
    constexpr uint64_t kRows = 1'000;
    IngestFiles files(*database_, kCheckpointPriority);
    for (uint64_t i = 0; i < kRows; ++i) {
      ASSERT_TRUE(
          files.Put(AccountKey(AccountId(i)), std::string(100, 'a')).ok());
    }
    ASSERT_TRUE(files.Finish().ok());
    ASSERT_TRUE(database_->Ingest(files.paths()).ok());
    ReadAll();
    std::vector<rocksdb::LiveFileMetaData> tables;
    database_->rocksdb().GetLiveFilesMetaData(&tables);
    ASSERT_EQ(tables.size(), 1u);
    table_ = database_->directory() + tables[0].name;
  }

  void ReadAll() {
    const std::unique_ptr<rocksdb::Iterator> rows(
        database_->rocksdb().NewIterator({}));
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    }
    EXPECT_TRUE(rows->status().ok()) << rows->status().ToString();
  }

  void Flip(uint64_t at) {
    std::fstream file(table_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const int before = file.get();
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(before ^ 0x10));
    file.flush();
    ASSERT_TRUE(file.good()) << table_;
  }

  std::string table_;
};

// What is cached of a file says nothing about what is on the disk.
TEST_F(TablesTest, EachDamagedBlockIsFoundThoughItIsCached) {
  // A part of it is not used.
  constexpr uint64_t kFooterBytes = 53;
  ASSERT_NO_FATAL_FAILURE(Fill());
  ASSERT_TRUE(database_->VerifyTables(nullptr).ok());
  const uint64_t end = std::filesystem::file_size(table_) - kFooterBytes;
  ASSERT_GT(end, 1'000u);
  for (uint64_t at = 0; at < end; at += 13) {
    ASSERT_NO_FATAL_FAILURE(Flip(at));
    ReadAll();
    const absl::Status damaged = database_->VerifyTables(nullptr);
    EXPECT_TRUE(absl::IsDataLoss(damaged)) << damaged << ", byte " << at;
    EXPECT_TRUE(absl::StrContains(damaged.message(), table_)) << damaged;
    ASSERT_NO_FATAL_FAILURE(Flip(at));
  }
  EXPECT_TRUE(database_->VerifyTables(nullptr).ok());
}

TEST_F(TablesTest, WhatThePaceSaysEndsTheirVerification) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  uint64_t told = 0;
  const absl::Status ended = database_->VerifyTables([&](uint64_t bytes) {
    told += bytes;
    return absl::CancelledError("enough");
  });
  EXPECT_TRUE(absl::IsCancelled(ended)) << ended;
  EXPECT_EQ(told, std::filesystem::file_size(table_));
}

// On a disk that has space.
class FiltersTest : public FullDiskTest {
 protected:
  struct Keys {
    uint64_t in_tables = 0;
    uint64_t in_filters = 0;
  };

  // Of all tables.
  Keys Count() {
    rocksdb::TablePropertiesCollection tables;
    LEDGERD_CHECK(database_->rocksdb().GetPropertiesOfAllTables(&tables).ok());
    Keys keys;
    for (const auto& [name, properties] : tables) {
      keys.in_tables += properties->num_entries;
      keys.in_filters += properties->num_filter_entries;
    }
    return keys;
  }

  rocksdb::Status Get(const Key& key) {
    std::string row;
    return database_->rocksdb().Get({}, key.slice(), &row);
  }
};

TEST_F(FiltersTest, HaveTheKeysThatAreAskedForAlone) {
  const Key account = AccountKey(AccountId(7));
  const Key pending = PendingStateKey(Timestamp(8));
  IngestFiles files(*database_, kCheckpointPriority);
  for (const Key& key : {account, pending, TransfersKey(Timestamp(8)),
                         IndexPrefix(IndexField::kTransferCode, 9)}) {
    ASSERT_TRUE(files.Put(key, "row").ok());
  }
  ASSERT_TRUE(files.Finish().ok());
  ASSERT_TRUE(database_->Ingest(files.paths()).ok());
  EXPECT_EQ(Count().in_tables, 4u);
  EXPECT_EQ(Count().in_filters, 2u);
  rocksdb::CompactRangeOptions all;
  all.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  ASSERT_TRUE(database_->rocksdb().CompactRange(all, nullptr, nullptr).ok());
  EXPECT_EQ(Count().in_tables, 4u);
  EXPECT_EQ(Count().in_filters, 2u);
  EXPECT_TRUE(Get(account).ok());
  EXPECT_TRUE(Get(pending).ok());
  EXPECT_TRUE(Get(AccountKey(AccountId(8))).IsNotFound());
}

}  // namespace
}  // namespace ledgerd::storage
