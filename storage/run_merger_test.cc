// What becomes of an error while runs of ids are merged, in the background.
#include "storage/run_merger.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "rocksdb/file_system.h"

#include "proto/base/check.h"
#include "proto/base/mutex.h"
#include "storage/hooked_files.h"
#include "storage/rocksdb_state_store.h"
#include "storage/state_store_harness.h"
#include "storage/state_store_testing.h"

namespace ledgerd::storage {
namespace {

// A disk that refuses one kind of operation while it is told to.
class BadDisk final : public FileHooks {
 public:
  void Refuse(FileOperation::Kind kind, rocksdb::IOStatus with) {
    const MutexLock lock(mutex_);
    kind_ = kind;
    with_ = std::move(with);
    refused_ = 0;
  }

  // The next one waits until Release, and is refused then. Others pass.
  void HoldNext(FileOperation::Kind kind, rocksdb::IOStatus with) {
    Refuse(kind, std::move(with));
    const MutexLock lock(mutex_);
    hold_next_ = true;
  }

  void WaitUntilHeld() {
    const MutexLock lock(mutex_);
    while (!held_) changed_.Wait(mutex_);
  }

  void Release() {
    const MutexLock lock(mutex_);
    held_ = false;
    changed_.SignalAll();
  }

  void Clear() {
    Refuse(FileOperation::Kind::kAppend, rocksdb::IOStatus::OK());
  }

  int refused() const {
    const MutexLock lock(mutex_);
    return refused_;
  }

  rocksdb::IOStatus Begin(const FileOperation& operation) override {
    const MutexLock lock(mutex_);
    if (operation.kind != kind_ || with_.ok()) return rocksdb::IOStatus::OK();
    // Not what RocksDB writes for itself, such as its compactions.
    if (operation.path.find("/incoming/") == std::string::npos) {
      return rocksdb::IOStatus::OK();
    }
    ++refused_;
    const rocksdb::IOStatus with = with_;
    if (hold_next_) {
      hold_next_ = false;
      with_ = rocksdb::IOStatus::OK();
      held_ = true;
      changed_.SignalAll();
      while (held_) changed_.Wait(mutex_);
    }
    return with;
  }

  void End(const FileOperation&, const rocksdb::IOStatus&) override {}

 private:
  mutable Mutex mutex_;
  FileOperation::Kind kind_ LEDGERD_GUARDED_BY(mutex_) =
      FileOperation::Kind::kAppend;
  rocksdb::IOStatus with_ LEDGERD_GUARDED_BY(mutex_);
  int refused_ LEDGERD_GUARDED_BY(mutex_) = 0;
  CondVar changed_;
  bool hold_next_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool held_ LEDGERD_GUARDED_BY(mutex_) = false;
};

class Opened final : public TestedStore {
 public:
  StateStore& get() override { return *store; }

  void Crash() override { LEDGERD_CHECK(false); }

  std::unique_ptr<RocksDbStateStore> store;
};

class RunMergerTest : public testing::Test {
 protected:
  // Opens the store. With a `fan` of 2 there is something to merge at once.
  void Open(size_t fan) {
    RocksDbStateStore::Options options = TinyStateOptions();
    options.database.files =
        NewHookedFiles(rocksdb::FileSystem::Default(), disk_);
    options.merges.fan = fan;
    tested_.store = nullptr;
    auto opened = RocksDbStateStore::Open(path_, options);
    LEDGERD_CHECK_OK(opened.status());
    tested_.store = *std::move(opened);
  }

  absl::Status Checkpoint() {
    const Account account{
        .id = AccountId(++last_), .ledger = 1, .timestamp = Timestamp(last_)};
    applier_.Apply({.accounts = {account.id}}, [&](StateView& view) {
      view.InsertAccount(account);
      view.InsertTransfer({.id = TransferId(last_),
                           .ledger = 1,
                           .timestamp = Timestamp(1'000 + last_)});
    });
    return applier_.Checkpoint();
  }

  void MakeRuns() {
    Open(/*fan=*/1'000);
    for (int i = 0; i < 4; ++i) LEDGERD_CHECK_OK(Checkpoint());
  }

  // What the next checkpoint says after the merges of a start have met it.
  absl::Status CheckpointAfter(FileOperation::Kind kind,
                               const rocksdb::IOStatus& error) {
    MakeRuns();
    disk_->Refuse(kind, error);
    Open(/*fan=*/2);
    tested_.store->WaitForMerges();
    EXPECT_GT(disk_->refused(), 0) << "nothing was merged";
    disk_->Clear();
    return Checkpoint();
  }

  const std::string path_ = NewStateDirectory();
  const std::shared_ptr<BadDisk> disk_ = std::make_shared<BadDisk>();
  Opened tested_;
  EntryApplier applier_{tested_};
  uint64_t last_ = 0;
};

TEST_F(RunMergerTest, AnErrorIsFoundByTheNextCheckpoint) {
  for (const auto kind :
       {FileOperation::Kind::kCreate, FileOperation::Kind::kAppend,
        FileOperation::Kind::kSync}) {
    SCOPED_TRACE(static_cast<int>(kind));
    const absl::Status written =
        CheckpointAfter(kind, rocksdb::IOStatus::IOError("the disk is bad"));
    EXPECT_FALSE(written.ok());
    EXPECT_NE(written.message().find("the disk is bad"),
              absl::string_view::npos)
        << written;
  }
}

TEST_F(RunMergerTest, AFullDiskIsTriedAgain) {
  const absl::Status written =
      CheckpointAfter(FileOperation::Kind::kCreate,
                      rocksdb::IOStatus::NoSpace("no space left"));
  EXPECT_TRUE(written.ok()) << written;
}

// The merges of the start look and fail; a checkpoint wakes them meanwhile.
TEST_F(RunMergerTest, AWakeDuringMergesIsNotLost) {
  MakeRuns();
  disk_->HoldNext(FileOperation::Kind::kCreate,
                  rocksdb::IOStatus::NoSpace("no space left"));
  Open(/*fan=*/2);
  disk_->WaitUntilHeld();
  EXPECT_TRUE(Checkpoint().ok());
  EXPECT_EQ(tested_.store->run_count(), 5u);
  disk_->Release();
  tested_.store->WaitForMerges();
  EXPECT_LT(tested_.store->run_count(), 5u);
}

}  // namespace
}  // namespace ledgerd::storage
