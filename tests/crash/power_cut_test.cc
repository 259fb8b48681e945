// A ledger's whole disk at the moment when the power goes: the journal on one
// simulated disk, the state on another, both cut at once, after every change of
// either. What was acknowledged is there, and the state is that of the naive
// model at the journal's end; then the ledger goes on to the end of its story.
//
// Real processes that are killed keep their page cache; this is what sees a
// sync that is missing.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "proto/base/status_macros.h"
#include "proto/base/test_seed.h"
#include "server/ledger/ledger.h"
#include "storage/faulty_files.h"
#include "storage/faulty_state_files.h"
#include "storage/journal_record.h"
#include "storage/journal_testing.h"
#include "storage/rocksdb_state_store.h"
#include "storage/segment_journal.h"
#include "storage/try_each.h"
#include "tests/model/naive_ledger.h"
#include "tests/model/random_batches.h"
#include "tests/model/step.h"

namespace ledgerd::crash {
namespace {

using storage::FaultyFiles;
using storage::FaultyStateFiles;
using storage::RocksDbStateStore;
using storage::SegmentJournal;
using storage::TriedAll;
using storage::TryEach;
using Loss = FaultyStateFiles::Loss;

constexpr uint64_t kEntries = 30;
constexpr uint64_t kEntriesPerCheckpoint = 4;

// Of the changes of the state's files, where not all are tried: tests/long.sh
// tries all.
uint64_t Stride() {
  return std::getenv("LEDGERD_EVERY_OPERATION") != nullptr ? 1 : 12;
}

// The entries of a random world, and the state's hash after each.
struct Story {
  explicit Story(uint64_t seed) {
    model::RandomBatches batches(seed);
    model::NaiveLedger naive;
    hashes.push_back(0);
    while (entries.size() < kEntries) {
      const model::Step step = batches.Next(naive.state());
      entries.push_back(model::Seal(step, naive.state().applied.entry));
      segment_bytes = std::max(segment_bytes,
                               2 * storage::kBlockBytes +
                                   storage::RoundUpToBlock(storage::RecordBytes(
                                       entries.back().bytes().size())));
      naive.Apply(entries.back());
      hashes.push_back(naive.state().Hash());
    }
  }

  std::vector<Entry> entries;
  std::vector<Uint128> hashes;  // By sequence.
  // With room for the longest entry, and for few of them.
  uint64_t segment_bytes = 0;
};

// What a mutant does wrong.
enum class Mutant {
  kNone,
  kJournalNotSynced,
  kJournalNamesNotSynced,
  kStateNotSynced,
  kStateNamesNotSynced,
  kReleasedBeforeCheckpoint,
};

class Machine {
 public:
  Machine(const Story& story, uint64_t seed, Mutant mutant)
      : story_(story),
        mutant_(mutant),
        journal_disk_(seed),
        state_disk_(path_, seed) {
    storage::FormatTestJournal(journal_disk_, story.segment_bytes);
    journal_disk_.LieAboutSyncs(mutant == Mutant::kJournalNotSynced,
                                mutant == Mutant::kJournalNamesNotSynced);
    state_disk_.LieAboutSyncs(mutant == Mutant::kStateNotSynced,
                              mutant == Mutant::kStateNamesNotSynced);
  }

  FaultyFiles& journal_disk() { return journal_disk_; }

  FaultyStateFiles& state_disk() { return state_disk_; }

  // From opening to the story's end, or to the first error.
  absl::Status Live() {
    LEDGERD_RETURN_IF_ERROR(Open());
    LEDGERD_RETURN_IF_ERROR(Replay());
    while (journal_->last().sequence.value() < kEntries) {
      LEDGERD_RETURN_IF_ERROR(AppendNext());
      if (acknowledged_ % kEntriesPerCheckpoint == 0) {
        LEDGERD_RETURN_IF_ERROR(Checkpoint());
      }
    }
    return absl::OkStatus();
  }

  void PowerCut(Loss loss) {
    journal_.reset();
    store_.reset();
    if (loss == Loss::kAll) journal_disk_.SetKeep([] { return false; });
    if (loss == Loss::kNone) journal_disk_.SetKeep([] { return true; });
    journal_disk_.PowerCut();
    journal_disk_.SetKeep(nullptr);
    state_disk_.PowerCut(loss);
  }

