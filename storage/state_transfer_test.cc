// A checkpoint on its way from one state store to another, in memory and on the
// disk.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "storage/checkpoint_transfer.h"
#include "storage/memory_state_store.h"
#include "storage/replaceable_state_store.h"
#include "storage/state_store_contract.h"
#include "storage/state_store_harness.h"

namespace ledgerd::storage {
namespace {

namespace fs = std::filesystem;

// A store that can be replaced.
class Replica : public TestedStore {
 public:
  // What the superblock says.
  EntryId superblock;
};

class MemoryReplica final : public Replica {
 public:
  explicit MemoryReplica(std::shared_ptr<MemoryCheckpoints> pool)
      : store_({.cold = true, .checkpoints = std::move(pool)}) {}

  StateStore& get() override { return store_; }

  void Crash() override { store_.Crash(); }

 private:
  MemoryStateStore store_;
};

class DiskReplica final : public Replica {
 public:
  DiskReplica() { Open(); }

  ~DiskReplica() override {
    store_ = nullptr;
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  StateStore& get() override { return *store_; }

  void Crash() override {
    store_ = nullptr;
    Open();
  }

  std::string path(const std::string& name) const { return path_ + "/" + name; }

  std::set<std::string> Names(const std::string& directory) const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(path(directory))) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

  uint64_t free_bytes = uint64_t{1} << 40;

 private:
  void Open() {
    fs::create_directories(path_);
    auto options = TinyStateOptions();
    options.cluster = ClusterId(0xC1);
    options.database.free_bytes = [this](const std::string&) {
      return absl::StatusOr<uint64_t>(free_bytes);
    };
    auto opened = ReplaceableStateStore::Open(
        path("state"), options,
        {.incoming = path("incoming"), .checkpoint = superblock.sequence});
    LEDGERD_CHECK_OK(opened.status());
    store_ = *std::move(opened);
  }

  const std::string path_ = NewStateDirectory();
  std::unique_ptr<ReplaceableStateStore> store_;
};

struct Kind {
  std::string name;
  std::function<std::vector<std::unique_ptr<Replica>>()> make_two;
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

// In chunks of a few bytes; `limit` ends it early.
absl::Status Move(const ExportedCheckpoint& files, CheckpointReceiver& receiver,
                  int limit = 1'000'000) {
  auto at = receiver.Begin(files.manifest());
  for (int i = 0; at.ok() && at->file < files.manifest().files.size(); ++i) {
    if (i == limit) return absl::CancelledError("cut short");
    const auto chunk = files.Read(*at, 100);
    if (!chunk.ok()) return chunk.status();
    at = receiver.Add(*at, *chunk, Sha256(*chunk));
  }
  return at.status();
}

class TransferTest : public testing::TestWithParam<Kind> {
 protected:
  TransferTest()
      : replicas_(GetParam().make_two()),
        sender_(*replicas_[0]),
        receiver_(*replicas_[1]) {}

  StateStore& from() { return sender_.store(); }

  StateStore& to() { return receiver_.store(); }

  // Two accounts, and a payment between them with each entry after that.
  static void Apply(EntryApplier& applier, uint64_t entries) {
    for (uint64_t i = 0; i < entries; ++i) {
      const uint64_t next =
          applier.store().applied().entry.sequence.value() + 1;
      const Needs needs = {.accounts = {AccountId(1), AccountId(2)},
                           .transfers = {TransferId(next)}};
      applier.Apply(needs, [next](StateView& view) {
        if (next == 1) {
          view.InsertAccount(NewAccount(1, 1));
          view.InsertAccount(NewAccount(2, 2));
        } else {
          InsertPayment(view, NewTransfer(next, 10 * next));
        }
      });
    }
  }

  std::shared_ptr<const ExportedCheckpoint> Export() {
    auto exported = from().ExportCheckpoint();
    LEDGERD_CHECK_OK(exported.status());
    return *exported;
  }

  void Receive(const ExportedCheckpoint& files) {
    ASSERT_TRUE(Move(files, *to().checkpoint_receiver()).ok());
    const absl::Status finished = to().checkpoint_receiver()->Finish();
    ASSERT_TRUE(finished.ok()) << finished;
  }

