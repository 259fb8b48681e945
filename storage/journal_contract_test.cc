// What journal.h promises, of every implementation.
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "storage/journal_harness.h"
#include "storage/journal_testing.h"

namespace ledgerd::storage {
namespace {

struct Implementation {
  const char* name;
  std::unique_ptr<JournalHarness> (*make)();
};

void PrintTo(const Implementation& implementation, std::ostream* out) {
  *out << implementation.name;
}

class ContractTest : public testing::TestWithParam<Implementation> {
 protected:
  void SetUp() override {
    harness_ = GetParam().make();
    Reopen();
  }

  void Reopen() {
    const absl::Status status = harness_->Open();
    ASSERT_TRUE(status.ok()) << status;
  }

  Journal& journal() { return harness_->journal(); }

  // Appends and remembers.
  void Append(size_t count, size_t rows = 2) {
    EntryId at = journal().last();
    const auto entries = MakeEntries(count, rows, at);
    const absl::Status status = journal().Append(entries, Sequence(0));
    ASSERT_TRUE(status.ok()) << status;
    entries_.insert(entries_.end(), entries.begin(), entries.end());
  }

  // The journal holds first()..`last`, and they are those appended.
  void ExpectHolds(uint64_t last) {
    ASSERT_EQ(journal().last().sequence, Sequence(last));
    if (last == 0) return;
    EXPECT_EQ(journal().last(), entries_[last - 1].id());
    const Sequence first = journal().first();
    if (first.value() > last) return;
    EXPECT_EQ(journal().last_timestamp(), entries_[last - 1].timestamp());
    const auto read = journal().Read(first, uint64_t{1} << 30);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_EQ(read->size(), last - first.value() + 1);
    for (size_t i = 0; i < read->size(); ++i) {
      EXPECT_EQ((*read)[i].bytes(), entries_[first.value() - 1 + i].bytes());
    }
  }

  EntryId IdOf(Sequence sequence) const {
    return sequence == Sequence(0) ? EntryId()
                                   : entries_[sequence.value() - 1].id();
  }

  // Of a journal just opened.
  void ExpectOutline() {
    const Outline outline = journal().TakeOutline();
    EXPECT_GE(outline.base.sequence, journal().base().sequence);
    EXPECT_LE(outline.base.sequence,
              journal().superblock().checkpoint.sequence);
    EXPECT_EQ(outline.base, IdOf(outline.base.sequence));
    EXPECT_EQ(outline.last(), journal().last());
    Sequence at = outline.base.sequence;
    for (const EntryId& id : outline.entries) {
      at = at.Next();
      EXPECT_EQ(id, IdOf(at));
    }
  }

  void Checkpoint(uint64_t sequence) {
    Superblock superblock = journal().superblock();
    superblock.checkpoint = entries_[sequence - 1].id();
    const absl::Status status = journal().WriteSuperblock(superblock);
    ASSERT_TRUE(status.ok()) << status;
  }

  // Replaces the journal by the end of a history of `count` entries, which has
  // the first `common` ones in common with it.
  absl::Status Install(size_t common, size_t count) {
    EntryId at = IdOf(Sequence(common));
    entries_.resize(common, MakeEntry());
    const auto entries = MakeEntries(count - common, 1, at, /*variant=*/7);
    entries_.insert(entries_.end(), entries.begin(), entries.end());
    Superblock superblock = journal().superblock();
    superblock.checkpoint = at;
    superblock.promised_epoch = superblock.promised_epoch.Next();
    return journal().Install(superblock);
  }

  // Nothing but the end of `count` entries.
  void ExpectInstalled(uint64_t count) {
    EXPECT_EQ(journal().base(), IdOf(Sequence(count)));
    EXPECT_EQ(journal().last(), IdOf(Sequence(count)));
    EXPECT_EQ(journal().last_timestamp(), Timestamp(0));
    EXPECT_EQ(journal().superblock().checkpoint, IdOf(Sequence(count)));
    EXPECT_EQ(journal().Read(Sequence(count), 1).status().code(),
              absl::StatusCode::kOutOfRange);
  }