  // Opens what the power cut has left; OK when every promise is kept.
  absl::Status Check() {
    LEDGERD_RETURN_IF_ERROR(Open());
    const uint64_t last = journal_->last().sequence.value();
    if (last < acknowledged_) {
      return absl::DataLossError(absl::StrCat(
          "acknowledged up to ", acknowledged_, ", found up to ", last));
    }
    LEDGERD_RETURN_IF_ERROR(Replay());
    LEDGERD_RETURN_IF_ERROR(ExpectHash());
    if (store_->checkpoint().entry.sequence == Sequence(0)) {
      return absl::OkStatus();
    }
    return store_->VerifyCheckpoint();
  }

  // After Live has come to the end.
  absl::Status ExpectHash() const {
    const uint64_t at = store_->applied().entry.sequence.value();
    if (at == 0 || store_->state_hash() == story_.hashes[at]) {
      return absl::OkStatus();
    }
    return absl::DataLossError(absl::StrCat("another state at ", at));
  }

 private:
  static std::string NewPath() {
    static std::atomic<int> count{0};
    // In memory where there is such a place: thousands of files come and go.
    const std::string base =
        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : testing::TempDir();
    return absl::StrCat(base, "/ledgerd_power_cut_", getpid(), "_", ++count);
  }

  absl::Status Open() {
    journal_.reset();
    store_.reset();
    LEDGERD_ASSIGN_OR_RETURN(
        journal_, SegmentJournal::Open(journal_disk_, storage::TestPaths(),
                                       storage::TestIdentity(),
                                       {.segment_bytes = story_.segment_bytes,
                                        .retention_bytes = 0,
                                        .prepare_in_background = false}));
    RocksDbStateStore::Options options;
    options.database.reserve_bytes = 0;
    options.database.files = state_disk_.files();
    options.rows = {.transfers_per_row = 3, .ids_per_row = 4};
    options.merges = {.fan = 2, .lowest_tier_ids = 8};
    LEDGERD_ASSIGN_OR_RETURN(store_, RocksDbStateStore::Open(path_, options));
    return absl::OkStatus();
  }

  absl::Status Replay() {
    const EntryId last = journal_->last();
    while (store_->applied().entry.sequence < last.sequence) {
      LEDGERD_ASSIGN_OR_RETURN(
          const auto entries,
          journal_->Read(store_->applied().entry.sequence.Next(), 1));
      for (const Entry& entry : entries) LEDGERD_RETURN_IF_ERROR(Apply(entry));
    }
    return store_->applied().entry == last
               ? absl::OkStatus()
               : absl::DataLossError("the state is ahead of the journal");
  }

  absl::Status AppendNext() {
    const Entry& next = story_.entries[journal_->last().sequence.value()];
    LEDGERD_RETURN_IF_ERROR(
        journal_->Append(absl::MakeConstSpan(&next, 1), Sequence(0)));
    acknowledged_ = next.sequence().value();
    return Apply(next);
  }

  absl::Status Apply(const Entry& entry) {
    if (entry.previous_hash() != store_->applied().entry.hash) {
      return absl::DataLossError("an entry does not continue the state");
    }
    for (bool installed = false; !installed;) {
      storage::Plan plan = store_->MakePlan(server::NeedsOf(entry));
      std::unique_ptr<storage::Fetched> fetched;
      if (!plan.complete) {
        LEDGERD_ASSIGN_OR_RETURN(fetched, store_->Fetch(plan.missing));
      }
      installed = store_->Install(std::move(plan), std::move(fetched));
    }
    server::Apply(entry, store_->view());
    store_->FinishEntry({entry.id(), entry.timestamp()});
    return absl::OkStatus();
  }

  absl::Status Checkpoint() {
    const EntryId point = store_->applied().entry;
    if (mutant_ == Mutant::kReleasedBeforeCheckpoint) {
      LEDGERD_RETURN_IF_ERROR(Release(point));
    }
    store_->Freeze();
    LEDGERD_RETURN_IF_ERROR(store_->WriteCheckpoint());
    store_->FinishCheckpoint();
    store_->WaitForMerges();
    return mutant_ == Mutant::kReleasedBeforeCheckpoint ? absl::OkStatus()
                                                        : Release(point);
  }

