// Damage of a segment that a real journal has written, and what mends it.
#include "storage/segment_damage.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "proto/entry.h"
#include "storage/faulty_files.h"
#include "storage/journal_testing.h"
#include "storage/segment_journal.h"

namespace ledgerd::storage {
namespace {

constexpr uint64_t kSegmentBytes = 32 * kBlockBytes;

class SegmentDamageTest : public testing::Test {
 protected:
  SegmentDamageTest() { FormatTestJournal(files_, kSegmentBytes); }

  std::unique_ptr<SegmentJournal> Open() {
    files_.Restart();
    auto journal = SegmentJournal::Open(files_, TestPaths(), TestIdentity(),
                                        {.segment_bytes = kSegmentBytes,
                                         .retention_bytes = 0,
                                         .prepare_in_background = false});
    EXPECT_TRUE(journal.ok()) << journal.status();
    return journal.ok() ? *std::move(journal) : nullptr;
  }

  // Groups of so many entries, and a filler behind the last one.
  void Write(const std::vector<size_t>& groups, size_t rows = 1) {
    const auto journal = Open();
    ASSERT_NE(journal, nullptr);
    EntryId at = journal->last();
    for (const size_t count : groups) {
      const auto entries = MakeEntries(count, rows, at);
      ASSERT_TRUE(journal->Append(entries, Sequence(0)).ok());
      entries_.insert(entries_.end(), entries.begin(), entries.end());
    }
    ASSERT_TRUE(journal->WriteFiller().ok());
    ASSERT_EQ(journal->last(), entries_.back().id());
  }

  std::string& bytes() { return *files_.Device(path_); }

  SegmentHeader Header() {
    const auto header =
        DecodeSegmentHeader(TestIdentity(), bytes().substr(0, kBlockBytes));
    EXPECT_TRUE(header.ok()) << header.status();
    return *header;
  }

  ChainLink End() const {
    return {entries_.back().sequence(), entries_.back().hash()};
  }

  absl::StatusOr<std::vector<DamagedRun>> Find(
      const std::optional<ChainLink>& end = std::nullopt) {
    return FindDamage(TestIdentity(), Header(), bytes(), end);
  }

  const Entry& At(Sequence sequence) const {
    return entries_[sequence.value() - 1];
  }

  uint64_t OffsetOf(uint64_t sequence) {
    const size_t at = bytes().find(std::string(At(Sequence(sequence)).bytes()));
    EXPECT_NE(at, std::string::npos);
    return at - kFrameBytes;
  }

  void Flip(uint64_t offset) {
    bytes()[offset] = static_cast<char>(bytes()[offset] ^ 4);
  }

  std::vector<Entry> EntriesOf(const DamagedRun& run) const {
    std::vector<Entry> entries;
    for (Sequence at = run.first(); at <= run.last.sequence; at = at.Next()) {
      entries.push_back(At(at));
    }
    return entries;
  }

  absl::StatusOr<Mend> MendOf(const DamagedRun& run,
                              const std::vector<Entry>& entries) {
    const MendRange range = RangeOf(run);
    return MakeMend(TestIdentity(), Header(), run, entries,
                    absl::string_view(bytes()).substr(range.begin,
                                                      range.end - range.begin));
  }

  // All of it, or of its sectors those that `keep` says.
  void Apply(const Mend& mend, const std::function<bool()>& keep = nullptr) {
    constexpr size_t kSector = FaultyFiles::kSectorBytes;
    ASSERT_EQ(mend.offset % kBlockBytes, 0u);
    ASSERT_EQ(mend.bytes.size() % kBlockBytes, 0u);
    for (size_t at = 0; at < mend.bytes.size(); at += kSector) {
      if (keep != nullptr && !keep()) continue;
      bytes().replace(mend.offset + at, kSector,
                      mend.bytes.substr(at, kSector));
    }
  }