  std::unique_ptr<JournalHarness> harness_;
  std::vector<Entry> entries_;

 private:
  static Entry MakeEntry() {
    EntryId at;
    return MakeEntries(1, 0, at).front();
  }
};

using JournalTest = ContractTest;

INSTANTIATE_TEST_SUITE_P(
    All, JournalTest,
    testing::Values(Implementation{"Memory", MakeMemoryHarness},
                    Implementation{"SegmentsOnFaultyDisk", MakeFaultyHarness},
                    Implementation{"Segments", MakeRealHarness}),
    [](const auto& instance) { return instance.param.name; });

TEST_P(JournalTest, BeginsEmpty) {
  EXPECT_EQ(journal().first(), Sequence(1));
  EXPECT_EQ(journal().last(), EntryId());
  EXPECT_EQ(journal().last_timestamp(), Timestamp(0));
  EXPECT_EQ(journal().Read(Sequence(1), 1).status().code(),
            absl::StatusCode::kOutOfRange);
  Reopen();
  EXPECT_EQ(journal().last(), EntryId());
}

TEST_P(JournalTest, ACheckpointTakesItsPlace) {
  Append(40, /*rows=*/4);
  Checkpoint(5);
  ASSERT_TRUE(Install(/*common=*/20, /*count=*/90).ok());
  ExpectInstalled(90);
  Reopen();
  ExpectInstalled(90);
  ExpectOutline();
  Append(30, /*rows=*/4);
  ExpectHolds(120);
  Reopen();
  ExpectHolds(120);
  EXPECT_EQ(journal().first(), Sequence(91));
  EXPECT_EQ(journal().superblock().promised_epoch, Epoch(1));
}

TEST_P(JournalTest, ACheckpointMayEndBelowTheJournal) {
  Append(40, /*rows=*/4);
  ASSERT_TRUE(Install(/*common=*/20, /*count=*/25).ok());
  ExpectInstalled(25);
  Append(3);
  Reopen();
  ExpectHolds(28);
}

TEST_P(JournalTest, AnEmptyJournalIsReplacedTwice) {
  ASSERT_TRUE(Install(0, 9).ok());
  Reopen();
  ASSERT_TRUE(Install(9, 12).ok());
  ExpectInstalled(12);
  Append(1);
  ExpectHolds(13);
}

TEST_P(JournalTest, ReadsWhatWasAppended) {
  Append(1);
  Append(3, /*rows=*/0);
  ExpectHolds(4);
}

TEST_P(JournalTest, KeepsItOverManyOpenings) {
  for (int i = 1; i <= 20; ++i) {
    Append(1 + i % 3, static_cast<size_t>(i % 5));
    Reopen();
    ExpectHolds(entries_.size());
  }
}

TEST_P(JournalTest, OneAppendMayBeLongerThanASegment) {
  Append(200, /*rows=*/4);
  ExpectHolds(200);
  Reopen();
  ExpectHolds(200);
}

TEST_P(JournalTest, AnEntryMayFillASegment) {
  const size_t rows = (kTestSegmentBytes - kBlockBytes - 208) / kRowBytes;
  Append(1, rows);
  Append(1, rows);
  Reopen();
  ExpectHolds(2);
}

TEST_P(JournalTest, ReadStopsAtTheBytesAskedFor) {
  Append(40, /*rows=*/1);
  const uint64_t size = entries_[0].bytes().size();
  for (const uint64_t count : {1, 2, 7, 39}) {
    const auto read = journal().Read(Sequence(2), count * size);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->size(), count);
    const auto less = journal().Read(Sequence(2), (count + 1) * size - 1);
    ASSERT_TRUE(less.ok()) << less.status();
    EXPECT_EQ(less->size(), count);
  }
}

TEST_P(JournalTest, ReadGivesOneEntryHoweverLong) {
  Append(2, /*rows=*/20);
  const auto read = journal().Read(Sequence(1), 0);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->size(), 1u);
}