  void Install(const ExportedCheckpoint& files) {
    const EntryId& checkpoint = files.manifest().applied.entry;
    const absl::Status prepared = to().PrepareInstall(checkpoint);
    ASSERT_TRUE(prepared.ok()) << prepared;
    replicas_[1]->superblock = checkpoint;
    to().FinishInstall();
  }

  void ReceiveRepair(const ExportedCheckpoint& files) {
    ASSERT_TRUE(Move(files, *to().repair_receiver()).ok());
    const absl::Status finished = to().repair_receiver()->Finish();
    ASSERT_TRUE(finished.ok()) << finished;
    const absl::Status whole =
        to().VerifyRepair(files.manifest().applied.entry, nullptr);
    ASSERT_TRUE(whole.ok()) << whole;
  }

  void InstallRepair(const ExportedCheckpoint& files) {
    const EntryId& checkpoint = files.manifest().applied.entry;
    const absl::Status prepared = to().PrepareRepair(checkpoint);
    ASSERT_TRUE(prepared.ok()) << prepared;
    replicas_[1]->superblock = checkpoint;
    to().FinishInstall();
  }

  void ExpectIs(const CheckpointManifest& manifest) {
    EXPECT_EQ(to().applied(), manifest.applied);
    EXPECT_EQ(to().checkpoint(), manifest.applied);
    EXPECT_EQ(to().state_hash(), manifest.state_hash);
    const absl::Status verified = to().VerifyCheckpoint();
    EXPECT_TRUE(verified.ok()) << verified;
  }

