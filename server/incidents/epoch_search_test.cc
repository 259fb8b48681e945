#include "server/incidents/epoch_search.h"

#include <cstdint>
#include <memory>
#include <optional>

#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "proto/entry.h"
#include "storage/memory_journal.h"

namespace ledgerd::server {
namespace {

class EpochSearchTest : public testing::Test {
 protected:
  // An entry whose timestamp is its sequence times ten.
  void Append(uint64_t epoch) {
    const Sequence next = journal_->last().sequence.Next();
    const Entry entry =
        Entry::Seal(Command(), Epoch(epoch), Timestamp(next.value() * 10),
                    journal_->last());
    LEDGERD_CHECK_OK(journal_->Append({entry}, Sequence(0)));
  }

  std::optional<Timestamp> After(uint64_t epoch) const {
    const auto begin = BeginOfEpochAfter(*journal_, Epoch(epoch));
    if (!begin.has_value()) return std::nullopt;
    EXPECT_EQ(begin->at, Timestamp(begin->sequence.value() * 10));
    return begin->at;
  }

  std::optional<Sequence> Before(uint64_t epoch) const {
    return EndBefore(*journal_, Epoch(epoch));
  }

  storage::MemoryJournalDisk disk_;
  std::unique_ptr<storage::Journal> journal_ =
      *storage::MemoryJournal::Open(disk_, {});
};

TEST_F(EpochSearchTest, AnEmptyJournalSaysNothing) {
  EXPECT_FALSE(After(0).has_value());
}

TEST_F(EpochSearchTest, TheFirstEntryOfAHigherEpochIsFound) {
  for (const uint64_t epoch : {1, 1, 1, 4, 4, 5, 9, 9}) Append(epoch);
  EXPECT_EQ(After(0), Timestamp(10));
  EXPECT_EQ(After(1), Timestamp(40));
  EXPECT_EQ(After(3), Timestamp(40));
  EXPECT_EQ(After(4), Timestamp(60));
  EXPECT_EQ(After(8), Timestamp(70));
  EXPECT_FALSE(After(9).has_value());
}

TEST_F(EpochSearchTest, AnEpochBeginsAfterTheEndOfThoseBefore) {
  for (const uint64_t epoch : {1, 1, 1, 4, 4, 5, 9, 9}) Append(epoch);
  EXPECT_EQ(Before(1), Sequence(0));
  EXPECT_EQ(Before(4), Sequence(3));
  EXPECT_EQ(Before(9), Sequence(6));
  EXPECT_FALSE(Before(10).has_value());
}

}  // namespace
}  // namespace ledgerd::server
