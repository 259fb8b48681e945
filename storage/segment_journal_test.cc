// What is particular to the journal on the disk: what it leaves behind when it
// fails, and what becomes of it with any bit flipped.
#include "storage/segment_journal.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "storage/data_dir.h"
#include "storage/faulty_files.h"
#include "storage/journal_testing.h"

namespace ledgerd::storage {
namespace {

using Operation = FaultyFiles::Operation;

constexpr uint64_t kSegmentBytes = 4 * kBlockBytes;

SegmentJournalOptions Options() {
  return {.segment_bytes = kSegmentBytes,
          .retention_bytes = 0,
          .prepare_in_background = false};
}

absl::StatusOr<std::unique_ptr<SegmentJournal>> Open(FaultyFiles& files) {
  files.Restart();
  return SegmentJournal::Open(files, TestPaths(), TestIdentity(), Options());
}

class SegmentJournalTest : public testing::Test {
 protected:
  SegmentJournalTest() {
    FormatTestJournal(files_, kSegmentBytes);
    Reopen();
  }

  void Reopen() {
    journal_.reset();
    auto journal = Open(files_);
    ASSERT_TRUE(journal.ok()) << journal.status();
    journal_ = *std::move(journal);
  }

  absl::Status Append(size_t count, size_t rows = 1) {
    EntryId at = journal_->last();
    const auto entries = MakeEntries(count, rows, at);
    absl::Status status = journal_->Append(entries, Sequence(0));
    if (status.ok()) {
      entries_.insert(entries_.end(), entries.begin(), entries.end());
    }
    return status;
  }

  void Checkpoint() {
    Superblock superblock = journal_->superblock();
    superblock.checkpoint = journal_->last();
    ASSERT_TRUE(journal_->WriteSuperblock(superblock).ok());
  }

  FaultyFiles files_;
  std::unique_ptr<SegmentJournal> journal_;
  std::vector<Entry> entries_;
};

// ---- a group is one write and one sync

TEST_F(SegmentJournalTest, EachGroupIsToldOfWithItsEntries) {
  std::vector<size_t> told;
  SegmentJournalOptions options = Options();
  options.on_group = [&told](const WrittenGroup& group) {
    EXPECT_GE(group.took.count(), 0);
    told.push_back(group.entries);
  };
  journal_.reset();
  files_.Restart();
  auto journal =
      SegmentJournal::Open(files_, TestPaths(), TestIdentity(), options);
  ASSERT_TRUE(journal.ok()) << journal.status();
  journal_ = *std::move(journal);
  ASSERT_TRUE(Append(1).ok());
  ASSERT_TRUE(Append(10).ok());
  files_.FailNext(FaultyFiles::Operation::kSync, /*skip=*/0,
                  absl::InternalError("EIO"));
  ASSERT_FALSE(Append(2).ok());
  EXPECT_EQ(told, (std::vector<size_t>{1, 10}));
}

TEST_F(SegmentJournalTest, AnAppendIsOneWriteAndOneSync) {
  ASSERT_TRUE(Append(1).ok());
  const uint64_t before = files_.operations();
  ASSERT_TRUE(Append(10).ok());
  EXPECT_EQ(files_.operations() - before, 2u);
}

TEST_F(SegmentJournalTest, AFillerIsWrittenOnceForAnEntry) {
  ASSERT_TRUE(Append(1).ok());
  ASSERT_TRUE(journal_->WriteFiller().ok());
  const uint64_t before = files_.operations();
  ASSERT_TRUE(journal_->WriteFiller().ok());
  EXPECT_EQ(files_.operations(), before);
}

// ---- failures

TEST_F(SegmentJournalTest, NoSpaceForTheNextSegmentMayBeTriedAgain) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Append(1).ok());
  files_.SetCapacity(0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(absl::IsResourceExhausted(Append(1)));
    EXPECT_EQ(journal_->last().sequence, Sequence(3));
    EXPECT_EQ(journal_->Read(Sequence(1), 1 << 20)->size(), 3u);
  }
  files_.SetCapacity(1 << 20);
  EXPECT_TRUE(Append(1).ok());
  Reopen();
  EXPECT_EQ(journal_->last().sequence, Sequence(4));
}