  absl::Status Release(const EntryId& point) {
    storage::Superblock superblock = journal_->superblock();
    superblock.checkpoint = point;
    LEDGERD_RETURN_IF_ERROR(journal_->WriteSuperblock(superblock));
    return journal_->Release(point.sequence);
  }

  const Story& story_;
  const Mutant mutant_;
  const std::string path_ = NewPath();
  FaultyFiles journal_disk_;
  FaultyStateFiles state_disk_;
  std::unique_ptr<SegmentJournal> journal_;
  std::unique_ptr<RocksDbStateStore> store_;
  uint64_t acknowledged_ = 0;
};

// One crash, and the life after it.
absl::Status CutAndGoOn(Machine& machine, Loss loss) {
  machine.PowerCut(loss);
  LEDGERD_RETURN_IF_ERROR(machine.Check());
  LEDGERD_RETURN_IF_ERROR(machine.Live());
  return machine.ExpectHash();
}

class PowerCutTest : public testing::Test {
 protected:
  Loss LossOf(uint64_t at) const {
    constexpr Loss kLosses[] = {Loss::kAll, Loss::kRandom, Loss::kNone};
    return kLosses[at % 3];
  }

  // Cuts the power after every change of the journal's disk; a problem.
  std::string CutInJournal(Mutant mutant) {
    const TriedAll tried = TryEach(1, [&](uint64_t at, bool* more) {
      Machine machine(story_, seed_ + at, mutant);
      machine.journal_disk().CrashAfter(at);
      *more = !machine.Live().ok();
      return *more ? Cut(machine, mutant, "journal", at) : "";
    });
    cuts_ = tried.count;
    return tried.problem;
  }

  std::string CutInState(Mutant mutant, uint64_t stride) {
    const TriedAll tried = TryEach(stride, [&](uint64_t at, bool* more) {
      Machine machine(story_, seed_ + at, mutant);
      machine.state_disk().CrashAfter(at);
      *more = !machine.Live().ok() || machine.state_disk().happened();
      return *more ? Cut(machine, mutant, "state", at) : "";
    });
    cuts_ = tried.count;
    return tried.problem;
  }

  std::string Cut(Machine& machine, Mutant mutant, const char* disk,
                  uint64_t at) const {
    const Loss loss = mutant == Mutant::kNone ? LossOf(at) : Loss::kAll;
    const absl::Status status = CutAndGoOn(machine, loss);
    return status.ok() ? "" : Problem(disk, at, status);
  }

  static std::string Problem(const char* disk, uint64_t at,
                             const absl::Status& status) {
    return absl::StrCat("after change ", at, " of the ", disk,
                        "'s disk: ", status.ToString());
  }

  const uint64_t seed_ = TestSeed();
  const Story story_{seed_};
  uint64_t cuts_ = 0;
};

TEST_F(PowerCutTest, AfterEveryChangeOfTheJournal) {
  EXPECT_EQ(CutInJournal(Mutant::kNone), "");
  std::cout << cuts_ << " power cuts\n";
  EXPECT_GT(cuts_, 60u);
}

TEST_F(PowerCutTest, AfterChangesOfTheState) {
  EXPECT_EQ(CutInState(Mutant::kNone, Stride()), "");
  std::cout << cuts_ << " power cuts\n";
  EXPECT_GT(cuts_ * Stride(), 200u);
}

// That the tests above can see: each mutant must be caught.
TEST_F(PowerCutTest, CatchesEveryMutant) {
  for (const Mutant mutant :
       {Mutant::kJournalNotSynced, Mutant::kJournalNamesNotSynced,
        Mutant::kReleasedBeforeCheckpoint}) {
    std::string found = CutInJournal(mutant);
    if (found.empty()) found = CutInState(mutant, 1);
    std::cout << "mutant " << static_cast<int>(mutant) << ": " << found << "\n";
    EXPECT_NE(found, "") << "mutant " << static_cast<int>(mutant);
  }
  for (const Mutant mutant :
       {Mutant::kStateNotSynced, Mutant::kStateNamesNotSynced}) {
    const std::string found = CutInState(mutant, 1);
    std::cout << "mutant " << static_cast<int>(mutant) << ": " << found << "\n";
    EXPECT_NE(found, "") << "mutant " << static_cast<int>(mutant);
  }
}

}  // namespace
}  // namespace ledgerd::crash