TEST_P(JournalTest, ReadOutsideIsOutOfRange) {
  Append(3);
  for (const uint64_t from : {0, 4, 100}) {
    EXPECT_EQ(journal().Read(Sequence(from), 1).status().code(),
              absl::StatusCode::kOutOfRange)
        << from;
  }
}

TEST_P(JournalTest, FillersAreNotSeen) {
  Append(2);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(journal().WriteFiller().ok());
    ASSERT_TRUE(journal().WriteFiller().ok());
    Append(1);
  }
  ExpectHolds(22);
  Reopen();
  ExpectHolds(22);
}

TEST_P(JournalTest, SuperblockIsKept) {
  Append(3);
  Superblock superblock = journal().superblock();
  superblock.promised_epoch = Epoch(5);
  superblock.fork = 1;
  superblock.checkpoint = entries_[1].id();
  superblock.membership = FirstMembership({ReplicaId(1), ReplicaId(4)});
  superblock.membership.since = entries_[2].id();
  superblock.membership_before = FirstMembership({ReplicaId(1)});
  ASSERT_TRUE(journal().WriteSuperblock(superblock).ok());
  EXPECT_EQ(journal().superblock(), superblock);
  Reopen();
  EXPECT_EQ(journal().superblock(), superblock);
}

TEST_P(JournalTest, TheOutlineIsThatOfAllAboveTheCheckpoint) {
  ExpectOutline();
  for (const uint64_t checkpoint : {0, 30, 59, 60}) {
    if (checkpoint == 0) Append(60);
    if (checkpoint > 0) Checkpoint(checkpoint);
    Reopen();
    ExpectOutline();
  }
}

TEST_P(JournalTest, TheOutlineEndsWhereTheJournalWasRolledBackTo) {
  for (int i = 0; i < 10; ++i) Append(4, /*rows=*/3);
  ASSERT_TRUE(journal().RollBack(Sequence(18)).ok());
  Reopen();
  ExpectOutline();
  EXPECT_EQ(journal().last().sequence, Sequence(17));
}

TEST_P(JournalTest, TheBaseIsTheEntryBeforeTheFirst) {
  EXPECT_EQ(journal().base(), EntryId());
  for (int i = 0; i < 60; ++i) Append(1);
  EXPECT_EQ(journal().base(), EntryId());
  Checkpoint(45);
  ASSERT_TRUE(journal().Release(Sequence(45)).ok());
  for (int i = 0; i < 2; ++i) {
    const Sequence base = journal().base().sequence;
    ASSERT_GT(base, Sequence(0));
    EXPECT_EQ(journal().base(), entries_[base.value() - 1].id());
    EXPECT_EQ(journal().first(), base.Next());
    Reopen();
  }
}

TEST_P(JournalTest, RollBackCutsWhatFollows) {
  for (int i = 0; i < 10; ++i) Append(4, /*rows=*/3);
  for (const uint64_t from : {40, 30, 29, 12, 2}) {
    ASSERT_TRUE(journal().RollBack(Sequence(from)).ok());
    ExpectHolds(from - 1);
    Reopen();
    ExpectHolds(from - 1);
  }
  ASSERT_TRUE(journal().RollBack(Sequence(1)).ok());
  EXPECT_EQ(journal().last(), EntryId());
}

TEST_P(JournalTest, GoesOnDifferentlyAfterRollBack) {
  for (int i = 0; i < 10; ++i) Append(2);
  ASSERT_TRUE(journal().RollBack(Sequence(8)).ok());
  entries_.erase(entries_.begin() + 7, entries_.end());
  EntryId at = journal().last();
  const auto others = MakeEntries(20, 1, at, /*variant=*/9);
  ASSERT_TRUE(journal().Append(others, Sequence(7)).ok());
  entries_.insert(entries_.end(), others.begin(), others.end());
  ExpectHolds(27);
  Reopen();
  ExpectHolds(27);
}