TEST_F(SegmentJournalTest, NoSpaceInAWriteIsFatalAndNotToBeRepeated) {
  // A file system that copies on write can say so in the middle of a group.
  files_.FailNext(Operation::kWrite, 0, absl::ResourceExhaustedError("full"));
  EXPECT_EQ(Append(1).code(), absl::StatusCode::kInternal);
  EXPECT_EQ(Append(1).code(), absl::StatusCode::kInternal);
}

TEST_F(SegmentJournalTest, AFailureToMakeASegmentIsFatal) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Append(1).ok());
  files_.FailNext(Operation::kSync, 0, absl::InternalError("EIO"));
  EXPECT_EQ(Append(1).code(), absl::StatusCode::kInternal);
  EXPECT_EQ(Append(1).code(), absl::StatusCode::kInternal);
  Reopen();
  EXPECT_EQ(journal_->last().sequence, Sequence(3));
}

TEST_F(SegmentJournalTest, AfterAFailedSyncTheCacheIsNotBelieved) {
  ASSERT_TRUE(Append(1).ok());
  files_.SetKeep([] { return false; });
  files_.FailNext(Operation::kSync, 0, absl::InternalError("EIO"));
  EXPECT_FALSE(Append(1).ok());
  files_.SetKeep(nullptr);
  // The process ends and the machine goes on: its cache still shows entry 2.
  Reopen();
  EXPECT_EQ(journal_->last().sequence, Sequence(1));
  EXPECT_TRUE(Append(1).ok());
}

TEST_F(SegmentJournalTest, WhatAKilledProcessLeftIsSyncedBeforeItCounts) {
  ASSERT_TRUE(Append(1).ok());
  files_.CrashAfter(1);  // The write is done, the sync is not.
  EXPECT_FALSE(Append(1).ok());
  Reopen();
  ASSERT_EQ(journal_->last().sequence, Sequence(2));
  journal_.reset();
  files_.SetKeep([] { return false; });
  files_.PowerCut();
  Reopen();
  EXPECT_EQ(journal_->last().sequence, Sequence(2));
}

TEST_F(SegmentJournalTest, AReadErrorIsDataLossAndNothingElseFails) {
  ASSERT_TRUE(Append(2).ok());
  files_.FailNext(Operation::kRead, 0, absl::DataLossError("EIO"));
  EXPECT_EQ(journal_->Read(Sequence(1), 1).status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_TRUE(journal_->Read(Sequence(1), 1).ok());
  EXPECT_TRUE(Append(1).ok());
}

TEST_F(SegmentJournalTest, RollBackOnAFullDiskMayBeTriedAgain) {
  ASSERT_TRUE(Append(5).ok());
  files_.SetCapacity(0);
  EXPECT_TRUE(absl::IsResourceExhausted(journal_->RollBack(Sequence(3))));
  EXPECT_EQ(journal_->last().sequence, Sequence(5));
  files_.SetCapacity(1 << 20);
  EXPECT_TRUE(journal_->RollBack(Sequence(3)).ok());
  EXPECT_EQ(journal_->last().sequence, Sequence(2));
}

TEST_F(SegmentJournalTest, RollBackSetsAsideWhatItCuts) {
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(Append(2).ok());
  ASSERT_TRUE(journal_->RollBack(Sequence(4)).ok());
  std::string aside;
  const auto names = files_.List(TestPaths().rolled_back);
  for (const std::string& name : *names) {
    EXPECT_EQ(name.rfind("rolled-back-from-sequence-4-", 0), 0u) << name;
    aside += *files_.Device(TestPaths().rolled_back + "/" + name);
  }
  for (size_t i = 3; i < entries_.size(); ++i) {
    EXPECT_NE(aside.find(std::string(entries_[i].bytes())), std::string::npos)
        << "entry " << i + 1;
  }
}

TEST_F(SegmentJournalTest, ANameThatWasNotSyncedIsBeforeItIsUsed) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Append(1).ok());
  // Of the spare: its bytes, its name; of the segment: its header, its name.
  files_.FailNext(Operation::kSync, 3, absl::InternalError("EIO"));
  ASSERT_FALSE(Append(1).ok());
  Reopen();
  ASSERT_TRUE(Append(1).ok());
  journal_.reset();
  files_.SetKeep([] { return false; });
  files_.PowerCut();
  Reopen();
  EXPECT_EQ(journal_->last(), entries_.back().id());
}

