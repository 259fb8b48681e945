#include "client/ledgerctl/journal_chain.h"

#include <vector>

#include "gtest/gtest.h"

namespace ledgerd::client {
namespace {

namespace v1 = ::admin::v1;

v1::JournalEntry Shown(const Entry& entry) {
  v1::JournalEntry shown;
  shown.set_sequence(entry.sequence().value());
  shown.set_epoch(entry.epoch().value());
  shown.set_timestamp(entry.timestamp().value());
  shown.set_previous_hash(std::string(AsBytes(entry.previous_hash())));
  shown.set_hash(std::string(AsBytes(entry.hash())));
  shown.set_operation(std::string(Name(entry.kind())));
  shown.set_raw(std::string(entry.bytes()));
  return shown;
}

// An epoch's start, then transfers.
std::vector<v1::JournalEntry> Journal(size_t count) {
  std::vector<v1::JournalEntry> journal;
  EntryId last;
  for (size_t i = 0; i < count; ++i) {
    const std::vector<Transfer> rows = {{.id = TransferId(i)}};
    Command command =
        i == 0 ? Command{}
               : MakeCommand<Transfer>(EntryKind::kCreateTransfers, rows);
    const Entry entry =
        Entry::Seal(std::move(command), Epoch(1), Timestamp(100 + i), last);
    last = entry.id();
    journal.push_back(Shown(entry));
  }
  return journal;
}

TEST(JournalChainTest, AWholeChainHolds) {
  JournalChain chain;
  for (const auto& entry : Journal(5)) EXPECT_TRUE(chain.Check(entry).ok());
  EXPECT_EQ(chain.last()->sequence, Sequence(5));
}

TEST(JournalChainTest, AChainMayBeCheckedFromItsMiddle) {
  const auto journal = Journal(5);
  JournalChain chain;
  EXPECT_TRUE(chain.Check(journal[2]).ok());
  EXPECT_TRUE(chain.Check(journal[3]).ok());
}

TEST(JournalChainTest, AnyChangedByteIsFound) {
  const auto journal = Journal(3);
  for (size_t at = 0; at < journal[1].raw().size(); ++at) {
    JournalChain chain;
    ASSERT_TRUE(chain.Check(journal[0]).ok());
    v1::JournalEntry damaged = journal[1];
    (*damaged.mutable_raw())[at] ^= 1;
    EXPECT_TRUE(absl::IsDataLoss(chain.Check(damaged).status())) << at;
  }
}

TEST(JournalChainTest, WhatIsShownMustBeWhatTheBytesSay) {
  const auto entry = Journal(2)[1];
  const auto refuses = [&](auto change) {
    v1::JournalEntry other = entry;
    change(other);
    JournalChain chain;
    return absl::IsDataLoss(chain.Check(other).status());
  };
  EXPECT_TRUE(refuses([](auto& e) { e.set_sequence(7); }));
  EXPECT_TRUE(refuses([](auto& e) { e.set_epoch(7); }));
  EXPECT_TRUE(refuses([](auto& e) { e.set_timestamp(7); }));
  EXPECT_TRUE(refuses([](auto& e) { e.set_operation("epoch_start"); }));
  EXPECT_TRUE(refuses([](auto& e) { e.set_hash(std::string(32, 'x')); }));
  EXPECT_TRUE(
      refuses([](auto& e) { e.set_previous_hash(std::string(32, 'x')); }));
}

TEST(JournalChainTest, AMissingEntryIsFound) {
  const auto journal = Journal(3);
  JournalChain chain;
  ASSERT_TRUE(chain.Check(journal[0]).ok());
  EXPECT_TRUE(absl::IsDataLoss(chain.Check(journal[2]).status()));
}

TEST(JournalChainTest, AnEntryOfAnotherJournalIsFound) {
  const auto journal = Journal(2);
  const EntryId other{.epoch = Epoch(1), .sequence = Sequence(1), .hash = {1}};
  const Entry stranger = Entry::Seal({}, Epoch(1), Timestamp(200), other);
  JournalChain chain;
  ASSERT_TRUE(chain.Check(journal[0]).ok());
  EXPECT_TRUE(absl::IsDataLoss(chain.Check(Shown(stranger)).status()));
}

TEST(JournalChainTest, TheFirstEntryOfAllFollowsNothing) {
  const EntryId other{.hash = {1}};
  const Entry entry = Entry::Seal({}, Epoch(1), Timestamp(1), other);
  ASSERT_EQ(entry.sequence(), Sequence(1));
  JournalChain chain;
  EXPECT_TRUE(absl::IsDataLoss(chain.Check(Shown(entry)).status()));
}

}  // namespace
}  // namespace ledgerd::client