  std::vector<std::unique_ptr<Replica>> replicas_;
  EntryApplier sender_;
  EntryApplier receiver_;
};

std::vector<Kind> Kinds() {
  return {{"Memory",
           [] {
             const auto pool = std::make_shared<MemoryCheckpoints>();
             std::vector<std::unique_ptr<Replica>> two;
             two.push_back(std::make_unique<MemoryReplica>(pool));
             two.push_back(std::make_unique<MemoryReplica>(pool));
             return two;
           }},
          {"Disk", [] {
             std::vector<std::unique_ptr<Replica>> two;
             two.push_back(std::make_unique<DiskReplica>());
             two.push_back(std::make_unique<DiskReplica>());
             return two;
           }}};
}

INSTANTIATE_TEST_SUITE_P(All, TransferTest, testing::ValuesIn(Kinds()),
                         [](const auto& instance) {
                           return instance.param.name;
                         });

TEST_P(TransferTest, WithoutACheckpointThereIsNothingToSend) {
  Apply(sender_, 3);
  EXPECT_TRUE(absl::IsNotFound(from().ExportCheckpoint().status()));
}

TEST_P(TransferTest, ACheckpointTakesThePlaceOfTheState) {
  Apply(sender_, 40);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  Apply(sender_, 5);
  Apply(receiver_, 7);
  ASSERT_TRUE(receiver_.Checkpoint().ok());
  Apply(receiver_, 2);
  const auto files = Export();
  Receive(*files);
  // Until it is installed nothing has changed.
  EXPECT_EQ(to().applied().entry.sequence, Sequence(9));
  Install(*files);
  ExpectIs(files->manifest());
  // It goes on as the sender does.
  Apply(receiver_, 5);
  EXPECT_EQ(to().state_hash(), from().state_hash());
  EXPECT_EQ(receiver_.LookupTransfers({TransferId(30)}).rows.size(), 1u);
  ASSERT_TRUE(receiver_.Checkpoint().ok());
  replicas_[1]->Crash();
  EXPECT_EQ(to().state_hash(), from().state_hash());
}

// ---- a repair

TEST_P(TransferTest, ACheckpointMendsTheState) {
  Apply(sender_, 40);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  Apply(receiver_, 7);
  ASSERT_TRUE(receiver_.Checkpoint().ok());
  Apply(receiver_, 2);
  const auto files = Export();
  ASSERT_NO_FATAL_FAILURE(ReceiveRepair(*files));
  EXPECT_EQ(to().applied().entry.sequence, Sequence(9));
  ASSERT_NO_FATAL_FAILURE(InstallRepair(*files));
  ExpectIs(files->manifest());
  replicas_[1]->Crash();
  ExpectIs(files->manifest());
}

TEST_P(TransferTest, ACrashBeforeTheSuperblockLeavesTheDamagedState) {
  Apply(sender_, 20);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  Apply(receiver_, 7);
  ASSERT_TRUE(receiver_.Checkpoint().ok());
  replicas_[1]->superblock = to().checkpoint().entry;
  const auto files = Export();
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE(round);
    ASSERT_NO_FATAL_FAILURE(ReceiveRepair(*files));
    if (round == 1) {
      ASSERT_TRUE(to().PrepareRepair(files->manifest().applied.entry).ok());
    }
    replicas_[1]->Crash();
    EXPECT_EQ(to().applied().entry.sequence, Sequence(7));
  }
  ASSERT_NO_FATAL_FAILURE(ReceiveRepair(*files));
  ASSERT_NO_FATAL_FAILURE(InstallRepair(*files));
  ExpectIs(files->manifest());
}

TEST_P(TransferTest, ARepairAndATransferAreNotInEachOthersWay) {
  Apply(sender_, 20);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  const auto first = Export();
  Apply(sender_, 20);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  const auto second = Export();
  ASSERT_TRUE(to().repair_receiver()->Begin(first->manifest()).ok());
  Receive(*second);
  ASSERT_NO_FATAL_FAILURE(ReceiveRepair(*first));
  EXPECT_TRUE(
      absl::IsNotFound(to().PrepareRepair(second->manifest().applied.entry)));
  Install(*second);
  ExpectIs(second->manifest());
}

TEST_P(TransferTest, TwiceInARow) {
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE(round);
    Apply(sender_, 20);
    ASSERT_TRUE(sender_.Checkpoint().ok());
    const auto files = Export();
    Receive(*files);
    Install(*files);
    ExpectIs(files->manifest());
    replicas_[1]->Crash();
    ExpectIs(files->manifest());
  }
}

// The replica had no use for it at that moment; the sender tries again.
TEST_P(TransferTest, IsReceivedAgain) {
  Apply(sender_, 20);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  const auto files = Export();
  Receive(*files);
  Receive(*files);
  Install(*files);
  ExpectIs(files->manifest());
}

TEST_P(TransferTest, ACrashBeforeTheSuperblockLeavesTheOldState) {
  Apply(sender_, 20);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  Apply(receiver_, 7);
  ASSERT_TRUE(receiver_.Checkpoint().ok());
  replicas_[1]->superblock = to().checkpoint().entry;
  const auto files = Export();
  Receive(*files);
  ASSERT_TRUE(to().PrepareInstall(files->manifest().applied.entry).ok());
  replicas_[1]->Crash();
  EXPECT_EQ(to().applied().entry.sequence, Sequence(7));
  Receive(*files);
  Install(*files);
  ExpectIs(files->manifest());
}

TEST_P(TransferTest, PlansAndReadsOfTheOldStateMeetNoneOfTheNew) {
  Apply(sender_, 20);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  Apply(receiver_, 7);
  ASSERT_TRUE(receiver_.Checkpoint().ok());
  Plan plan = to().MakePlan({.accounts = {AccountId(1)}});
  std::unique_ptr<Fetched> fetched;
  if (!plan.complete) fetched = *to().Fetch(plan.missing);
  auto lookup = to().LookupTransfers({TransferId(5), TransferId(15)});
  const auto files = Export();
  Receive(*files);
  Install(*files);
  EXPECT_FALSE(to().Install(std::move(plan), std::move(fetched)));
  const auto found = lookup->Finish();
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->rows.size(), 1u);
}

TEST_P(TransferTest, WhatIsSentStaysAsItIs) {
  Apply(sender_, 20);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  const auto files = Export();
  for (int i = 0; i < 10; ++i) {
    Apply(sender_, 10);
    ASSERT_TRUE(sender_.Checkpoint().ok());
  }
  Receive(*files);
  Install(*files);
  ExpectIs(files->manifest());
}

TEST_P(TransferTest, GoesOnWhereItWasCutShort) {
  Apply(sender_, 40);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  const auto files = Export();
  CheckpointReceiver& receiver = *to().checkpoint_receiver();
  // The twin in memory has a single chunk.
  const bool memory = files->manifest().files.size() == 1;
  const int chunks = memory ? 0 : 7;
  ASSERT_TRUE(absl::IsCancelled(Move(*files, receiver, chunks)));
  const auto at = receiver.Begin(files->manifest());
  ASSERT_TRUE(at.ok()) << at.status();
  EXPECT_EQ(*at == CheckpointPosition{}, memory);
  EXPECT_TRUE(absl::IsInvalidArgument(receiver.Finish()));
  Receive(*files);
  Install(*files);
  ExpectIs(files->manifest());
}