TEST_P(JournalTest, RollBackBehindTheEndDoesNothing) {
  Append(3);
  ASSERT_TRUE(journal().RollBack(Sequence(4)).ok());
  ExpectHolds(3);
}

TEST_P(JournalTest, ReleaseMovesFirstUpToTheCheckpointAtMost) {
  for (int i = 0; i < 60; ++i) Append(1);
  Checkpoint(45);
  ASSERT_TRUE(journal().Release(Sequence(45)).ok());
  EXPECT_GT(journal().first(), Sequence(1));
  EXPECT_LE(journal().first(), Sequence(46));
  ExpectHolds(60);
  EXPECT_EQ(journal().Read(Sequence(1), 1).status().code(),
            absl::StatusCode::kOutOfRange);
  Reopen();
  EXPECT_GT(journal().first(), Sequence(1));
  ExpectHolds(60);
}

TEST_P(JournalTest, GoesRoundManyTimes) {
  for (int round = 0; round < 30; ++round) {
    for (int i = 0; i < 8; ++i) Append(1, /*rows=*/5);
    Checkpoint(entries_.size() - 2);
    ASSERT_TRUE(journal().Release(Sequence(entries_.size() - 2)).ok());
    if (round % 3 == 0) Reopen();
    ExpectHolds(entries_.size());
  }
  EXPECT_GT(journal().first(), Sequence(200));
}

TEST_P(JournalTest, TheSegmentBeforeIsReadForItsLastEntry) {
  // Fills a segment to the end, and begins the next one with a filler alone.
  for (int i = 0; i < 7; ++i) Append(1);
  Checkpoint(7);
  ASSERT_TRUE(journal().WriteFiller().ok());
  Reopen();
  ExpectHolds(7);
}

using JournalDeathTest = ContractTest;

INSTANTIATE_TEST_SUITE_P(
    All, JournalDeathTest,
    testing::Values(Implementation{"Memory", MakeMemoryHarness},
                    Implementation{"SegmentsOnFaultyDisk", MakeFaultyHarness}),
    [](const auto& instance) { return instance.param.name; });

TEST_P(JournalDeathTest, OurOwnMistakesAreChecked) {
  Append(3);
  EntryId gap = entries_[1].id();
  gap.sequence = Sequence(7);
  EXPECT_DEATH(
      journal().Append(MakeEntries(1, 1, gap), Sequence(0)).IgnoreError(),
      "check failed");
  EntryId other = entries_[2].id();
  other.hash[0] ^= 1;
  EXPECT_DEATH(
      journal().Append(MakeEntries(1, 1, other), Sequence(0)).IgnoreError(),
      "check failed");
  Checkpoint(2);
  EXPECT_DEATH(journal().RollBack(Sequence(2)).IgnoreError(), "check failed");
  EXPECT_DEATH(journal().Release(Sequence(3)).IgnoreError(), "check failed");
  EXPECT_DEATH(journal().WriteSuperblock({}).IgnoreError(), "check failed");
  EXPECT_DEATH(static_cast<void>(journal().TakeOutline()), "check failed");
}

using JournalFaultTest = ContractTest;

INSTANTIATE_TEST_SUITE_P(
    All, JournalFaultTest,
    testing::Values(Implementation{"Memory", MakeMemoryHarness},
                    Implementation{"SegmentsOnFaultyDisk", MakeFaultyHarness}),
    [](const auto& instance) { return instance.param.name; });

bool KeepNothing() { return false; }

bool KeepAll() { return true; }

TEST_P(JournalFaultTest, WhatWasAppendedSurvivesAPowerCut) {
  for (int i = 0; i < 30; ++i) {
    Append(1 + i % 4);
    harness_->PowerCut(KeepNothing);
    Reopen();
    ExpectHolds(entries_.size());
  }
}

