#include "proto/entry.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace ledgerd {
namespace {

Entry TwoTransfers() {
  std::vector<Transfer> transfers(2);
  transfers[0].id = TransferId(1);
  transfers[1].id = TransferId(2);
  EntryId previous;
  previous.sequence = Sequence(6);
  previous.hash = Sha256("before");
  return Entry::Seal(
      MakeCommand<Transfer>(EntryKind::kCreateTransfers, transfers), Epoch(3),
      Timestamp(100), previous);
}

TEST(EntryTest, SealedContinuesTheChain) {
  const Entry entry = TwoTransfers();
  EXPECT_EQ(entry.sequence(), Sequence(7));
  EXPECT_EQ(entry.epoch(), Epoch(3));
  EXPECT_EQ(entry.timestamp(), Timestamp(100));
  EXPECT_EQ(entry.previous_hash(), Sha256("before"));
  EXPECT_EQ(entry.hash(), Sha256(entry.bytes()));
  EXPECT_EQ(entry.event_count(), 2u);
  EXPECT_EQ(entry.rows<Transfer>()[1].id, TransferId(2));
}

TEST(EntryTest, ParsesWhatWasSealed) {
  const Entry entry = TwoTransfers();
  const auto parsed = Entry::Parse(std::string(entry.bytes()));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->id(), entry.id());
  EXPECT_EQ(parsed->kind(), EntryKind::kCreateTransfers);
  EXPECT_EQ(parsed->timestamp(), entry.timestamp());
  EXPECT_EQ(parsed->payload(), entry.payload());
}

TEST(EntryTest, NoFlippedBitGetsThrough) {
  const std::string good(TwoTransfers().bytes());
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
    EXPECT_EQ(Entry::Parse(bad).status().code(), absl::StatusCode::kDataLoss)
        << "byte " << at;
  }
}

TEST(EntryTest, NoShorterOrLongerOneGetsThrough) {
  const std::string good(TwoTransfers().bytes());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(Entry::Parse(good.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(Entry::Parse(good + '\0').ok());
}

TEST(EntryTest, ExpireReservesAFullBatchOfTimestamps) {
  EXPECT_EQ(MakeExpireCommand().timestamp_count, kMaxBatchSize);
}

}  // namespace
}  // namespace ledgerd
