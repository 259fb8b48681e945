// A journal and its archive over disks that fail: what is not in the archive is
// never let go of.
#include "storage/segment_archive.h"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "proto/base/mutex.h"
#include "storage/faulty_files.h"
#include "storage/journal_archiver.h"
#include "storage/journal_testing.h"
#include "storage/segment_journal.h"

namespace ledgerd::storage {
namespace {

using Operation = FaultyFiles::Operation;

constexpr uint64_t kSegmentBytes = 4 * kBlockBytes;

// A disk on which the first new file hangs until it is told to go on.
class HangingFiles final : public FileSystem {
 public:
  explicit HangingFiles(FileSystem& below) : below_(below) {}

  absl::StatusOr<std::unique_ptr<File>> Create(
      const std::string& path) override {
    {
      const MutexLock lock(mutex_);
      hangs_ = true;
      changed_.SignalAll();
      while (!goes_on_) changed_.Wait(mutex_);
    }
    return below_.Create(path);
  }

  void WaitUntilItHangs() {
    const MutexLock lock(mutex_);
    while (!hangs_) changed_.Wait(mutex_);
  }

  void GoOn() {
    const MutexLock lock(mutex_);
    goes_on_ = true;
    changed_.SignalAll();
  }

  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path) override {
    return below_.Open(path);
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    return below_.Rename(from, to);
  }

  absl::Status Remove(const std::string& path) override {
    return below_.Remove(path);
  }

  absl::Status SyncDirectory(const std::string& path) override {
    return below_.SyncDirectory(path);
  }

  absl::StatusOr<std::vector<std::string>> List(
      const std::string& path) override {
    return below_.List(path);
  }

 private:
  FileSystem& below_;
  Mutex mutex_;
  CondVar changed_;
  bool hangs_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool goes_on_ LEDGERD_GUARDED_BY(mutex_) = false;
};

class SegmentArchiveTest : public testing::Test {
 protected:
  SegmentArchiveTest() {
    FormatTestJournal(files_, kSegmentBytes);
    away_.MakeDirectory("/a");
    Reopen();
  }

  void Reopen() {
    journal_.reset();
    files_.Restart();
    auto journal = SegmentJournal::Open(files_, TestPaths(), TestIdentity(),
                                        {.segment_bytes = kSegmentBytes,
                                         .retention_bytes = 0,
                                         .keep_until_archived = true,
                                         .prepare_in_background = false});
    ASSERT_TRUE(journal.ok()) << journal.status();
    journal_ = *std::move(journal);
  }

  // Each its own group: three fill a segment.
  absl::Status Append(size_t count) {
    absl::Status status;
    for (size_t i = 0; i < count && status.ok(); ++i) {
      EntryId at = journal_->last();
      status = journal_->Append(MakeEntries(1, 1, at), Sequence(0));
    }
    return status;
  }

  void Checkpoint() {
    Superblock superblock = journal_->superblock();
    superblock.checkpoint = journal_->last();
    ASSERT_TRUE(journal_->WriteSuperblock(superblock).ok());
    ASSERT_TRUE(journal_->Release(superblock.checkpoint.sequence).ok());
  }

  absl::Status StoreNext() {
    const auto next = journal_->NextToArchive();
    if (!next.has_value()) return absl::NotFoundError("nothing to store");
    absl::Status status = archive_.Store(TestIdentity(), *next);
    if (status.ok()) journal_->SetArchived(next->end.sequence);
    return status;
  }

  static std::string PathOf(uint64_t base) {
    return absl::StrCat("/a/", ArchivedName(TestIdentity(), Sequence(base)));
  }

