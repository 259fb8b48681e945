// Crashes of the state store at every change of its files: before it, and with
// all, none or some of what was not synced lost. What is there afterwards is
// the last checkpoint that was acknowledged, or the one being written; whole.
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/mutex.h"
#include "storage/faulty_state_files.h"
#include "storage/rocksdb_state_store.h"
#include "storage/state_store_harness.h"
#include "storage/state_store_operations.h"
#include "storage/state_store_testing.h"
#include "storage/try_each.h"

namespace ledgerd::storage {
namespace {

using Loss = FaultyStateFiles::Loss;

constexpr int kCheckpoints = 3;
constexpr int kEntriesEach = 4;

constexpr uint64_t kSeeds = 5;

// How many lives each operation is tried in: tests/long.sh tries all.
uint64_t Lives() {
  return std::getenv("LEDGERD_EVERY_LIFE") != nullptr ? kSeeds : 1;
}

// On a file system in memory, where there is one: thousands of files come and
// go here, and no sync is real.
std::string MemoryDirectory() {
  const std::string shared = "/dev/shm";
  if (access(shared.c_str(), W_OK) != 0) return NewStateDirectory();
  static std::atomic<int> count{0};
  return shared + "/ledgerd_state_crash_" + std::to_string(getpid()) + "_" +
         std::to_string(++count);
}

class Store final : public TestedStore {
 public:
  StateStore& get() override { return *store; }

  void Crash() override {}

  std::unique_ptr<RocksDbStateStore> store;
};

// A store on a failing disk, and what must be found on it.
class CrashRun {
 public:
  explicit CrashRun(uint64_t seed)
      : disk_(path_, seed), operations_(seed, {.random_ids = seed % 2 == 0}) {
    hashes_[0] = 0;
  }

  FaultyStateFiles& disk() { return disk_; }

  absl::Status Open() {
    auto options = TinyStateOptions();
    options.database.files = disk_.files();
    auto opened = RocksDbStateStore::Open(path_, options);
    if (opened.ok()) tested_.store = *std::move(opened);
    return opened.status();
  }

  // Opens, applies and writes checkpoints until all is done or the disk fails.
  void Live() {
    if (!Open().ok()) return;
    for (int i = 0; i < kCheckpoints && Checkpoint(); ++i) {
    }
    tested_.store = nullptr;
  }

  // Opens again, and says what is wrong; empty is well.
  std::string Check() {
    const absl::Status opened = Open();
    if (!opened.ok()) return "does not open: " + opened.ToString();
    const std::string problem = CheckOpened();
    tested_.store = nullptr;
    return problem;
  }

  uint64_t acknowledged() const { return acknowledged_; }

  const absl::Status& error() const { return error_; }

 private:
  // Applies some entries and writes a checkpoint; false when that failed.
  bool Checkpoint() {
    for (int i = 0; i < kEntriesEach; ++i) {
      error_ = Apply();
      if (!error_.ok()) return false;
    }
    attempted_ = Now(model_.get());
    error_ = applier_.Checkpoint();
    // With space again the same call does it.
    if (absl::IsResourceExhausted(error_)) {
      error_ = tested_.store->WriteCheckpoint();
      if (error_.ok()) tested_.store->FinishCheckpoint();
    }
    if (!error_.ok()) return false;
    acknowledged_ = attempted_;
    tested_.store->WaitForMerges();
    return true;
  }

  absl::Status Apply() {
    const auto entry = operations_.Next(model_.memory.state());
    // A failed merge, in the background, shows in the next read.
    for (bool installed = false; !installed;) {
      Plan plan = tested_.store->MakePlan(entry.needs);
      std::unique_ptr<Fetched> fetched;
      if (!plan.complete) {
        auto read = tested_.store->Fetch(plan.missing);
        if (!read.ok()) return read.status();
        fetched = *std::move(read);
      }
      installed = tested_.store->Install(std::move(plan), std::move(fetched));
    }
    entry.change(tested_.store->view());
    applier_.Finish();
    model_applier_.Apply(entry.needs, [&](StateView& v) { entry.change(v); });
    hashes_[Now(model_.get())] = model_.get().state_hash();
    return absl::OkStatus();
  }

  static uint64_t Now(StateStore& store) {
    return store.applied().entry.sequence.value();
  }

  std::string CheckOpened() {
    const uint64_t found = Now(*tested_.store);
    if (found != acknowledged_ && found != attempted_) {
      return "is at " + std::to_string(found) + ", not at " +
             std::to_string(acknowledged_) + " or " +
             std::to_string(attempted_);
    }
    if (found != 0 && tested_.store->state_hash() != hashes_[found]) {
      return "has another state hash at " + std::to_string(found);
    }
    if (found == 0) return "";
    const absl::Status verified = tested_.store->VerifyCheckpoint();
    return verified.ok() ? "" : verified.ToString();
  }

