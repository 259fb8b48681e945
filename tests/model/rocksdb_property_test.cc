// The real ledger over the real store, against the naive one: the same worlds,
// with checkpoints, restarts and merges of ids in between.
//
//   bazel run //tests/model:rocksdb_property_test -- --seed=7 --batches=40
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "storage/rocksdb_state_store.h"
#include "tests/model/coverage.h"
#include "tests/model/random.h"
#include "tests/model/subject.h"
#include "tests/model/world.h"

ABSL_FLAG(uint64_t, seed, 1, "The seed of the first world.");
ABSL_FLAG(uint64_t, batches, 800, "How many batches to run in all.");

namespace ledgerd::model {
namespace {

constexpr size_t kWorldBatches = 40;

// Freezes, checkpoints, and starts again from its directory and its journal, at
// moments drawn from a seed.
class LedgerOnDisk final : public RealLedger {
 public:
  LedgerOnDisk(std::string path, uint64_t seed)
      : LedgerOnDisk(Open(path), path, seed) {}

  ~LedgerOnDisk() override {
    store_.reset();
    std::filesystem::remove_all(path_);
  }

  LedgerOnDisk(const LedgerOnDisk&) = delete;
  LedgerOnDisk& operator=(const LedgerOnDisk&) = delete;

  EntryResult Apply(const Entry& entry) override {
    if (random_.OneIn(4)) Advance();
    if (random_.OneIn(12)) Restart();
    EntryResult result = RealLedger::Apply(entry);
    since_checkpoint_.push_back(entry);
    return result;
  }

 private:
  using Store = storage::RocksDbStateStore;

  LedgerOnDisk(std::unique_ptr<Store> opened, std::string path, uint64_t seed)
      : RealLedger(*opened),
        path_(std::move(path)),
        random_(seed),
        store_(std::move(opened)) {}

  static std::unique_ptr<Store> Open(const std::string& path) {
    Store::Options options;
    options.database.reserve_bytes = 0;
    auto opened = Store::Open(path, options);
    LEDGERD_CHECK_OK(opened.status());
    return *std::move(opened);
  }

  // The next stage of a checkpoint.
  void Advance() {
    if (since_checkpoint_.empty()) return;
    if (!frozen_) {
      store_->Freeze();
      frozen_ = true;
      return;
    }
    LEDGERD_CHECK_OK(store_->WriteCheckpoint());
    store_->FinishCheckpoint();
    frozen_ = false;
    LEDGERD_CHECK_OK(store_->VerifyCheckpoint());
  }

  void Restart() {
    const Sequence applied = store_->applied().entry.sequence;
    const Uint128 hash = store_->state_hash();
    store_.reset();
    store_ = Open(path_);
    set_store(*store_);
    frozen_ = false;
    std::erase_if(since_checkpoint_, [this](const Entry& entry) {
      return entry.sequence() <= store_->checkpoint().entry.sequence;
    });
    for (const Entry& entry : since_checkpoint_) RealLedger::Apply(entry);
    LEDGERD_CHECK(store_->applied().entry.sequence == applied);
    LEDGERD_CHECK(store_->state_hash() == hash) << "replay differs";
  }

  std::string path_;
  Random random_;
  std::unique_ptr<Store> store_;
  bool frozen_ = false;
  std::vector<Entry> since_checkpoint_;
};

std::string NextDirectory() {
  static int made = 0;
  const char* root = std::getenv("TEST_TMPDIR");
  return absl::StrCat(root != nullptr ? root : testing::TempDir(), "/ledger",
                      made++);
}

TEST(RocksDbProperty, AgreesWithTheNaiveModel) {
  const uint64_t first = absl::GetFlag(FLAGS_seed);
  const uint64_t batches = absl::GetFlag(FLAGS_batches);
  Coverage coverage;
  for (uint64_t done = 0; done < batches; done += kWorldBatches) {
    const uint64_t seed = first + done / kWorldBatches;
    std::cout << "replay: bazel run //tests/model:rocksdb_property_test -- "
                 "--seed="
              << seed << " --batches=" << kWorldBatches << std::endl;
    const std::optional<Failure> failure = RunWorld(
        {.seed = seed, .batches = kWorldBatches},
        [seed] {
          return std::make_unique<LedgerOnDisk>(NextDirectory(), seed);
        },
        coverage);
    ASSERT_FALSE(failure.has_value()) << "seed " << seed << "\n"
                                      << failure->text;
  }
}

}  // namespace
}  // namespace ledgerd::model

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  absl::ParseCommandLine(argc, argv);
  return RUN_ALL_TESTS();
}
