// Damage of a journal that is in use: found, mended, and what a crash leaves.
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "proto/entry.h"
#include "storage/faulty_files.h"
#include "storage/journal_testing.h"
#include "storage/segment_journal.h"

namespace ledgerd::storage {
namespace {

constexpr uint64_t kSegmentBytes = 8 * kBlockBytes;

class SegmentMendTest : public testing::Test {
 protected:
  SegmentMendTest() { Format(1); }

  void Format(uint64_t seed) {
    journal_.reset();
    entries_.clear();
    files_ = std::make_unique<FaultyFiles>(seed);
    FormatTestJournal(*files_, kSegmentBytes);
  }

  absl::Status Open() {
    journal_.reset();
    auto journal = SegmentJournal::Open(*files_, TestPaths(), TestIdentity(),
                                        {.segment_bytes = kSegmentBytes,
                                         .retention_bytes = 0,
                                         .prepare_in_background = false});
    if (!journal.ok()) return journal.status();
    journal_ = *std::move(journal);
    return absl::OkStatus();
  }

  void Append(size_t groups) {
    for (size_t i = 0; i < groups; ++i) {
      EntryId at = journal_->last();
      const auto entries = MakeEntries(2, /*rows=*/2, at);
      ASSERT_TRUE(journal_->Append(entries, Sequence(0)).ok());
      entries_.insert(entries_.end(), entries.begin(), entries.end());
    }
    ASSERT_TRUE(journal_->WriteFiller().ok());
  }

  // A journal of two segments and a half.
  void Prepare() {
    const absl::Status opened = Open();
    ASSERT_TRUE(opened.ok()) << opened;
    ASSERT_NO_FATAL_FAILURE(Append(16));
    ASSERT_EQ(journal_->segments().size(), 3u);
  }

  void Flip(uint64_t sequence, uint64_t behind) {
    const std::string entry(entries_[sequence - 1].bytes());
    for (const SegmentNumber number : journal_->segments()) {
      const std::string path = TestPaths().journal + "/" + SegmentName(number);
      const size_t at = files_->Device(path)->find(entry);
      if (at == std::string::npos) continue;
      files_->Rot(path, at - kFrameBytes + behind, 1);
      return;
    }
    FAIL() << "entry " << sequence << " is nowhere";
  }

  std::vector<SegmentDamage> Find() {
    std::vector<SegmentDamage> found;
    for (const SegmentNumber number : journal_->segments()) {
      const auto damages =
          journal_->FindDamageIn(number, [this](uint64_t bytes) {
            paced_ += bytes;
            return absl::OkStatus();
          });
      EXPECT_TRUE(damages.ok()) << damages.status();
      if (damages.ok()) {
        found.insert(found.end(), damages->begin(), damages->end());
      }
    }
    return found;
  }

  std::vector<Entry> EntriesOf(const SegmentDamage& damage) const {
    const auto first = entries_.begin() +
                       static_cast<int64_t>(damage.run.before.sequence.value());
    const auto end = entries_.begin() +
                     static_cast<int64_t>(damage.run.last.sequence.value());
    return {first, end};
  }

  absl::Status MendAll() {
    for (const SegmentDamage& damage : Find()) {
      const auto mend = journal_->PrepareMend(damage, EntriesOf(damage));
      if (!mend.ok()) return mend.status();
      if (absl::Status done = journal_->PerformMend(*mend); !done.ok()) {
        return done;
      }
    }
    return absl::OkStatus();
  }

  void ExpectWhole() {
    EXPECT_TRUE(Find().empty());
    const auto read = journal_->Read(Sequence(1), uint64_t{1} << 30);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_EQ(read->size(), entries_.size());
    for (size_t i = 0; i < read->size(); ++i) {
      EXPECT_EQ((*read)[i].bytes(), entries_[i].bytes());
    }
  }