TEST_F(SegmentJournalTest, WhatAnInterruptedRollBackLeftNeverComesBack) {
  bool finished = false;
  for (uint64_t crash = 0; !finished; ++crash) {
    SCOPED_TRACE(testing::Message() << "crash after operation " << crash);
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(Append(1).ok());
    const uint64_t from = journal_->last().sequence.value() - 3;
    files_.CrashAfter(crash);
    finished = journal_->RollBack(Sequence(from)).ok();
    Reopen();
    ASSERT_TRUE(journal_->RollBack(Sequence(from - 3)).ok());
    entries_.erase(entries_.begin() + static_cast<ptrdiff_t>(from - 4),
                   entries_.end());
    EntryId at = journal_->last();
    for (int i = 0; i < 9; ++i) {
      const auto others = MakeEntries(1, 1, at, /*variant=*/crash + 1);
      ASSERT_TRUE(journal_->Append(others, Sequence(0)).ok());
      entries_.push_back(others[0]);
      Reopen();
      ASSERT_EQ(journal_->last(), at);
    }
    const auto read = journal_->Read(Sequence(1), 1 << 20);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_EQ(read->size(), entries_.size());
  }
}

// What is set aside is durable before it is cut (replication.md, rule 8).
TEST_F(SegmentJournalTest, AtEveryMomentAnEntryIsInTheJournalOrAside) {
  bool finished = false;
  for (uint64_t crash = 0; !finished; ++crash) {
    SCOPED_TRACE(testing::Message() << "crash after operation " << crash);
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(Append(1).ok());
    const uint64_t from = journal_->last().sequence.value() - 8;
    files_.CrashAfter(crash);
    finished = journal_->RollBack(Sequence(from)).ok();
    journal_.reset();
    files_.SetKeep([] { return false; });
    files_.PowerCut();
    Reopen();
    const uint64_t last = journal_->last().sequence.value();
    EXPECT_GE(last, from - 1);
    std::string aside;
    const auto names = files_.List(TestPaths().rolled_back);
    ASSERT_TRUE(names.ok()) << names.status();
    for (const std::string& name : *names) {
      aside += *files_.Device(TestPaths().rolled_back + "/" + name);
    }
    for (size_t i = last; i < entries_.size(); ++i) {
      EXPECT_NE(aside.find(std::string(entries_[i].bytes())), std::string::npos)
          << "entry " << i + 1;
    }
    entries_.erase(entries_.begin() + static_cast<ptrdiff_t>(last),
                   entries_.end());
  }
}

// ---- release

TEST_F(SegmentJournalTest, RetentionIsLeftForThoseBehind) {
  journal_.reset();
  files_.Restart();
  SegmentJournalOptions options = Options();
  options.retention_bytes = 5 * kSegmentBytes;
  auto journal =
      SegmentJournal::Open(files_, TestPaths(), TestIdentity(), options);
  ASSERT_TRUE(journal.ok()) << journal.status();
  journal_ = *std::move(journal);
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(Append(1).ok());
  Checkpoint();
  ASSERT_TRUE(journal_->Release(Sequence(30)).ok());
  // Ten segments of three entries; five are left.
  EXPECT_EQ(journal_->first(), Sequence(16));
}

TEST_F(SegmentJournalTest, ReleasedFilesAreUsedAgain) {
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 6; ++i) ASSERT_TRUE(Append(1).ok());
    Checkpoint();
    ASSERT_TRUE(journal_->Release(journal_->last().sequence).ok());
    const auto names = files_.List(TestPaths().journal);
    EXPECT_LE(names->size(), 6u) << "round " << round;
  }
}

TEST_F(SegmentJournalTest, OldSegmentsAreReadWhenTheyAreAskedFor) {
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(Append(1).ok());
  Checkpoint();
  const uint64_t before_open = files_.operations();
  Reopen();
  EXPECT_LT(files_.operations() - before_open, 60u) << "reads headers alone";
  for (uint64_t from = 1; from <= 30; from += 7) {
    const auto read = journal_->Read(Sequence(from), 1 << 20);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_EQ(read->size(), 31 - from);
    EXPECT_EQ(read->front().bytes(), entries_[from - 1].bytes());
  }
}

