// What of the simulated journal's faults the contract of all journals does not
// have (journal_contract_test.cc): writes that went elsewhere, or never came.
#include "storage/memory_journal.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"

#include "storage/journal_testing.h"

namespace ledgerd::storage {
namespace {

class MemoryJournalTest : public testing::Test {
 protected:
  // Entries 1 to 5, each in a write of its own.
  void SetUp() override { Append(5, /*variant=*/0); }

  std::unique_ptr<MemoryJournal> Open() {
    auto journal = MemoryJournal::Open(disk_, {});
    EXPECT_TRUE(journal.ok()) << journal.status();
    return journal.ok() ? *std::move(journal) : nullptr;
  }

  void Append(size_t count, uint64_t variant) {
    const auto journal = Open();
    ASSERT_NE(journal, nullptr);
    EntryId at = journal->last();
    for (const Entry& entry : MakeEntries(count, /*rows=*/1, at, variant)) {
      ASSERT_TRUE(journal->Append({entry}, Sequence(0)).ok());
    }
  }

  std::string Refusal() {
    const auto journal = MemoryJournal::Open(disk_, {});
    return std::string(journal.status().message());
  }

  MemoryJournalDisk disk_;
};

TEST_F(MemoryJournalTest, ARecordInAnothersPlaceIsDamage) {
  disk_.Misdirect(Sequence(5), Sequence(2));
  EXPECT_NE(Refusal().find("damaged at sequence 2"), std::string::npos)
      << Refusal();
  EXPECT_NE(Refusal().find("elsewhere"), std::string::npos) << Refusal();
}

TEST_F(MemoryJournalTest, AWriteThatNeverCameIsDamage) {
  EXPECT_FALSE(disk_.MakeStale(Sequence(3)));
  EXPECT_NE(Refusal().find("damaged at sequence 3"), std::string::npos)
      << Refusal();
}

// What follows does not follow it.
TEST_F(MemoryJournalTest, AnOlderEntryInAPlaceIsDamage) {
  ASSERT_TRUE(Open()->RollBack(Sequence(4)).ok());
  ASSERT_NO_FATAL_FAILURE(Append(2, /*variant=*/1));
  EXPECT_TRUE(disk_.MakeStale(Sequence(4)));
  EXPECT_NE(Refusal().find("damaged at sequence 5"), std::string::npos)
      << Refusal();
}

}  // namespace
}  // namespace ledgerd::storage
