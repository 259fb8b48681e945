// An upgrade of the state that is killed at every change of its files, with
// all, none or some of what was not synced lost. What is there then is the old
// format or the new one, row by row, and the next start makes of it what an
// upgrade makes that nobody kills.
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"

#include "proto/base/check.h"
#include "storage/faulty_state_files.h"
#include "storage/rocksdb_state_store.h"
#include "storage/state_format_testing.h"
#include "storage/state_store_harness.h"
#include "storage/state_store_operations.h"
#include "storage/state_store_testing.h"
#include "storage/try_each.h"

namespace ledgerd::storage {
namespace {

using Loss = FaultyStateFiles::Loss;
using Rows = std::map<std::string, std::string>;

constexpr int kCheckpoints = 3;
constexpr int kEntriesEach = 30;
constexpr uint32_t kOldFormat = 1;

// On a file system in memory, where there is one, as in state_crash_test.
std::string MemoryDirectory() {
  const std::string shared = "/dev/shm";
  if (access(shared.c_str(), W_OK) != 0) return NewStateDirectory();
  static std::atomic<int> count{0};
  return absl::StrCat(shared, "/ledgerd_upgrade_", getpid(), "_", ++count);
}

class Store final : public TestedStore {
 public:
  StateStore& get() override { return *store; }

  void Crash() override {}

  std::unique_ptr<RocksDbStateStore> store;
};

// A state of the old format on a failing disk. Each is the same, byte by byte.
class OldState {
 public:
  explicit OldState(uint64_t seed) : disk_(path_, seed) {
    LEDGERD_CHECK_OK(Open());
    Fill();
    tested_.store = nullptr;
    MakeStateFormat(disk_.files(), path_, kOldFormat);
    // Old builds have synced it long ago.
    disk_.PowerCut(Loss::kNone);
    said_ = 0;
  }

  FaultyStateFiles& disk() { return disk_; }

  // What a start does: it upgrades first, if there is anything to upgrade.
  absl::Status Start() {
    absl::Status opened = Open();
    if (opened.ok()) {
      state_hash_ = tested_.get().state_hash();
      opened = tested_.get().VerifyCheckpoint();
    }
    tested_.store = nullptr;
    return opened;
  }

  // All that RocksDB holds.
  Rows ReadRows() const {
    rocksdb::DB* opened = nullptr;
    const rocksdb::Status status =
        rocksdb::DB::OpenForReadOnly({}, path_ + "/db", &opened);
    LEDGERD_CHECK(status.ok()) << status.ToString();
    const std::unique_ptr<rocksdb::DB> db(opened);
    const std::unique_ptr<rocksdb::Iterator> at(db->NewIterator({}));
    Rows rows;
    for (at->SeekToFirst(); at->Valid(); at->Next()) {
      rows.emplace(at->key().ToString(), at->value().ToString());
    }
    LEDGERD_CHECK(at->status().ok()) << at->status().ToString();
    return rows;
  }

  Uint128 state_hash() const { return state_hash_; }

  // Lines that an upgrade has told.
  int said() const { return said_; }

 private:
  absl::Status Open() {
    RocksDbStateStore::Options options = TinyStateOptions();
    options.database.files = disk_.files();
    // No merge: the upgrade is all that happens.
    options.merges.fan = 1'000;
    options.say = [this](const std::string&) { ++said_; };
    auto opened = RocksDbStateStore::Open(path_, options);
    if (opened.ok()) tested_.store = *std::move(opened);
    return opened.status();
  }

  void Fill() {
    TestedMemoryStore model{{}};
    EntryApplier model_applier(model);
    EntryApplier applier(tested_);
    RandomOperations operations(/*seed=*/1, {});
    for (int i = 0; i < kCheckpoints * kEntriesEach; ++i) {
      const auto entry = operations.Next(model.memory.state());
      const auto change = [&](StateView& view) { entry.change(view); };
      applier.Apply(entry.needs, change);
      model_applier.Apply(entry.needs, change);
      if (i % kEntriesEach != kEntriesEach - 1) continue;
      LEDGERD_CHECK_OK(applier.Checkpoint());
    }
  }

  const std::string path_ = MemoryDirectory();
  FaultyStateFiles disk_;
  Store tested_;
  Uint128 state_hash_ = 0;
  int said_ = 0;
};

class StateUpgradeCrashTest : public testing::Test {
 protected:
  void SetUp() override {
    OldState state(/*seed=*/1);
    old_rows_ = state.ReadRows();
    const absl::Status upgraded = state.Start();
    ASSERT_TRUE(upgraded.ok()) << upgraded;
    ASSERT_EQ(state.said(), 2);
    new_rows_ = state.ReadRows();
    state_hash_ = state.state_hash();
    // Enough of an index to be half there.
    ASSERT_GT(new_rows_.size(), old_rows_.size() + 30);
  }

  // Kills the upgrade once `at` operations are done; a problem found.
  std::string KillAfter(uint64_t at, Loss loss, bool* more) {
    OldState state(/*seed=*/at + 1);
    state.disk().CrashAfter(at);
    state.Start().IgnoreError();
    *more = state.disk().happened();
    state.disk().PowerCut(loss);
    const Rows left = state.ReadRows();
    const bool is_new = left == new_rows_;
    (is_new ? left_new_ : left_old_) += *more;
    if (!is_new && left != old_rows_) return "leaves neither format";
    const absl::Status started = state.Start();
    if (!started.ok()) return absl::StrCat("then: ", started.ToString());
    if (state.ReadRows() != new_rows_) return "then other rows";
    return state.state_hash() == state_hash_ ? "" : "then another hash";
  }

  void KillEverywhere(Loss loss) {
    const TriedAll tried = TryEach(1, [&](uint64_t at, bool* more) {
      const std::string problem = KillAfter(at, loss, more);
      return problem.empty()
                 ? problem
                 : absl::StrCat("killed after operation ", at, ": ", problem);
    });
    EXPECT_EQ(tried.problem, "");
    std::cout << tried.count << " upgrades, " << left_old_
              << " kills left the old format, " << left_new_
              << " the new one\n";
    EXPECT_GT(left_old_, 10);
    EXPECT_GT(left_new_, 0);
  }

  Rows old_rows_;
  Rows new_rows_;
  Uint128 state_hash_ = 0;
  std::atomic<int> left_old_{0};
  std::atomic<int> left_new_{0};
};

TEST_F(StateUpgradeCrashTest, KilledAndNothingIsLost) {
  KillEverywhere(Loss::kNone);
}

TEST_F(StateUpgradeCrashTest, KilledAndAllThatWasNotSyncedIsLost) {
  KillEverywhere(Loss::kAll);
}

TEST_F(StateUpgradeCrashTest, KilledAndSomeIsLost) {
  KillEverywhere(Loss::kRandom);
}

}  // namespace
}  // namespace ledgerd::storage