TEST_F(SegmentJournalTest, DamageInAnOldSegmentIsFoundByReading) {
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(Append(1).ok());
  Checkpoint();
  std::string& bytes =
      *files_.Device(TestPaths().journal + "/" + SegmentName(SegmentNumber(2)));
  bytes[kBlockBytes + 150] = static_cast<char>(bytes[kBlockBytes + 150] ^ 1);
  Reopen();
  const absl::Status status = journal_->Read(Sequence(5), 1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(std::string(status.message()).find("sequence 4,"),
            std::string::npos)
      << status;
  EXPECT_TRUE(journal_->Read(Sequence(29), 1).ok());
}

// ---- options that change

TEST_F(SegmentJournalTest, SegmentsOfAnotherSizeGoOn) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Append(1).ok());
  for (const uint64_t blocks : {16, 3, 8}) {
    journal_.reset();
    files_.Restart();
    SegmentJournalOptions options = Options();
    options.segment_bytes = blocks * kBlockBytes;
    auto journal =
        SegmentJournal::Open(files_, TestPaths(), TestIdentity(), options);
    ASSERT_TRUE(journal.ok()) << journal.status();
    journal_ = *std::move(journal);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(Append(1).ok());
    ASSERT_TRUE(journal_->RollBack(journal_->last().sequence).ok());
    entries_.pop_back();
  }
  Reopen();
  const auto read = journal_->Read(Sequence(1), 1 << 20);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), entries_.size());
  for (size_t i = 0; i < entries_.size(); ++i) {
    EXPECT_EQ((*read)[i].bytes(), entries_[i].bytes());
  }
}

// ---- every bit

class FlippedBits {
 public:
  // Two segments, a group of two in the first, one entry in the second, and a
  // filler at the end when `sealed`.
  explicit FlippedBits(bool sealed) : sealed_(sealed) {
    FormatTestJournal(files_, kSegmentBytes);
    auto journal = Open(files_);
    EXPECT_TRUE(journal.ok()) << journal.status();
    EntryId at;
    for (const size_t count : {1, 2, 1, 1}) {
      const auto group = MakeEntries(count, 1, at);
      EXPECT_TRUE((*journal)->Append(group, Sequence(0)).ok());
      entries_.insert(entries_.end(), group.begin(), group.end());
    }
    if (sealed) {
      EXPECT_TRUE((*journal)->WriteFiller().ok());
    }
    journal->reset();
    const auto names = files_.List(TestPaths().journal);
    for (const std::string& name : *names) {
      paths_.push_back(TestPaths().journal + "/" + name);
    }
    paths_.push_back(TestPaths().superblock);
    for (const std::string& path : paths_) {
      good_.push_back(*files_.Device(path));
    }
  }

  size_t files() const { return paths_.size(); }

  const std::string& good(size_t file) const { return good_[file]; }

  // Opens the journal with one bit flipped: right, or refused.
  void Try(size_t file, size_t bit) {
    Restore();
    std::string& bytes = *files_.Device(paths_[file]);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    const auto journal = Open(files_);
    if (!journal.ok()) {
      EXPECT_EQ(journal.status().code(), absl::StatusCode::kDataLoss)
          << journal.status();
      return;
    }
    const uint64_t last = (*journal)->last().sequence.value();
    // Only the last group may be taken for torn, and only when nothing sealed
    // it.
    EXPECT_GE(last, sealed_ ? entries_.size() : entries_.size() - 1);
    const auto read = (*journal)->Read(Sequence(1), 1 << 20);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_EQ(read->size(), last);
    for (size_t i = 0; i < read->size(); ++i) {
      EXPECT_EQ((*read)[i].bytes(), entries_[i].bytes());
    }
  }

 private:
  void Restore() {
    for (const std::string& directory :
         {TestPaths().journal, TestPaths().rolled_back}) {
      const auto names = files_.List(directory);
      for (const std::string& name : *names) {
        const std::string path = absl::StrCat(directory, "/", name);
        if (std::find(paths_.begin(), paths_.end(), path) == paths_.end()) {
          ASSERT_TRUE(files_.Remove(path).ok());
        }
      }
    }
    for (size_t i = 0; i < paths_.size(); ++i) {
      *files_.Device(paths_[i]) = good_[i];
    }
  }

