#include "storage/state_database.h"

#include <memory>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"
#include "rocksdb/file_system.h"

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

}  // namespace
}  // namespace ledgerd::storage