  std::unique_ptr<FaultyFiles> files_;
  std::unique_ptr<SegmentJournal> journal_;
  std::vector<Entry> entries_;
  uint64_t paced_ = 0;
};

TEST_F(SegmentMendTest, AWholeJournalIsReadAtThePaceThatIsGiven) {
  ASSERT_NO_FATAL_FAILURE(Prepare());
  EXPECT_TRUE(Find().empty());
  EXPECT_GT(paced_, 2 * kSegmentBytes);
}

TEST_F(SegmentMendTest, WhoPacesMayEndIt) {
  ASSERT_NO_FATAL_FAILURE(Prepare());
  const auto found = journal_->FindDamageIn(SegmentNumber(1), [](uint64_t) {
    return absl::CancelledError("enough");
  });
  EXPECT_TRUE(absl::IsCancelled(found.status())) << found.status();
}

TEST_F(SegmentMendTest, DamageIsMendedWhileTheJournalIsInUse) {
  ASSERT_NO_FATAL_FAILURE(Prepare());
  Flip(3, 20);                // A frame.
  Flip(4, kFrameBytes + 99);  // A payload.
  Flip(entries_.size(), 20);  // The last entry.
  EXPECT_TRUE(absl::IsDataLoss(journal_->Read(Sequence(4), 1).status()));
  EXPECT_EQ(Find().size(), 2u);
  const absl::Status mended = MendAll();
  ASSERT_TRUE(mended.ok()) << mended;
  ASSERT_NO_FATAL_FAILURE(ExpectWhole());
  ASSERT_NO_FATAL_FAILURE(Append(3));
  ASSERT_NO_FATAL_FAILURE(ExpectWhole());
  files_->Restart();
  ASSERT_TRUE(Open().ok());
  ASSERT_NO_FATAL_FAILURE(ExpectWhole());
}

TEST_F(SegmentMendTest, WhatIsWholeBesideTheDamageIsRead) {
  ASSERT_NO_FATAL_FAILURE(Prepare());
  Flip(3, kFrameBytes + 99);
  const auto whole = journal_->Salvage(Sequence(4));
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(whole->bytes(), entries_[3].bytes());
  EXPECT_TRUE(absl::IsDataLoss(journal_->Salvage(Sequence(3)).status()));
  EXPECT_TRUE(absl::IsOutOfRange(journal_->Salvage(Sequence(99)).status()));
}

TEST_F(SegmentMendTest, ASegmentThatWasRolledBackIsNotWrittenTo) {
  ASSERT_NO_FATAL_FAILURE(Prepare());
  Flip(entries_.size(), 20);
  const auto damages = Find();
  ASSERT_EQ(damages.size(), 1u);
  const auto mend = journal_->PrepareMend(damages[0], EntriesOf(damages[0]));
  ASSERT_TRUE(mend.ok()) << mend.status();
  ASSERT_TRUE(journal_->RollBack(Sequence(entries_.size() - 1)).ok());
  entries_.erase(entries_.end() - 2, entries_.end());
  EXPECT_TRUE(absl::IsAborted(journal_->PerformMend(*mend)));
  ASSERT_NO_FATAL_FAILURE(ExpectWhole());
}

// A power cut keeps any of the sectors that were being written: all that was
// whole is whole, and what was damaged is damaged still, or mended.
TEST_F(SegmentMendTest, ACrashLeavesTheDamageOrTheEntries) {
  for (const uint64_t seed : TestSeeds(100)) {
    SCOPED_TRACE(HowToReplay(seed));
    Format(seed);
    ASSERT_NO_FATAL_FAILURE(Prepare());
    std::mt19937_64 random(seed);
    Flip(2, 20 + random() % 400);
    const auto damages = Find();
    ASSERT_EQ(damages.size(), 1u);
    const auto mend = journal_->PrepareMend(damages[0], EntriesOf(damages[0]));
    ASSERT_TRUE(mend.ok()) << mend.status();
    files_->SetKeep([&random] { return random() % 2 == 0; });
    files_->FailNext(FaultyFiles::Operation::kSync, 0,
                     absl::InternalError("power"));
    EXPECT_FALSE(journal_->PerformMend(*mend).ok());
    journal_.reset();
    files_->PowerCut();
    files_->SetKeep(nullptr);
    const absl::Status opened = Open();
    if (!opened.ok()) {
      EXPECT_TRUE(absl::IsDataLoss(opened)) << opened;
      EXPECT_NE(opened.message().find("sequence 2"), std::string::npos)
          << opened;
      continue;
    }
    ASSERT_NO_FATAL_FAILURE(ExpectWhole());
  }
}

}  // namespace
}  // namespace ledgerd::storage