  FaultyFiles files_;
  // Another disk.
  FaultyFiles away_;
  SegmentArchive archive_{away_, "/a"};
  std::unique_ptr<SegmentJournal> journal_;
};

TEST_F(SegmentArchiveTest, OnlyWhatIsCompleteAndCommittedIsToBeArchived) {
  ASSERT_TRUE(Append(7).ok());
  EXPECT_FALSE(journal_->NextToArchive().has_value()) << "no checkpoint";
  Checkpoint();
  for (const uint64_t end : {3, 6}) {
    const auto next = journal_->NextToArchive();
    ASSERT_TRUE(next.has_value());
    EXPECT_EQ(next->end.sequence, Sequence(end));
    ASSERT_TRUE(StoreNext().ok());
  }
  EXPECT_FALSE(journal_->NextToArchive().has_value()) << "it is written to";
}

TEST_F(SegmentArchiveTest, NothingGoesThatIsNotInTheArchive) {
  ASSERT_TRUE(Append(10).ok());
  Checkpoint();
  EXPECT_EQ(journal_->first(), Sequence(1));
  ASSERT_TRUE(StoreNext().ok());
  Checkpoint();
  EXPECT_EQ(journal_->first(), Sequence(4));
}

TEST_F(SegmentArchiveTest, ACopyIsTheSegmentByteByByteAndSurvivesAPowerCut) {
  ASSERT_TRUE(Append(4).ok());
  Checkpoint();
  const std::string path = journal_->NextToArchive()->path;
  ASSERT_TRUE(StoreNext().ok());
  away_.SetKeep([] { return false; });
  away_.PowerCut();
  ASSERT_NE(away_.Device(PathOf(0)), nullptr);
  EXPECT_EQ(*away_.Device(PathOf(0)), *files_.Device(path));
}

TEST_F(SegmentArchiveTest, AFullArchiveKeepsNothingHalfDone) {
  ASSERT_TRUE(Append(4).ok());
  Checkpoint();
  away_.SetCapacity(kSegmentBytes / 2);
  EXPECT_TRUE(absl::IsResourceExhausted(StoreNext()));
  EXPECT_TRUE(away_.List("/a")->empty());
  away_.SetCapacity(2 * kSegmentBytes);
  EXPECT_TRUE(StoreNext().ok());
}

TEST_F(SegmentArchiveTest, AnyFaultThereMayBeTriedAgain) {
  ASSERT_TRUE(Append(4).ok());
  Checkpoint();
  const std::pair<Operation, int> faults[] = {
      {Operation::kAllocate, 0},
      {Operation::kWrite, 0},
      {Operation::kSync, 0},
      {Operation::kRead, 0},
      // Of names: whether it is there, what an earlier try has left, the new
      // file, reading it back, its name.
      {Operation::kName, 2},
      {Operation::kName, 3},
      {Operation::kName, 4},
      // The file, then its directory: it is there, and may not be after a
      // power cut.
      {Operation::kSync, 1}};
  for (const auto& [operation, skip] : faults) {
    away_.FailNext(operation, skip, absl::InternalError("EIO"));
    EXPECT_FALSE(StoreNext().ok()) << static_cast<int>(operation) << skip;
    away_.ClearFaults();
    EXPECT_TRUE(journal_->NextToArchive().has_value());
  }
  EXPECT_TRUE(StoreNext().ok());
  EXPECT_EQ(away_.List("/a")->size(), 1u);
}

TEST_F(SegmentArchiveTest, APowerCutAtAnyPointLeavesTheWholeCopyOrNone) {
  ASSERT_TRUE(Append(4).ok());
  Checkpoint();
  const auto next = journal_->NextToArchive();
  ASSERT_TRUE(next.has_value());
  bool stored = false;
  for (uint64_t point = 0; !stored; ++point) {
    FaultyFiles away(point + 1);
    away.MakeDirectory("/a");
    SegmentArchive archive(away, "/a");
    away.CrashAfter(point);
    stored = archive.Store(TestIdentity(), *next).ok();
    away.PowerCut();
    const std::string* copy = away.Device(PathOf(0));
    if (copy != nullptr) {
      EXPECT_EQ(*copy, *files_.Device(next->path)) << "point " << point;
    } else {
      EXPECT_FALSE(stored);
    }
    EXPECT_TRUE(archive.Store(TestIdentity(), *next).ok());
  }
}

TEST_F(SegmentArchiveTest, ADamagedCopyIsReplacedWhenItIsStoredAgain) {
  ASSERT_TRUE(Append(4).ok());
  Checkpoint();
  const std::string path = journal_->NextToArchive()->path;
  ASSERT_TRUE(StoreNext().ok());
  (*away_.Device(PathOf(0)))[kBlockBytes + 200] ^= 1;
  away_.Restart();
  Reopen();  // Does not know what is archived.
  ASSERT_TRUE(StoreNext().ok());
  EXPECT_EQ(*away_.Device(PathOf(0)), *files_.Device(path));
}

TEST_F(SegmentArchiveTest, ADamagedSegmentIsNotArchived) {
  ASSERT_TRUE(Append(4).ok());
  Checkpoint();
  const auto next = journal_->NextToArchive();
  (*files_.Device(next->path))[kBlockBytes + 200] ^= 1;
  Reopen();
  const absl::Status stored = StoreNext();
  EXPECT_TRUE(absl::IsDataLoss(stored)) << stored;
  EXPECT_TRUE(absl::StrContains(stored.message(), "sequence 1")) << stored;
  EXPECT_TRUE(away_.List("/a")->empty());
}

TEST_F(SegmentArchiveTest, AFullDiskGoesOnWhenTheArchiveHasCaughtUp) {
  ASSERT_TRUE(Append(10).ok());
  Checkpoint();
  files_.SetCapacity(0);
  absl::Status status;
  while (status.ok()) status = Append(1);
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  const Sequence last = journal_->last().sequence;
  // No other Release comes meanwhile: the journal's thread tries again.
  ASSERT_TRUE(StoreNext().ok());
  EXPECT_TRUE(Append(1).ok());
  EXPECT_EQ(journal_->last().sequence, last.Next());
  EXPECT_EQ(journal_->first(), Sequence(4));
}

TEST_F(SegmentArchiveTest, AFullDiskGoesOnAlsoAfterARestart) {
  ASSERT_TRUE(Append(10).ok());
  Checkpoint();
  files_.SetCapacity(0);
  while (Append(1).ok()) continue;
  Reopen();
  EXPECT_TRUE(absl::IsResourceExhausted(Append(1)));
  // Nothing is written, so no checkpoint and no Release comes either.
  ASSERT_TRUE(StoreNext().ok());
  EXPECT_TRUE(Append(1).ok());
}

// ---- with its own thread

TEST_F(SegmentArchiveTest, AFullArchiveIsToldAndCountedUntilThereIsSpace) {
  ASSERT_TRUE(Append(7).ok());
  Checkpoint();
  away_.SetCapacity(0);
  std::atomic<int> told = 0;
  std::atomic<int> over = 0;
  JournalArchiver archiver(*journal_, TestIdentity(), std::move(archive_),
                           [&](const std::optional<ArchiveFailure>& failure) {
                             ++(failure.has_value() ? told : over);
                           });
  // Told of the first, not of each.
  while (archiver.progress().failed_tries < 2) std::this_thread::yield();
  ASSERT_TRUE(archiver.failure().has_value());
  EXPECT_EQ(archiver.failure()->missing_from, Sequence(1));
  EXPECT_TRUE(absl::IsResourceExhausted(archiver.failure()->error));
  EXPECT_EQ(told, 1);
  // The journal goes on, and keeps all.
  ASSERT_TRUE(Append(5).ok());
  Checkpoint();
  EXPECT_EQ(journal_->first(), Sequence(1));
  away_.SetCapacity(100 * kSegmentBytes);
  while (archiver.progress().through < Sequence(9)) std::this_thread::yield();
  EXPECT_FALSE(archiver.failure().has_value());
  while (over == 0) std::this_thread::yield();
  EXPECT_EQ(told, 1);
  EXPECT_EQ(over, 1);
  EXPECT_EQ(away_.List("/a")->size(), 3u);
}

TEST_F(SegmentArchiveTest, AnArchiveThatHangsHoldsNoWriteUp) {
  ASSERT_TRUE(Append(4).ok());
  Checkpoint();
  HangingFiles hanging(away_);
  JournalArchiver archiver(*journal_, TestIdentity(),
                           SegmentArchive(hanging, "/a"),
                           [](const std::optional<ArchiveFailure>&) {});
  hanging.WaitUntilItHangs();
  ASSERT_TRUE(Append(20).ok());
  Checkpoint();
  EXPECT_EQ(journal_->first(), Sequence(1));
  EXPECT_EQ(journal_->last().sequence, Sequence(24));
  hanging.GoOn();
  while (archiver.progress().through < Sequence(21)) std::this_thread::yield();
}

}  // namespace
}  // namespace ledgerd::storage