  const std::string path_ = MemoryDirectory();
  FaultyStateFiles disk_;
  RandomOperations operations_;
  Store tested_;
  TestedMemoryStore model_{{}};
  EntryApplier applier_{tested_};
  EntryApplier model_applier_{model_};
  std::map<uint64_t, Uint128> hashes_;
  uint64_t acknowledged_ = 0;
  uint64_t attempted_ = 0;
  absl::Status error_;
};

struct Mutant {
  bool files_lie = false;
  bool directories_lie = false;
};

// Tries all operations, of one life after another, in Lives() rounds.
TriedAll TryEachOperation(
    const std::function<std::string(uint64_t seed, uint64_t at, bool* more)>&
        try_at) {
  TriedAll all;
  for (uint64_t life = 0; life < Lives() && all.problem.empty(); ++life) {
    const TriedAll tried = TryEach(1, [&](uint64_t at, bool* more) {
      const std::string problem = try_at((at + life) % kSeeds + 1, at, more);
      return problem.empty()
                 ? problem
                 : "operation " + std::to_string(at) + ": " + problem;
    });
    all.count += tried.count;
    all.problem = tried.problem;
  }
  return all;
}

// The point of a fault without the numbers of its file.
std::string KindOf(const std::string& fault_point) {
  std::string kind;
  for (const char c : fault_point) {
    if (c < '0' || c > '9') kind += c;
  }
  return kind;
}

// The kinds of operations that faults happened to.
class Points {
 public:
  void Add(const FaultyStateFiles& disk) {
    const MutexLock lock(mutex_);
    if (disk.happened()) ++counts_[KindOf(disk.fault_point())];
  }

  // All that the store does to the disk in its life.
  void ExpectAll() const {
    const MutexLock lock(mutex_);
    for (const auto& [point, count] : counts_) {
      std::cout << count << " at: " << point << "\n";
    }
    for (const std::string& point : std::vector<std::string>{
             "append db/.dbtmp",         "append db/MANIFEST-",
             "append db/OPTIONS-.dbtmp", "append incoming/.sst",
             "create db/.dbtmp",         "create db/.log",
             "create db/MANIFEST-",      "create db/OPTIONS-.dbtmp",
             "create incoming/.sst",     "link incoming/.sst",
             "make directory .",         "make directory db",
             "make directory incoming",  "remove db/MANIFEST-",
             "remove incoming/.sst",     "rename db/.dbtmp",
             "rename db/OPTIONS-.dbtmp", "reopen db/.sst",
             "sync db/.dbtmp",           "sync db/.sst",
             "sync db/MANIFEST-",        "sync db/OPTIONS-.dbtmp",
             "sync directory .",         "sync directory db",
             "sync incoming/.sst"}) {
      EXPECT_TRUE(counts_.contains(point)) << "no fault at: " << point;
    }
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, int> counts_ LEDGERD_GUARDED_BY(mutex_);
};

// Crashes at every operation of a life and loses power; a problem found.
std::string CrashEverywhere(Loss loss, const Mutant& mutant) {
  Points points;
  const TriedAll tried =
      TryEachOperation([&](uint64_t seed, uint64_t at, bool* more) {
        CrashRun run(seed);
        run.disk().LieAboutSyncs(mutant.files_lie, mutant.directories_lie);
        run.disk().CrashAfter(at);
        run.Live();
        *more = run.disk().happened();
        points.Add(run.disk());
        run.disk().PowerCut(loss);
        return run.Check();
      });
  std::cout << tried.count << " crashes; " << tried.problem << "\n";
  if (tried.problem.empty()) points.ExpectAll();
  return tried.problem;
}

TEST(StateCrashTest, APowerCutAtEveryOperationThatLosesAll) {
  EXPECT_EQ(CrashEverywhere(Loss::kAll, {}), "");
}

TEST(StateCrashTest, APowerCutThatLosesSome) {
  EXPECT_EQ(CrashEverywhere(Loss::kRandom, {}), "");
}

TEST(StateCrashTest, APowerCutThatLosesNothing) {
  EXPECT_EQ(CrashEverywhere(Loss::kNone, {}), "");
}

// Without syncs the same test finds what is lost.
TEST(StateCrashTest, FindsASyncOfFilesThatIsNone) {
  EXPECT_NE(CrashEverywhere(Loss::kAll, {.files_lie = true}), "");
}

TEST(StateCrashTest, FindsASyncOfDirectoriesThatIsNone) {
  EXPECT_NE(CrashEverywhere(Loss::kAll, {.directories_lie = true}), "");
}

// One operation fails, all others work: an error is told, and whatever was told
// is what the next start finds, with the cache or without.
void FailEverywhere(const rocksdb::IOStatus& error, Loss loss) {
  std::atomic<int> recovered{0};
  Points points;
  const TriedAll tried =
      TryEachOperation([&](uint64_t seed, uint64_t at, bool* more) {
        CrashRun run(seed);
        run.disk().FailAfter(at, error);
        run.Live();
        *more = run.disk().happened();
        points.Add(run.disk());
        recovered += *more && run.error().ok() && run.acknowledged() > 0;
        run.disk().ClearFaults();
        run.disk().PowerCut(loss);
        return run.Check();
      });
  EXPECT_EQ(tried.problem, "");
  std::cout << tried.count << " errors, " << recovered
            << " of them without consequence\n";
  points.ExpectAll();
  EXPECT_GT(recovered, 0);
}

TEST(StateCrashTest, AnErrorOfEveryOperation) {
  FailEverywhere(rocksdb::IOStatus::IOError("EIO"), Loss::kNone);
}

TEST(StateCrashTest, AnErrorAndAPowerCut) {
  FailEverywhere(rocksdb::IOStatus::IOError("EIO"), Loss::kRandom);
}

TEST(StateCrashTest, NoSpace) {
  FailEverywhere(rocksdb::IOStatus::NoSpace("ENOSPC"), Loss::kNone);
}

}  // namespace
}  // namespace ledgerd::storage
