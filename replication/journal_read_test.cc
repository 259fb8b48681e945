#include "replication/journal_read.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "storage/memory_journal.h"

namespace ledgerd::replication {
namespace {

class JournalReadTest : public ::testing::Test {
 protected:
  JournalReadTest() {
    auto journal = storage::MemoryJournal::Open(disk_, {});
    LEDGERD_CHECK_OK(journal.status());
    journal_ = *std::move(journal);
    EntryId last;
    for (uint64_t i = 1; i <= 5; ++i) {
      entries_.push_back(Entry::Seal(Command{}, Epoch(1), Timestamp(i), last));
      last = entries_.back().id();
    }
    LEDGERD_CHECK_OK(journal_->Append(entries_, Sequence(0)));
  }

  PeerRead ReadAll(uint64_t from, uint64_t through, uint64_t bytes_max) {
    JournalRead read;
    read.from = Sequence(from);
    read.through = Sequence(through);
    read.bytes_max = bytes_max;
    return ReadFor(read, *journal_);
  }

  EntriesRead Read(uint64_t from, uint64_t through, uint64_t bytes_max) {
    return ReadAll(from, through, bytes_max).found;
  }

  storage::MemoryJournalDisk disk_;
  std::unique_ptr<storage::MemoryJournal> journal_;
  std::vector<Entry> entries_;
};

TEST_F(JournalReadTest, GivesTheIdBeforeAndNothingBeyond) {
  const EntriesRead found = Read(2, 4, 1'000'000);
  EXPECT_EQ(found.previous, entries_[0].id());
  ASSERT_EQ(found.entries.size(), 3u);
  EXPECT_EQ(found.entries.back().id(), entries_[3].id());
}

TEST_F(JournalReadTest, TheFirstFollowsTheBase) {
  const EntriesRead found = Read(1, 5, 1);
  EXPECT_EQ(found.previous, EntryId());
  ASSERT_EQ(found.entries.size(), 1u);
}

TEST_F(JournalReadTest, NothingWhereTheJournalIsNot) {
  EXPECT_TRUE(Read(6, 9, 1'000'000).entries.empty());
  EXPECT_TRUE(Read(8, 9, 1'000'000).entries.empty());
}

TEST_F(JournalReadTest, NothingThatCannotBeRead) {
  disk_.Rot(Sequence(3));
  EXPECT_TRUE(Read(3, 5, 1'000'000).entries.empty());
  EXPECT_TRUE(Read(4, 5, 1'000'000).entries.empty());
}

// The protocol takes both for a journal that does not reach back so far; who
// has damage seen to does not.
TEST_F(JournalReadTest, DamageIsToldApartFromWhatIsNotThere) {
  EXPECT_TRUE(ReadAll(2, 5, 1'000'000).error.ok());
  EXPECT_TRUE(absl::IsOutOfRange(ReadAll(8, 9, 1'000'000).error));
  disk_.Rot(Sequence(3));
  EXPECT_TRUE(absl::IsDataLoss(ReadAll(3, 5, 1'000'000).error));
  EXPECT_TRUE(absl::IsDataLoss(ReadAll(4, 5, 1'000'000).error))
      << "the entry before it is needed, too";
  EXPECT_TRUE(ReadAll(5, 5, 1'000'000).error.ok());
}

}  // namespace
}  // namespace ledgerd::replication