TEST_P(JournalFaultTest, AnInterruptedAppendIsThereOrNot) {
  for (const bool keep : {true, false}) {
    Append(2);
    const size_t before = entries_.size();
    EntryId at = journal().last();
    const auto more = MakeEntries(3, 2, at);
    harness_->CrashInAppend();
    EXPECT_FALSE(journal().Append(more, Sequence(0)).ok());
    EXPECT_EQ(journal().last().sequence, Sequence(before)) << "not durable";
    harness_->PowerCut(keep ? KeepAll : KeepNothing);
    Reopen();
    if (keep) entries_.insert(entries_.end(), more.begin(), more.end());
    ExpectHolds(before + (keep ? 3 : 0));
  }
}

TEST_P(JournalFaultTest, NothingIsWrittenAfterAFailedSync) {
  Append(2);
  EntryId at = journal().last();
  const auto more = MakeEntries(1, 2, at);
  harness_->FailNextSync();
  const absl::Status failed = journal().Append(more, Sequence(0));
  ASSERT_FALSE(failed.ok());
  EXPECT_FALSE(absl::IsResourceExhausted(failed)) << failed;
  EXPECT_EQ(journal().Append(more, Sequence(0)).code(), failed.code());
  EXPECT_EQ(journal().WriteFiller().code(), failed.code());
  EXPECT_EQ(journal().RollBack(Sequence(2)).code(), failed.code());
  EXPECT_EQ(journal().Release(Sequence(0)).code(), failed.code());
  EXPECT_EQ(journal().WriteSuperblock(journal().superblock()).code(),
            failed.code());
  ExpectHolds(2);
}

TEST_P(JournalFaultTest, AFullDiskRefusesAndGoesOnLater) {
  Append(1);
  harness_->SetFull(true);
  EntryId at = journal().last();
  // More than what was set aside ahead can take.
  const auto more = MakeEntries(300, 4, at);
  for (int i = 0; i < 3; ++i) {
    const absl::Status full = journal().Append(more, Sequence(0));
    EXPECT_TRUE(absl::IsResourceExhausted(full)) << full;
    ExpectHolds(1);
  }
  harness_->SetFull(false);
  ASSERT_TRUE(journal().Append(more, Sequence(0)).ok());
  entries_.insert(entries_.end(), more.begin(), more.end());
  ExpectHolds(301);
  Reopen();
  ExpectHolds(301);
}

TEST_P(JournalFaultTest, RotBeforeTheEndIsNeverCut) {
  for (const uint64_t rotten : {1, 4, 9, 11}) {
    harness_ = GetParam().make();
    entries_.clear();
    Reopen();
    for (int i = 0; i < 12; ++i) Append(1);
    harness_->Rot(Sequence(rotten));
    const absl::Status status = harness_->Open();
    ASSERT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_NE(std::string(status.message())
                  .find("sequence " + std::to_string(rotten)),
              std::string::npos)
        << status;
  }
}

TEST_P(JournalFaultTest, AFillerProtectsTheLastEntry) {
  Append(3);
  ASSERT_TRUE(journal().WriteFiller().ok());
  harness_->Rot(Sequence(3));
  EXPECT_EQ(harness_->Open().code(), absl::StatusCode::kDataLoss);
}

TEST_P(JournalFaultTest, ALostCheckpointedEntryIsRefused) {
  Append(3);
  Checkpoint(3);
  harness_->Rot(Sequence(3));
  EXPECT_EQ(harness_->Open().code(), absl::StatusCode::kDataLoss);
}

TEST_P(JournalFaultTest, ALostSuperblockIsRefused) {
  Append(3);
  harness_->RotSuperblock();
  const absl::Status status = harness_->Open();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(std::string(status.message()).find("forgotten promises"),
            std::string::npos)
      << status;
}

}  // namespace
}  // namespace ledgerd::storage
