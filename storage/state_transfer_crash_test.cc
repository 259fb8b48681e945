// Crashes at every change of the files of a state that a checkpoint of another
// replica takes the place of. What is found afterwards is the old state or the
// new one, as the superblock says; whole.
#include <atomic>
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "storage/faulty_state_files.h"
#include "storage/replaceable_state_store.h"
#include "storage/state_directories.h"
#include "storage/state_store_contract.h"
#include "storage/state_store_harness.h"
#include "storage/try_each.h"

namespace ledgerd::storage {
namespace {

using Loss = FaultyStateFiles::Loss;

class Store final : public TestedStore {
 public:
  StateStore& get() override { return *store; }

  void Crash() override {}

  std::unique_ptr<ReplaceableStateStore> store;
};

// Accounts first, then a payment with each entry.
Needs NeedsOf(uint64_t sequence) {
  return {.accounts = {AccountId(1), AccountId(2)},
          .transfers = {TransferId(sequence)}};
}

void Change(uint64_t sequence, StateView& view) {
  if (sequence == 1) {
    view.InsertAccount(NewAccount(1, 1));
    view.InsertAccount(NewAccount(2, 2));
  } else {
    InsertPayment(view, NewTransfer(sequence, 10 * sequence));
  }
}

uint64_t NextOf(const StateStore& store) {
  return store.applied().entry.sequence.value() + 1;
}

// Another replica, and the checkpoint that it sends.
class Sender {
 public:
  Sender() : applier_(tested_) {
    for (int i = 0; i < 30; ++i) {
      const uint64_t next = NextOf(tested_.get());
      applier_.Apply(NeedsOf(next),
                     [next](StateView& view) { Change(next, view); });
    }
    LEDGERD_CHECK_OK(applier_.Checkpoint());
    auto exported = tested_.get().ExportCheckpoint();
    LEDGERD_CHECK_OK(exported.status());
    files_ = *std::move(exported);
  }

  const ExportedCheckpoint& files() const { return *files_; }

 private:
  TestedRocksDbStore tested_{TinyStateOptions()};
  EntryApplier applier_;
  std::shared_ptr<const ExportedCheckpoint> files_;
};

// What a checkpoint is received for.
enum class For { kInstall, kRepair };

class CrashRun {
 public:
  CrashRun(const Sender& sender, For what, uint64_t seed)
      : files_(sender.files()), what_(what), disk_(path_, seed) {
    // As format has left them.
    const auto env = rocksdb::NewCompositeEnv(disk_.files());
    LEDGERD_CHECK(env->CreateDir(path_ + "/state").ok());
    LEDGERD_CHECK(env->CreateDir(path_ + "/incoming").ok());
    LEDGERD_CHECK_OK(SyncStateDirectory(*env, path_));
  }

  FaultyStateFiles& disk() { return disk_; }

  absl::Status Open() {
    auto options = TinyStateOptions();
    options.database.files = disk_.files();
    auto opened = ReplaceableStateStore::Open(
        path_ + "/state", options,
        {.incoming = path_ + "/incoming", .checkpoint = superblock_});
    if (opened.ok()) tested_.store = *std::move(opened);
    return opened.status();
  }

  // An own checkpoint, then the one of another, then own ones again.
  void Live() {
    if (Open().ok()) LiveOpened().IgnoreError();
    tested_.store = nullptr;
  }

  std::string Check() {
    const absl::Status opened = Open();
    if (!opened.ok()) return "does not open: " + opened.ToString();
    const std::string problem = CheckOpened();
    tested_.store = nullptr;
    return problem;
  }

  bool installed() const { return superblock_ >= At(); }

 private:
  Sequence At() const { return files_.manifest().applied.entry.sequence; }

  absl::Status LiveOpened() {
    LEDGERD_RETURN_IF_ERROR(Apply());
    LEDGERD_RETURN_IF_ERROR(Checkpoint());
    LEDGERD_RETURN_IF_ERROR(Receive());
    LEDGERD_RETURN_IF_ERROR(Prepare());
    superblock_ = At();
    attempted_ = At();
    hashes_[At()] = files_.manifest().state_hash;
    tested_.store->FinishInstall();
    LEDGERD_RETURN_IF_ERROR(Apply());
    return Checkpoint();
  }

  absl::Status Apply() {
    for (int i = 0; i < 4; ++i) LEDGERD_RETURN_IF_ERROR(ApplyOne());
    return absl::OkStatus();
  }

  // A failed merge, in the background, shows in the next read.
  absl::Status ApplyOne() {
    StateStore& store = *tested_.store;
    const uint64_t next = NextOf(store);
    for (bool installed = false; !installed;) {
      Plan plan = store.MakePlan(NeedsOf(next));
      std::unique_ptr<Fetched> fetched;
      if (!plan.complete) {
        LEDGERD_ASSIGN_OR_RETURN(fetched, store.Fetch(plan.missing));
      }
      installed = store.Install(std::move(plan), std::move(fetched));
    }
    Change(next, store.view());
    applier_.Finish();
    return absl::OkStatus();
  }

