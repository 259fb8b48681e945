// The table of FORMAT.md, "Recovery", row by row, on a disk that can be
// damaged.
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "proto/base/crc32c.h"
#include "proto/base/little_endian.h"
#include "storage/faulty_files.h"
#include "storage/journal_record.h"
#include "storage/journal_testing.h"
#include "storage/segment.h"
#include "storage/segment_journal.h"

namespace ledgerd::storage {
namespace {

using Operation = FaultyFiles::Operation;

constexpr uint64_t kSegmentBytes = 8 * kBlockBytes;

std::string SegmentPath(uint64_t number) {
  return TestPaths().journal + "/" + SegmentName(SegmentNumber(number));
}

class RecoveryTest : public testing::Test {
 protected:
  RecoveryTest() { FormatTestJournal(files_, kSegmentBytes); }

  absl::Status Open() {
    journal_.reset();
    files_.Restart();
    auto journal = SegmentJournal::Open(files_, TestPaths(), TestIdentity(),
                                        {.segment_bytes = kSegmentBytes,
                                         .retention_bytes = 0,
                                         .prepare_in_background = false});
    if (!journal.ok()) return journal.status();
    journal_ = *std::move(journal);
    return absl::OkStatus();
  }

  void MustOpen() {
    const absl::Status status = Open();
    ASSERT_TRUE(status.ok()) << status;
  }

  void MustAppend(size_t count, size_t rows = 1) {
    EntryId at = journal_->last();
    const auto entries = MakeEntries(count, rows, at);
    const absl::Status status = journal_->Append(entries, Sequence(0));
    ASSERT_TRUE(status.ok()) << status;
    for (const Entry& entry : entries) entries_.push_back(entry);
  }

  // Writes a group of which a power cut keeps the sectors that `keep` says.
  void AppendTorn(const std::vector<Entry>& entries,
                  std::function<bool()> keep) {
    files_.SetKeep([] { return true; });
    files_.FailNext(Operation::kSync, 0, absl::InternalError("power"));
    files_.SetKeep(std::move(keep));
    EXPECT_FALSE(journal_->Append(entries, Sequence(0)).ok());
    files_.SetKeep(nullptr);
    journal_.reset();
    files_.PowerCut();
  }

  void ExpectHolds(const std::vector<Entry>& expected) {
    ASSERT_EQ(journal_->last().sequence.value(), expected.size());
    if (expected.empty()) return;
    const auto read = journal_->Read(journal_->first(), uint64_t{1} << 30);
    ASSERT_TRUE(read.ok()) << read.status();
    const size_t skip = expected.size() - read->size();
    for (size_t i = 0; i < read->size(); ++i) {
      EXPECT_EQ((*read)[i].bytes(), expected[skip + i].bytes());
    }
  }

  void ExpectRefused(const std::vector<std::string>& words,
                     absl::StatusCode code = absl::StatusCode::kDataLoss) {
    const auto before = Snapshot();
    const absl::Status status = Open();
    EXPECT_EQ(status.code(), code) << status;
    for (const std::string& word : words) {
      EXPECT_NE(std::string(status.message()).find(word), std::string::npos)
          << "no '" << word << "' in: " << status;
    }
    EXPECT_EQ(Snapshot(), before) << "a refusal changes nothing";
  }

  std::map<std::string, std::string> Snapshot() {
    std::map<std::string, std::string> all;
    for (const std::string& directory :
         {TestPaths().journal, TestPaths().rolled_back}) {
      const auto names = files_.List(directory);
      for (const std::string& name : *names) {
        const std::string path = absl::StrCat(directory, "/", name);
        all[path] = *files_.Device(path);
      }
    }
    return all;
  }

  std::vector<std::string> SetAside() {
    return *files_.List(TestPaths().rolled_back);
  }

  // Where an entry's record begins in a segment.
  uint64_t OffsetOf(uint64_t segment, const Entry& entry) {
    const size_t at =
        files_.Device(SegmentPath(segment))->find(std::string(entry.bytes()));
    EXPECT_NE(at, std::string::npos);
    return at - kFrameBytes;
  }