  void MendAll() {
    const auto runs = Find(End());
    ASSERT_TRUE(runs.ok()) << runs.status();
    for (const DamagedRun& run : *runs) {
      const auto mend = MendOf(run, EntriesOf(run));
      ASSERT_TRUE(mend.ok()) << mend.status();
      Apply(*mend);
    }
  }

  // The journal opens, and has all that was written.
  void ExpectWhole() {
    const auto runs = Find(End());
    ASSERT_TRUE(runs.ok()) << runs.status();
    EXPECT_TRUE(runs->empty());
    const auto journal = Open();
    ASSERT_NE(journal, nullptr);
    EXPECT_EQ(journal->torn(), Sequence(0));
    const auto read = journal->Read(Sequence(1), uint64_t{1} << 30);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_EQ(read->size(), entries_.size());
    for (size_t i = 0; i < read->size(); ++i) {
      EXPECT_EQ((*read)[i].bytes(), entries_[i].bytes());
    }
  }

  const std::string path_ =
      TestPaths().journal + "/" + SegmentName(SegmentNumber(1));
  FaultyFiles files_;
  std::vector<Entry> entries_;
};

TEST_F(SegmentDamageTest, AWholeSegmentHasNone) {
  Write({3, 1, 4});
  for (const auto& end : {std::optional<ChainLink>(), {End()}}) {
    const auto runs = Find(end);
    ASSERT_TRUE(runs.ok()) << runs.status();
    EXPECT_TRUE(runs->empty());
  }
}

TEST_F(SegmentDamageTest, ADamagedPayloadKeepsItsPlace) {
  Write({3, 1, 4});
  const uint64_t offset = OffsetOf(2);
  Flip(offset + kFrameBytes + 100);
  const auto runs = Find();
  ASSERT_TRUE(runs.ok()) << runs.status();
  ASSERT_EQ(runs->size(), 1u);
  EXPECT_EQ(runs->front().first(), Sequence(2));
  EXPECT_EQ(runs->front().last,
            ChainLink({Sequence(2), At(Sequence(2)).hash()}));
  ASSERT_EQ(runs->front().frames.size(), 1u);
  const auto mend = MendOf(runs->front(), {At(Sequence(2))});
  ASSERT_TRUE(mend.ok()) << mend.status();
  EXPECT_EQ(mend->places, std::vector<uint64_t>({offset}));
  EXPECT_EQ(mend->bytes.size(), kBlockBytes) << "no more than it must";
  Apply(*mend);
  ExpectWhole();
}

TEST_F(SegmentDamageTest, ALostFrameIsMadeAnew) {
  Write({3, 1, 4});
  Flip(OffsetOf(2) + 20);
  const auto runs = Find();
  ASSERT_TRUE(runs.ok()) << runs.status();
  ASSERT_EQ(runs->size(), 1u);
  EXPECT_TRUE(runs->front().frames.empty());
  MendAll();
  ExpectWhole();
}

TEST_F(SegmentDamageTest, ALostBlockHasSeveralGroupsBesideIt) {
  Write({3, 2, 4, 1});
  // That of the second group.
  std::fill_n(bytes().begin() + 2 * kBlockBytes, kBlockBytes, '\0');
  const auto runs = Find();
  ASSERT_TRUE(runs.ok()) << runs.status();
  ASSERT_EQ(runs->size(), 1u);
  EXPECT_EQ(runs->front().first(), Sequence(4));
  EXPECT_EQ(runs->front().last.sequence, Sequence(5));
  MendAll();
  ExpectWhole();
}

TEST_F(SegmentDamageTest, TheLastEntryIsKnownByAFiller) {
  Write({3, 1});
  Flip(OffsetOf(4) + 20);
  const auto runs = Find();
  ASSERT_TRUE(runs.ok()) << runs.status();
  ASSERT_EQ(runs->size(), 1u);
  EXPECT_EQ(runs->front().last, End());
  MendAll();
  ExpectWhole();
}

// As at the end of a segment whose next one tells what it ends in.
TEST_F(SegmentDamageTest, TheLastEntryIsKnownByTheNextSegment) {
  Write({3, 1});
  Flip(OffsetOf(4) + 20);
  bytes().replace(OffsetOf(4) + kBlockBytes, kBlockBytes,
                  std::string(kBlockBytes, '\0'));
  EXPECT_TRUE(Find()->empty()) << "nothing proves it";
  const auto runs = Find(End());
  ASSERT_TRUE(runs.ok()) << runs.status();
  ASSERT_EQ(runs->size(), 1u);
  MendAll();
  EXPECT_TRUE(Find(End())->empty());
}

TEST_F(SegmentDamageTest, OtherEntriesAreRefused) {
  Write({3, 1, 4});
  Flip(OffsetOf(2) + kFrameBytes + 100);
  Flip(OffsetOf(3) + 20);
  const auto runs = Find();
  ASSERT_TRUE(runs.ok()) << runs.status();
  ASSERT_EQ(runs->size(), 1u);
  const DamagedRun& run = runs->front();
  EntryId before = entries_.front().id();
  const std::vector<Entry> others = MakeEntries(2, 1, before, /*variant=*/7);
  for (const std::vector<Entry>& wrong : std::vector<std::vector<Entry>>{
           {},
           {At(Sequence(2))},
           {At(Sequence(3))},
           {At(Sequence(1)), At(Sequence(2)), At(Sequence(3))},
           {At(Sequence(2)), At(Sequence(3)), At(Sequence(4))},
           {At(Sequence(2)), others[1]},
           others}) {
    EXPECT_TRUE(absl::IsInvalidArgument(MendOf(run, wrong).status()));
  }
  EXPECT_TRUE(MendOf(run, EntriesOf(run)).ok());
}

TEST_F(SegmentDamageTest, WhatIsNoEntrysDamageIsSaid) {
  Write({3, 1, 4});
  // A whole record in a place where it does not belong.
  const std::string record = bytes().substr(OffsetOf(1), 512);
  bytes().replace(20 * kBlockBytes, record.size(), record);
  const auto runs = Find();
  EXPECT_TRUE(absl::IsDataLoss(runs.status())) << runs.status();
}

// Whatever is flipped, however the mending is torn: what was whole stays so,
// and in the end all is as it was.
TEST_F(SegmentDamageTest, AnyDamageIsMended) {
  Write({3, 1, 7, 2, 2, 1, 5}, /*rows=*/3);
  const std::string whole = bytes();
  for (const uint64_t seed : TestSeeds(300)) {
    SCOPED_TRACE(HowToReplay(seed));
    std::mt19937_64 random(seed);
    bytes() = whole;
    const uint64_t used = OffsetOf(entries_.size());
    const size_t flips = 1 + random() % 6;
    for (size_t i = 0; i < flips; ++i) {
      Flip(kBlockBytes + random() % (used - kBlockBytes));
    }
    for (int torn = 0; torn < 3; ++torn) {
      const auto before = Find(End());
      ASSERT_TRUE(before.ok()) << before.status();
      for (const DamagedRun& run : *before) {
        const auto mend = MendOf(run, EntriesOf(run));
        ASSERT_TRUE(mend.ok()) << mend.status();
        Apply(*mend, [&random] { return random() % 2 == 0; });
      }
      const auto after = Find(End());
      ASSERT_TRUE(after.ok()) << after.status();
      for (const DamagedRun& run : *after) {
        EXPECT_TRUE(std::any_of(before->begin(), before->end(),
                                [&run](const DamagedRun& old) {
                                  return old.first() <= run.first() &&
                                         run.last.sequence <= old.last.sequence;
                                }))
            << "entry " << run.first() << " was whole";
      }
    }
    ASSERT_NO_FATAL_FAILURE(MendAll());
    ASSERT_NO_FATAL_FAILURE(ExpectWhole());
  }
}

}  // namespace
}  // namespace ledgerd::storage