  absl::Status Prepare() {
    StateStore& store = *tested_.store;
    const EntryId& checkpoint = files_.manifest().applied.entry;
    if (what_ == For::kInstall) return store.PrepareInstall(checkpoint);
    LEDGERD_RETURN_IF_ERROR(store.VerifyRepair(checkpoint, nullptr));
    return store.PrepareRepair(checkpoint);
  }

  absl::Status Receive() {
    CheckpointReceiver& receiver = what_ == For::kInstall
                                       ? *tested_.store->checkpoint_receiver()
                                       : *tested_.store->repair_receiver();
    LEDGERD_ASSIGN_OR_RETURN(CheckpointPosition at,
                             receiver.Begin(files_.manifest()));
    while (at.file < files_.manifest().files.size()) {
      LEDGERD_ASSIGN_OR_RETURN(const std::string chunk, files_.Read(at, 4000));
      LEDGERD_ASSIGN_OR_RETURN(at, receiver.Add(at, chunk, Sha256(chunk)));
    }
    return receiver.Finish();
  }

  absl::Status Checkpoint() {
    attempted_ = tested_.store->applied().entry.sequence;
    hashes_[attempted_] = tested_.store->state_hash();
    LEDGERD_RETURN_IF_ERROR(applier_.Checkpoint());
    superblock_ = attempted_;
    return absl::OkStatus();
  }

  std::string CheckOpened() {
    const Sequence found = tested_.store->applied().entry.sequence;
    if (found != superblock_ && found != attempted_) {
      return "is at " + std::to_string(found.value()) + ", not at " +
             std::to_string(superblock_.value()) + " or " +
             std::to_string(attempted_.value());
    }
    if (found == Sequence(0)) return "";
    if (tested_.store->state_hash() != hashes_[found]) {
      return "has another state hash at " + std::to_string(found.value());
    }
    const absl::Status verified = tested_.store->VerifyCheckpoint();
    if (!verified.ok()) return verified.ToString();
    // And it can be received, from whatever is left of the first time.
    if (found >= At()) return "";
    const absl::Status received = Receive();
    return received.ok() ? "" : "receives no more: " + received.ToString();
  }

  const ExportedCheckpoint& files_;
  const For what_;
  const std::string path_ = NewStateDirectory();
  FaultyStateFiles disk_;
  Store tested_;
  EntryApplier applier_{tested_};
  std::map<Sequence, Uint128> hashes_;
  // Of the checkpoint in the superblock, and of one that is being written.
  Sequence superblock_;
  Sequence attempted_;
};

struct Mutant {
  bool files_lie = false;
  bool directories_lie = false;
};

std::string CrashEverywhere(Loss loss, uint64_t stride, const Mutant& mutant,
                            For what = For::kInstall) {
  const Sender sender;
  std::atomic<int> before{0};
  std::atomic<int> after{0};
  const TriedAll tried = TryEach(stride, [&](uint64_t at, bool* more) {
    CrashRun run(sender, what, /*seed=*/at % 5 + 1);
    run.disk().LieAboutSyncs(mutant.files_lie, mutant.directories_lie);
    run.disk().CrashAfter(at);
    run.Live();
    *more = run.disk().happened();
    ++(run.installed() ? after : before);
    run.disk().PowerCut(loss);
    const std::string problem = run.Check();
    return problem.empty()
               ? problem
               : "crash after operation " + std::to_string(at) + ": " + problem;
  });
  std::cout << tried.count << " crashes, " << before << " of them before the "
            << "superblock; " << tried.problem << "\n";
  EXPECT_TRUE(!tried.problem.empty() || (before > 10 && after > 10));
  return tried.problem;
}

TEST(StateTransferCrashTest, APowerCutThatLosesAll) {
  EXPECT_EQ(CrashEverywhere(Loss::kAll, 1, {}), "");
}

TEST(StateTransferCrashTest, APowerCutThatLosesSome) {
  EXPECT_EQ(CrashEverywhere(Loss::kRandom, 3, {}), "");
}

TEST(StateTransferCrashTest, APowerCutThatLosesNothing) {
  EXPECT_EQ(CrashEverywhere(Loss::kNone, 3, {}), "");
}

TEST(StateTransferCrashTest, APowerCutInARepair) {
  EXPECT_EQ(CrashEverywhere(Loss::kAll, 1, {}, For::kRepair), "");
  EXPECT_EQ(CrashEverywhere(Loss::kRandom, 3, {}, For::kRepair), "");
}

// Without syncs the same test finds what is lost.
TEST(StateTransferCrashTest, FindsSyncsThatAreNone) {
  EXPECT_NE(CrashEverywhere(Loss::kAll, 1, {.files_lie = true}), "");
  EXPECT_NE(CrashEverywhere(Loss::kAll, 1, {.directories_lie = true}), "");
}

}  // namespace
}  // namespace ledgerd::storage