  void FlipBit(const std::string& path, uint64_t offset) {
    std::string& bytes = *files_.Device(path);
    bytes[offset] = static_cast<char>(bytes[offset] ^ 16);
  }

  void WriteCheckpoint(const EntryId& at) {
    Superblock superblock = journal_->superblock();
    superblock.checkpoint = at;
    ASSERT_TRUE(journal_->WriteSuperblock(superblock).ok());
  }

  FaultyFiles files_;
  std::unique_ptr<SegmentJournal> journal_;
  std::vector<Entry> entries_;
};

// ---- what a newer build has written: refuse, whatever follows it

TEST_F(RecoveryTest, ASegmentOfANewerVersionIsRefusedByItsName) {
  MustOpen();
  MustAppend(2);
  char* const header = files_.Device(SegmentPath(1))->data();
  PutLittle<uint32_t>(header + 8, kSegmentVersion + 1);
  PutLittle(header + 4, Crc32c({header + 8, kBlockBytes - 8}));
  ExpectRefused(
      {SegmentPath(1), absl::StrCat("segment of version ", kSegmentVersion + 1),
       "a newer ledgerd has used it", "start that one"},
      absl::StatusCode::kFailedPrecondition);
}

TEST_F(RecoveryTest, ARecordOfANewerVersionIsRefusedByItsName) {
  MustOpen();
  MustAppend(3);
  char* const frame =
      files_.Device(SegmentPath(1))->data() + OffsetOf(1, entries_[1]);
  PutLittle<uint16_t>(frame + 8, kFrameVersion + 1);
  PutLittle(frame + 4,
            Crc32c({frame + 8, kFrameBytes - 8}, TestIdentity().salt.value()));
  ExpectRefused({"entry 2", "segment 1",
                 absl::StrCat("record of version ", kFrameVersion + 1),
                 "a newer ledgerd wrote it", "start that ledgerd"},
                absl::StatusCode::kFailedPrecondition);
}

TEST_F(RecoveryTest, AnEntryOfAnUnknownKindIsRefusedByItsName) {
  MustOpen();
  MustAppend(2);
  Command newer;
  newer.kind = static_cast<EntryKind>(99);
  const Entry entry = Entry::Seal(std::move(newer), Epoch(9), Timestamp(1'000),
                                  journal_->last());
  ASSERT_TRUE(journal_->Append({entry}, Sequence(0)).ok());
  ExpectRefused(
      {"entry 3", "kind 99", "a newer ledgerd wrote it", "start that ledgerd"},
      absl::StatusCode::kFailedPrecondition);
}

// ---- valid records to the end: use

TEST_F(RecoveryTest, AllWellIsUsedAsItIs) {
  MustOpen();
  for (int i = 0; i < 20; ++i) MustAppend(2);
  MustOpen();
  ExpectHolds(entries_);
  EXPECT_TRUE(SetAside().empty());
  EXPECT_EQ(journal_->torn(), Sequence(0));
}

// ---- an invalid record, and nothing that proves it was on the disk: cut

TEST_F(RecoveryTest, ATornRecordAndWhatFollowsItsGroupAreSetAside) {
  MustOpen();
  MustAppend(3);
  EntryId at = journal_->last();
  // 848 bytes a record, so that each has sectors of its own.
  const auto group = MakeEntries(5, 5, at);
  AppendTorn(group, [] { return true; });
  const uint64_t offset = OffsetOf(1, group[2]);
  FlipBit(SegmentPath(1), offset + 500);
  MustOpen();
  EXPECT_EQ(journal_->torn(), Sequence(6));
  entries_.push_back(group[0]);
  entries_.push_back(group[1]);
  ExpectHolds(entries_);
  ASSERT_EQ(SetAside().size(), 1u);
  EXPECT_EQ(SetAside()[0].rfind("torn-from-sequence-6-", 0), 0u)
      << SetAside()[0];
  const std::string aside =
      *files_.Device(TestPaths().rolled_back + "/" + SetAside()[0]);
  EXPECT_NE(aside.find(std::string(group[3].bytes())), std::string::npos);
  EXPECT_NE(aside.find(std::string(group[4].bytes())), std::string::npos);
  // What was cut does not come back, whatever is written in its place.
  MustAppend(1);
  MustOpen();
  ExpectHolds(entries_);
  EXPECT_EQ(SetAside().size(), 1u);
}

TEST_F(RecoveryTest, GarbageWithoutAFrameIsSetAsideToo) {
  MustOpen();
  MustAppend(1);
  EntryId at = journal_->last();
  AppendTorn(MakeEntries(1, 5, at), [n = 0]() mutable { return n++ != 1; });
  MustOpen();
  ExpectHolds(entries_);
  EXPECT_EQ(journal_->torn(), Sequence(2));
  EXPECT_EQ(SetAside().size(), 1u);
}

// Any subset of the sectors of one group. What is left is all that was synced
// before it, and of it the entries before the first that misses a sector.
class TornGroup {
 public:
  TornGroup(size_t entries, size_t rows, bool used_again)
      : count_(entries), rows_(rows), used_again_(used_again) {}

  // `keep` decides about each sector of the group, in their order. How many of
  // its entries were left.
  size_t Try(const std::function<bool()>& keep) {
    files_.emplace();
    FormatTestJournal(*files_, kSegmentBytes);
    before_.clear();
    left_ = 0;
    TryOnce(keep);
    return left_;
  }

 private:
  void TryOnce(const std::function<bool()>& keep) {
    ASSERT_NO_FATAL_FAILURE(Open());
    ASSERT_NO_FATAL_FAILURE(Fill());
    EntryId at = journal_->last();
    const auto group = MakeEntries(count_, rows_, at, /*variant=*/3);
    std::vector<bool> kept;
    // The first decision is about the file's size, which did not change.
    files_->SetKeep([&, size = true]() mutable {
      if (std::exchange(size, false)) return true;
      const bool keeps = keep();
      kept.push_back(keeps);
      return keeps;
    });
    files_->FailNext(Operation::kSync, 0, absl::InternalError("power"));
    ASSERT_FALSE(journal_->Append(group, Sequence(0)).ok());
    files_->SetKeep(nullptr);
    ASSERT_EQ(kept.size(), SectorsOf(group));
    left_ = CountWhole(group, kept);
    std::vector<Entry> expected = before_;
    expected.insert(expected.end(), group.begin(),
                    group.begin() + static_cast<ptrdiff_t>(left_));
    for (int opening = 0; opening < 2; ++opening) {
      files_->PowerCut();
      ASSERT_NO_FATAL_FAILURE(Open());
      ExpectHolds(expected);
    }
    EntryId next = journal_->last();
    ASSERT_TRUE(journal_->Append(MakeEntries(2, 1, next, 7), Sequence(0)).ok());
  }

  void Open() {
    journal_.reset();
    auto journal = SegmentJournal::Open(*files_, TestPaths(), TestIdentity(),
                                        {.segment_bytes = kSegmentBytes,
                                         .retention_bytes = 0,
                                         .prepare_in_background = false});
    ASSERT_TRUE(journal.ok()) << journal.status();
    journal_ = *std::move(journal);
  }

  // Leaves the journal in a segment that is used for the first time, or again.
  void Fill() {
    EntryId at;
    for (int i = 0; i < (used_again_ ? 24 : 2); ++i) {
      const auto entries = MakeEntries(1, 20, at);
      ASSERT_TRUE(journal_->Append(entries, Sequence(0)).ok());
      before_.push_back(entries[0]);
      if (i % 7 != 6) continue;
      Superblock superblock = journal_->superblock();
      superblock.checkpoint = at;
      ASSERT_TRUE(journal_->WriteSuperblock(superblock).ok());
      ASSERT_TRUE(journal_->Release(at.sequence).ok());
    }
  }

  // A group is written in whole blocks.
  static size_t SectorsOf(const std::vector<Entry>& group) {
    size_t bytes = 0;
    for (const Entry& entry : group) bytes += RecordBytes(entry.bytes().size());
    return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes /
           FaultyFiles::kSectorBytes;
  }

  // How many entries come before the first that has lost a sector.
  static size_t CountWhole(const std::vector<Entry>& group,
                           const std::vector<bool>& kept) {
    size_t begin = 0;
    for (size_t i = 0; i < group.size(); ++i) {
      const size_t end = begin + RecordBytes(group[i].bytes().size());
      for (size_t at = begin; at < end; ++at) {
        if (!kept[at / FaultyFiles::kSectorBytes]) return i;
      }
      begin = end;
    }
    return group.size();
  }

  void ExpectHolds(const std::vector<Entry>& expected) const {
    ASSERT_EQ(journal_->last(), expected.back().id());
    // The checkpoint's, which were released, need not be there.
    const size_t skip = journal_->first().value() - 1;
    ASSERT_LE(skip, journal_->superblock().checkpoint.sequence.value());
    const auto read = journal_->Read(journal_->first(), uint64_t{1} << 20);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_EQ(skip + read->size(), expected.size());
    for (size_t i = 0; i < read->size(); ++i) {
      EXPECT_EQ((*read)[i].bytes(), expected[skip + i].bytes());
    }
  }

  const size_t count_;
  const size_t rows_;
  const bool used_again_;
  std::optional<FaultyFiles> files_;
  std::unique_ptr<SegmentJournal> journal_;
  std::vector<Entry> before_;
  size_t left_ = 0;
};

TEST(TornGroupTest, EverySubsetOfEightSectors) {
  for (const bool used_again : {false, true}) {
    // 4 records of 592 bytes, in the first 5 sectors: most hold parts of two.
    TornGroup group(4, 3, used_again);
    std::map<size_t, int> masks_by_left;
    for (unsigned mask = 0; mask < 256; ++mask) {
      SCOPED_TRACE(testing::Message() << "mask " << mask);
      ++masks_by_left[group.Try(
          [mask, i = 0]() mutable { return ((mask >> i++) & 1) != 0; })];
      if (testing::Test::HasFailure()) return;
    }
    // The entries are whole with the first 2, 3, 4 and 5 sectors.
    EXPECT_EQ(masks_by_left, (std::map<size_t, int>{
                                 {0, 192}, {1, 32}, {2, 16}, {3, 8}, {4, 8}}));
  }
}

TEST(TornGroupTest, RandomSubsetsOfManySectors) {
  for (const uint64_t seed : TestSeeds(300)) {
    SCOPED_TRACE(HowToReplay(seed));
    std::mt19937_64 random(seed);
    TornGroup group(1 + random() % 12, random() % 6, (random() & 1) != 0);
    const uint64_t one_in = 1 + random() % 12;
    const bool mostly_kept = (random() & 1) != 0;
    group.Try([&] { return (random() % (one_in + 1) == 0) != mostly_kept; });
    if (testing::Test::HasFailure()) return;
  }
}

TEST_F(RecoveryTest, TornOnAFullDiskWaitsForSpace) {
  MustOpen();
  MustAppend(2);
  EntryId at = journal_->last();
  AppendTorn(MakeEntries(3, 5, at), [n = 0]() mutable { return n++ % 3 != 1; });
  files_.SetCapacity(0);
  EXPECT_TRUE(absl::IsResourceExhausted(Open()));
  files_.SetCapacity(uint64_t{1} << 30);
  MustOpen();
  EXPECT_EQ(SetAside().size(), 1u);
}

// ---- an invalid record, and one after it that proves it was there: never cut

TEST_F(RecoveryTest, DamageBeforeALaterGroupIsRefused) {
  MustOpen();
  for (int i = 0; i < 4; ++i) MustAppend(1);
  const uint64_t offset = OffsetOf(1, entries_[1]);
  FlipBit(SegmentPath(1), offset + kFrameBytes + 99);
  ExpectRefused({"sequence 2,", SegmentPath(1),
                 "offset " + std::to_string(offset), "acknowledged"});
}

TEST_F(RecoveryTest, ADamagedFrameBeforeALaterGroupIsRefused) {
  MustOpen();
  for (int i = 0; i < 4; ++i) MustAppend(1);
  FlipBit(SegmentPath(1), OffsetOf(1, entries_[1]) + 50);
  ExpectRefused({"sequence 2,", SegmentPath(1)});
}

TEST_F(RecoveryTest, DamageBeforeAFillerIsRefused) {
  MustOpen();
  MustAppend(1);
  ASSERT_TRUE(journal_->WriteFiller().ok());
  FlipBit(SegmentPath(1), OffsetOf(1, entries_[0]) + 200);
  ExpectRefused({"sequence 1,"});
}

TEST_F(RecoveryTest, DamageBeforeALaterSegmentIsRefused) {
  MustOpen();
  for (int i = 0; i < 8; ++i) MustAppend(1);
  // The second segment has entry 8 alone; without it, only its header proves 7.
  FlipBit(SegmentPath(1), OffsetOf(1, entries_[6]) + 200);
  const uint64_t last = OffsetOf(2, entries_[7]);
  files_.Device(SegmentPath(2))->replace(last, kBlockBytes, kBlockBytes, '\0');
  ExpectRefused({"sequence 7,", SegmentPath(1)});
}

TEST_F(RecoveryTest, OpeningProtectsWhatItFound) {
  MustOpen();
  MustAppend(1);
  MustOpen();
  FlipBit(SegmentPath(1), OffsetOf(1, entries_[0]) + 200);
  ExpectRefused({"sequence 1,"});
}

TEST_F(RecoveryTest, RotOfTheVeryLastGroupLooksTorn) {
  // The fault model says so; this is what it costs.
  MustOpen();
  MustAppend(1);
  MustAppend(1);
  FlipBit(SegmentPath(1), OffsetOf(1, entries_[1]) + 200);
  MustOpen();
  entries_.pop_back();
  ExpectHolds(entries_);
  EXPECT_EQ(SetAside().size(), 1u);
}

TEST_F(RecoveryTest, AnUnreadableDeviceIsDamageAlsoAtTheEnd) {
  MustOpen();
  MustAppend(1);
  journal_.reset();
  files_.Restart();
  // Both superblock copies, the directory's one segment's header, its bytes.
  files_.FailNext(Operation::kRead, 3, absl::DataLossError("read: EIO"));
  auto journal = SegmentJournal::Open(files_, TestPaths(), TestIdentity(),
                                      {.segment_bytes = kSegmentBytes});
  EXPECT_EQ(journal.status().code(), absl::StatusCode::kDataLoss)
      << journal.status();
}

// ---- chain broken, wrong place: as damaged

TEST_F(RecoveryTest, ARecordWrittenToAnotherPlaceIsRefused) {
  MustOpen();
  for (int i = 0; i < 4; ++i) MustAppend(1);
  std::string& bytes = *files_.Device(SegmentPath(1));
  const uint64_t from = OffsetOf(1, entries_[1]);
  // Over the last record, which by itself could not be told from a torn one.
  bytes.replace(OffsetOf(1, entries_[3]), kBlockBytes,
                bytes.substr(from, kBlockBytes));
  ExpectRefused({"sequence 4,", "elsewhere"});
}

TEST_F(RecoveryTest, AWriteThatWasLostIsRefused) {
  MustOpen();
  for (int i = 0; i < 4; ++i) MustAppend(1);
  files_.Device(SegmentPath(1))
      ->replace(OffsetOf(1, entries_[2]), kBlockBytes, kBlockBytes, '\0');
  ExpectRefused({"sequence 3,"});
}

TEST_F(RecoveryTest, ARecordOfAnotherHistoryIsRefused) {
  MustOpen();
  MustAppend(1);
  MustAppend(1);
  // A whole record, in its place, that continues something else.
  EntryId other = entries_[0].id();
  other.hash[5] ^= 1;
  const Entry entry = MakeEntries(1, 1, other)[0];
  const uint64_t offset = OffsetOf(1, entries_[1]);
  std::string record(RecordBytes(entry.bytes().size()), '\0');
  RecordFrame frame;
  frame.place = {.cluster = TestIdentity().cluster,
                 .segment = SegmentNumber(1),
                 .offset = offset};
  frame.entry_bytes = static_cast<uint32_t>(entry.bytes().size());
  frame.sequence = entry.sequence();
  frame.hash = entry.hash();
  EncodeRecord(frame, entry.bytes(), TestIdentity().salt,
               absl::MakeSpan(record));
  files_.Device(SegmentPath(1))->replace(offset, record.size(), record);
  ExpectRefused({"sequence 2,", "chain"});
}

TEST_F(RecoveryTest, AMissingSegmentIsRefused) {
  MustOpen();
  for (int i = 0; i < 25; ++i) MustAppend(1);
  journal_.reset();
  ASSERT_TRUE(files_.Remove(SegmentPath(2)).ok());
  ExpectRefused({"segment 2 is missing"});
}

TEST_F(RecoveryTest, ASwappedSegmentIsRefused) {
  MustOpen();
  for (int i = 0; i < 25; ++i) MustAppend(1);
  std::swap(*files_.Device(SegmentPath(2)), *files_.Device(SegmentPath(3)));
  ExpectRefused({SegmentPath(2), "offset 0"});
}

TEST_F(RecoveryTest, ASegmentThatHasBecomeShorterIsRefused) {
  MustOpen();
  MustAppend(1);
  MustAppend(1);
  files_.Device(SegmentPath(1))->resize(2 * kBlockBytes);
  ExpectRefused({SegmentPath(1), "header says 32768 bytes"});
}

TEST_F(RecoveryTest, AForeignSegmentIsRefused) {
  MustOpen();
  MustAppend(1);
  JournalIdentity other = TestIdentity();
  other.replica = ReplicaId(2);
  const std::string header = EncodeSegmentHeader(
      other, {.number = SegmentNumber(1), .bytes = kSegmentBytes});
  files_.Device(SegmentPath(1))->replace(0, header.size(), header);
  ExpectRefused({"another cluster, replica or incarnation"});
}

// ---- superblock unreadable, or the journal ends below the checkpoint

TEST_F(RecoveryTest, OneLostSuperblockCopyIsRepaired) {
  MustOpen();
  MustAppend(2);
  WriteCheckpoint(entries_[1].id());
  for (const uint64_t copy : {0, 1}) {
    FlipBit(TestPaths().superblock, copy * kSuperblockCopyBytes + 60);
    MustOpen();
    EXPECT_EQ(journal_->superblock().checkpoint, entries_[1].id());
  }
}

TEST_F(RecoveryTest, BothLostSuperblockCopiesAreRefused) {
  MustOpen();
  FlipBit(TestPaths().superblock, 60);
  FlipBit(TestPaths().superblock, kSuperblockCopyBytes + 60);
  ExpectRefused({"forgotten promises", "new incarnation"});
}

TEST_F(RecoveryTest, AMissingSuperblockIsRefused) {
  ASSERT_TRUE(files_.Remove(TestPaths().superblock).ok());
  ExpectRefused({"forgotten promises"});
}

TEST_F(RecoveryTest, AnEndBelowTheCheckpointIsRefused) {
  MustOpen();
  MustAppend(3);
  WriteCheckpoint(entries_[2].id());
  std::string& bytes = *files_.Device(SegmentPath(1));
  bytes.replace(kBlockBytes, bytes.size() - kBlockBytes,
                bytes.size() - kBlockBytes, '\0');
  ExpectRefused({"ends at sequence 0", "below the checkpoint at 3"});
}

TEST_F(RecoveryTest, NoSegmentsAtAllAreRefused) {
  ASSERT_TRUE(files_.Remove(SegmentPath(1)).ok());
  ExpectRefused({"no segments", "forgotten"});
}

TEST_F(RecoveryTest, ABeginningAboveTheCheckpointIsRefused) {
  MustOpen();
  for (int i = 0; i < 20; ++i) MustAppend(1);
  WriteCheckpoint(entries_[2].id());
  journal_.reset();
  ASSERT_TRUE(files_.Remove(SegmentPath(1)).ok());
  ExpectRefused({"begins after sequence 7", "checkpoint is at 3"});
}

TEST_F(RecoveryTest, ACheckpointOfAnotherHistoryIsRefused) {
  MustOpen();
  MustAppend(3);
  EntryId other = entries_[1].id();
  other.hash[0] ^= 1;
  WriteCheckpoint(other);
  ExpectRefused({"sequence 3,", "checkpoint was taken at"});
}

}  // namespace
}  // namespace ledgerd::storage
