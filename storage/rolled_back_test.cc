#include "storage/rolled_back.h"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "storage/data_dir.h"

namespace ledgerd::storage {
namespace {

constexpr uint64_t kSegmentBytes = 512 * kBlockBytes;

class RolledBackTest : public testing::Test {
 protected:
  RolledBackTest() {
    std::string pattern = testing::TempDir() + "/rolled_backXXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    path_ = pattern + "/data";
    const absl::Status formatted =
        DataDir::Format(path_, {.cluster = ClusterId(7),
                                .replica = ReplicaId(1),
                                .members = {{ReplicaId(1), Incarnation(1)}},
                                .segment_bytes = kSegmentBytes,
                                .reserve_bytes = kBlockBytes});
    EXPECT_TRUE(formatted.ok()) << formatted;
    dir_ = *DataDir::Open(path_, {});
    journal_ = *dir_->OpenJournal(
        {.segment_bytes = kSegmentBytes, .prepare_in_background = false});
  }

  // One entry more, of so many transfers, in this epoch.
  Entry Append(uint64_t epoch, size_t transfers) {
    std::vector<Transfer> rows(transfers);
    rows.front().id = TransferId(journal_->last().sequence.value() + 1);
    Entry entry = Entry::Seal(
        MakeCommand<Transfer>(EntryKind::kCreateTransfers, rows), Epoch(epoch),
        Timestamp(journal_->last().sequence.value() + 10'000),
        journal_->last());
    const absl::Status appended = journal_->Append({entry}, Sequence(0));
    EXPECT_TRUE(appended.ok()) << appended;
    return entry;
  }

  void RollBack(uint64_t from) {
    const absl::Status cut = journal_->RollBack(Sequence(from));
    ASSERT_TRUE(cut.ok()) << cut;
  }

  std::vector<Entry> Read(size_t count_max = 1'000) {
    std::vector<Entry> entries;
    const absl::Status read =
        ReadRolledBack(path_, [&](const RolledBackEntry& cut) {
          EXPECT_GT(cut.rolled_back_at, Timestamp(0));
          EXPECT_LE(cut.from, cut.entry.sequence());
          from_.push_back(cut.from);
          entries.push_back(cut.entry);
          return entries.size() < count_max;
        });
    EXPECT_TRUE(read.ok()) << read;
    return entries;
  }

  static void ExpectSame(const std::vector<Entry>& entries,
                         const std::vector<Entry>& wanted) {
    ASSERT_EQ(entries.size(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_EQ(entries[i].id(), wanted[i].id()) << i;
      EXPECT_EQ(entries[i].bytes(), wanted[i].bytes()) << i;
    }
  }

  std::string path_;
  // Where the rollbacks began of what was read.
  std::vector<Sequence> from_;
  std::unique_ptr<DataDir> dir_;
  std::unique_ptr<SegmentJournal> journal_;
};

TEST_F(RolledBackTest, NothingWasCutAtFirst) {
  Append(1, 3);
  EXPECT_TRUE(Read().empty());
}

TEST_F(RolledBackTest, WhatWasCutAndNotWhatStayed) {
  Append(1, 1);
  Append(1, 5);
  const Entry third = Append(1, 1);
  const Entry fourth = Append(1, 200);
  RollBack(3);
  Append(2, 1);
  ExpectSame(Read(), {third, fourth});
  ExpectSame(Read(1), {third});
}

TEST_F(RolledBackTest, WhatStayedOfTheSameBlockIsNotAmongIt) {
  std::vector<Entry> group;
  EntryId last;
  for (uint64_t i = 1; i <= 3; ++i) {
    group.push_back(
        Entry::Seal(MakeCommand<Transfer>(EntryKind::kCreateTransfers,
                                          std::vector<Transfer>(1)),
                    Epoch(1), Timestamp(i), last));
    last = group.back().id();
  }
  ASSERT_TRUE(journal_->Append(group, Sequence(0)).ok());
  RollBack(3);
  ExpectSame(Read(), {group[2]});
}

TEST_F(RolledBackTest, OverSeveralSegmentsAndTheNewestFirst) {
  Append(1, 1);
  std::vector<Entry> old;
  // Each about half a segment.
  for (int i = 0; i < 5; ++i) old.push_back(Append(1, 7'000));
  RollBack(2);
  Append(2, 1);
  const Entry newer = Append(2, 1);
  RollBack(3);
  std::vector<Entry> wanted = {newer};
  wanted.insert(wanted.end(), old.begin(), old.end());
  ExpectSame(Read(), wanted);
  std::vector<Sequence> from(wanted.size(), Sequence(2));
  from.front() = Sequence(3);
  EXPECT_EQ(from_, from);
}

TEST_F(RolledBackTest, DamageIsPassedOver) {
  Append(1, 1);
  const Entry second = Append(1, 1);
  Append(1, 1);
  RollBack(2);
  for (const auto& file :
       std::filesystem::directory_iterator(path_ + "/rolled_back")) {
    std::fstream bytes(file.path(),
                       std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(-1 - static_cast<int>(kBlockBytes) + 200, std::ios::end);
    bytes.put('x');
  }
  ExpectSame(Read(), {second});
}

}  // namespace
}  // namespace ledgerd::storage