  const bool sealed_;
  FaultyFiles files_;
  std::vector<Entry> entries_;
  std::vector<std::string> paths_;
  std::vector<std::string> good_;
};

class FlippedBitTest : public testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(SealedOrNot, FlippedBitTest, testing::Bool());

// All bits near anything that is not zero, or one of each byte when the
// journal's end may be taken for torn; and some of the rest.
std::vector<size_t> BitsToFlip(const std::string& good, bool all) {
  std::vector<size_t> bits;
  size_t near = 0;
  for (size_t byte = 0; byte < good.size(); ++byte) {
    if (good[byte] != '\0') near = byte + 8;
    for (size_t bit = 0; bit < 8; ++bit) {
      const bool is_near = byte < near && (all || bit == byte % 8);
      if (is_near || (byte % 509 == 0 && bit == byte % 8)) {
        bits.push_back(8 * byte + bit);
      }
    }
  }
  return bits;
}

TEST_P(FlippedBitTest, EveryOneEndsRightOrRefused) {
  FlippedBits flipped(GetParam());
  for (size_t file = 0; file < flipped.files(); ++file) {
    for (const size_t bit : BitsToFlip(flipped.good(file), GetParam())) {
      SCOPED_TRACE(testing::Message() << "file " << file << " bit " << bit);
      flipped.Try(file, bit);
      if (HasFailure()) return;
    }
  }
}

// ---- threads

// What a reader may see at any moment; how many entries it saw.
uint64_t ReadFromFirst(const SegmentJournal& journal) {
  const Sequence from = journal.first();
  const auto read = journal.Read(from, 8 << 10);
  if (!read.ok()) {
    // Released in between, or nothing there yet.
    EXPECT_TRUE(absl::IsOutOfRange(read.status())) << read.status();
    return 0;
  }
  for (size_t i = 0; i < read->size(); ++i) {
    EXPECT_EQ((*read)[i].sequence().value(), from.value() + i);
  }
  EXPECT_GE(journal.last().sequence, read->back().sequence());
  EXPECT_LE(journal.superblock().checkpoint.sequence, journal.last().sequence);
  return read->size();
}

TEST(SegmentJournalThreadsTest, ReadersSeeWholeEntriesWhileAllChanges) {
  std::string path = testing::TempDir() + "/threadsXXXXXX";
  ASSERT_NE(mkdtemp(path.data()), nullptr);
  ASSERT_TRUE(DataDir::Format(path, {.cluster = ClusterId(1),
                                     .replica = ReplicaId(1),
                                     .segment_bytes = kSegmentBytes,
                                     .reserve_bytes = kBlockBytes})
                  .ok());
  const auto dir = DataDir::Open(path, {});
  ASSERT_TRUE(dir.ok()) << dir.status();
  SegmentJournalOptions options = Options();
  options.prepare_in_background = true;
  options.retention_bytes = 4 * kSegmentBytes;
  const auto opened = (*dir)->OpenJournal(options);
  ASSERT_TRUE(opened.ok()) << opened.status();
  SegmentJournal& journal = **opened;

  std::atomic<bool> done{false};
  std::atomic<uint64_t> seen{0};
  std::vector<std::thread> readers(2);
  for (std::thread& reader : readers) {
    reader = std::thread([&] {
      while (!done.load()) seen.fetch_add(ReadFromFirst(journal));
    });
  }
  EntryId at;
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(
        journal.Append(MakeEntries(1 + i % 3, 1, at), at.sequence).ok());
    if (i % 20 != 19) continue;
    Superblock superblock = journal.superblock();
    superblock.checkpoint = at;
    ASSERT_TRUE(journal.WriteSuperblock(superblock).ok());
    ASSERT_TRUE(journal.Release(at.sequence).ok());
    ASSERT_TRUE(journal.WriteFiller().ok());
  }
  done.store(true);
  for (std::thread& reader : readers) reader.join();
  EXPECT_GT(seen.load(), 0u);
}

}  // namespace
}  // namespace ledgerd::storage