TEST_P(TransferTest, RefusesWhatDoesNotFit) {
  Apply(sender_, 20);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  const auto files = Export();
  CheckpointReceiver& receiver = *to().checkpoint_receiver();
  CheckpointManifest other = files->manifest();
  other.cluster = ClusterId(0xC2);
  EXPECT_TRUE(absl::IsFailedPrecondition(receiver.Begin(other).status()));
  ASSERT_TRUE(receiver.Begin(files->manifest()).ok());
  const CheckpointPosition begin;
  const auto chunk = files->Read(begin, 4);
  ASSERT_TRUE(chunk.ok());
  // Damaged, not the next one, too long.
  EXPECT_TRUE(absl::IsInvalidArgument(
      receiver.Add(begin, *chunk, Sha256("another")).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      receiver.Add({0, 1}, *chunk, Sha256(*chunk)).status()));
  const std::string too_long(files->manifest().files[0].bytes + 1, 'x');
  EXPECT_TRUE(absl::IsInvalidArgument(
      receiver.Add(begin, too_long, Sha256(too_long)).status()));
  // Nothing of that has done harm.
  Receive(*files);
  // Another state than was announced.
  EXPECT_TRUE(absl::IsNotFound(to().PrepareInstall(EntryId())));
  Install(*files);
  ExpectIs(files->manifest());
}

TEST_P(TransferTest, RefusesAnotherStateThanAnnounced) {
  Apply(sender_, 20);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  const auto files = Export();

  class Liar final : public ExportedCheckpoint {
   public:
    explicit Liar(const ExportedCheckpoint& files)
        : files_(files), manifest_(files.manifest()) {
      manifest_.state_hash += 1;
    }

    const CheckpointManifest& manifest() const override { return manifest_; }

    absl::StatusOr<std::string> Read(const CheckpointPosition& from,
                                     size_t bytes_max) const override {
      return files_.Read(from, bytes_max);
    }

   private:
    const ExportedCheckpoint& files_;
    CheckpointManifest manifest_;
  };

  const Liar liar(*files);
  CheckpointReceiver& receiver = *to().checkpoint_receiver();
  ASSERT_TRUE(Move(liar, receiver).ok());
  const absl::Status finished = receiver.Finish();
  EXPECT_TRUE(absl::IsDataLoss(finished)) << finished;
  Receive(*files);
  Install(*files);
  ExpectIs(files->manifest());
}

// ---- on the disk alone

class DiskTransferTest : public TransferTest {
 protected:
  DiskReplica& disk() { return static_cast<DiskReplica&>(*replicas_[1]); }

  DiskReplica& sender_disk() {
    return static_cast<DiskReplica&>(*replicas_[0]);
  }
};

INSTANTIATE_TEST_SUITE_P(Disk, DiskTransferTest,
                         testing::Values(Kinds().back()),
                         [](const auto& instance) {
                           return instance.param.name;
                         });

TEST_P(DiskTransferTest, ARestartKeepsTheFilesThatAreWhole) {
  Apply(sender_, 40);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  const auto files = Export();
  size_t first_chunks = 0;
  for (uint64_t left = files->manifest().files[0].bytes; left > 0;
       left -= std::min<uint64_t>(left, 100)) {
    ++first_chunks;
  }
  // The first file, and the beginning of the second.
  ASSERT_TRUE(absl::IsCancelled(Move(*files, *to().checkpoint_receiver(),
                                     static_cast<int>(first_chunks) + 1)));
  disk().Crash();
  const auto at = to().checkpoint_receiver()->Begin(files->manifest());
  ASSERT_TRUE(at.ok()) << at.status();
  EXPECT_EQ(*at, (CheckpointPosition{1, 0}));
  Receive(*files);
  // Also when all was there.
  disk().Crash();
  const auto end = to().checkpoint_receiver()->Begin(files->manifest());
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->file, files->manifest().files.size());
  Receive(*files);
  Install(*files);
  ExpectIs(files->manifest());
}

TEST_P(DiskTransferTest, AFileThatRotsOnTheWayComesAgain) {
  Apply(sender_, 40);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  const auto files = Export();
  ASSERT_TRUE(Move(*files, *to().checkpoint_receiver()).ok());
  {
    std::fstream file(
        disk().path("incoming/" + files->manifest().files[0].name),
        std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20);
    file.put('\x5a');
    file.put('\xa5');
  }
  disk().Crash();
  const auto at = to().checkpoint_receiver()->Begin(files->manifest());
  ASSERT_TRUE(at.ok()) << at.status();
  EXPECT_EQ(*at, (CheckpointPosition{0, 0}));
  Receive(*files);
  Install(*files);
  ExpectIs(files->manifest());
}

// What the sender has damaged, and its hashes are of the damage.
TEST_P(DiskTransferTest, ADamagedStateMendsNone) {
  Apply(sender_, 40);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  for (const std::string& name : sender_disk().Names("state/db")) {
    if (name.find(".sst") == std::string::npos) continue;
    std::fstream file(sender_disk().path("state/db/" + name),
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20);
    file.put('\x5a');
    file.put('\xa5');
  }
  const auto files = Export();
  ASSERT_TRUE(Move(*files, *to().repair_receiver()).ok());
  absl::Status whole = to().repair_receiver()->Finish();
  if (whole.ok()) {
    whole = to().VerifyRepair(files->manifest().applied.entry, nullptr);
  }
  EXPECT_TRUE(absl::IsDataLoss(whole)) << whole;
  EXPECT_TRUE(
      absl::IsNotFound(to().PrepareRepair(files->manifest().applied.entry)));
}

TEST_P(DiskTransferTest, AFullDiskRefusesToBegin) {
  Apply(sender_, 40);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  const auto files = Export();
  disk().free_bytes = 100;
  EXPECT_TRUE(absl::IsResourceExhausted(
      to().checkpoint_receiver()->Begin(files->manifest()).status()));
  disk().free_bytes = uint64_t{1} << 40;
  Receive(*files);
  disk().free_bytes = 100;
  EXPECT_TRUE(absl::IsResourceExhausted(
      to().PrepareInstall(files->manifest().applied.entry)));
  disk().free_bytes = uint64_t{1} << 40;
  Install(*files);
  ExpectIs(files->manifest());
}

TEST_P(DiskTransferTest, ANameIsNeverAPath) {
  Apply(sender_, 20);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  for (const char* name : {"../state/db/CURRENT", "/etc/passwd", "", ".sst",
                           "a/b.sst", "MANIFEST-1/../../x", "OPTIONS-000005"}) {
    CheckpointManifest manifest = Export()->manifest();
    manifest.files[0].name = name;
    EXPECT_TRUE(absl::IsFailedPrecondition(
        to().checkpoint_receiver()->Begin(manifest).status()))
        << name;
  }
}

// A checkpoint that was received, and that the replica did not want because it
// had got further by itself, is none at its next start.
TEST_P(DiskTransferTest, WhatWasNotWantedIsNotFound) {
  Apply(sender_, 20);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  const auto files = Export();
  Receive(*files);
  Apply(receiver_, 30);
  ASSERT_TRUE(receiver_.Checkpoint().ok());
  disk().superblock = to().checkpoint().entry;
  disk().Crash();
  EXPECT_EQ(to().applied().entry.sequence, Sequence(30));
  EXPECT_EQ(disk().Names("state"), (std::set<std::string>{"db", "incoming"}));
}

TEST_P(DiskTransferTest, TheOldStateGoesWithItsLastRead) {
  Apply(sender_, 20);
  ASSERT_TRUE(sender_.Checkpoint().ok());
  Apply(receiver_, 7);
  ASSERT_TRUE(receiver_.Checkpoint().ok());
  auto lookup = to().LookupTransfers({TransferId(5)});
  const auto files = Export();
  Receive(*files);
  Install(*files);
  EXPECT_TRUE(disk().Names("state").contains("db"));
  ASSERT_TRUE(lookup->Finish().ok());
  lookup = nullptr;
  disk().Crash();
  EXPECT_EQ(disk().Names("state"),
            (std::set<std::string>{"db-20", "incoming-20"}));
}

}  // namespace
}  // namespace ledgerd::storage
