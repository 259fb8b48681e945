#include "replication/core/outline.h"

#include <vector>

#include "gtest/gtest.h"

namespace ledgerd::replication {
namespace {

EntryId Id(uint64_t epoch, uint64_t sequence, uint8_t content = 0) {
  EntryId id;
  id.epoch = Epoch(epoch);
  id.sequence = Sequence(sequence);
  id.hash[0] = content;
  return id;
}

// Sequences 5..9 after 4; epochs 2 2 3 3 5.
Outline Example() {
  return Outline(Id(1, 4), {Id(2, 5), Id(2, 6), Id(3, 7), Id(3, 8), Id(5, 9)});
}

TEST(OutlineTest, FindsFromItsBaseToItsEnd) {
  const Outline outline = Example();
  EXPECT_EQ(outline.Find(Sequence(3)), nullptr);
  EXPECT_EQ(*outline.Find(Sequence(4)), Id(1, 4));
  EXPECT_EQ(*outline.Find(Sequence(9)), Id(5, 9));
  EXPECT_EQ(outline.Find(Sequence(10)), nullptr);
  EXPECT_TRUE(outline.Has(Id(3, 8)));
  EXPECT_FALSE(outline.Has(Id(3, 8, 1)));
}

TEST(OutlineTest, LastNotAboveIsWhereTwoJournalsMayMeet) {
  const Outline outline = Example();
  EXPECT_EQ(outline.LastNotAbove(Id(5, 20)), Id(5, 9));
  EXPECT_EQ(outline.LastNotAbove(Id(4, 20)), Id(3, 8));
  EXPECT_EQ(outline.LastNotAbove(Id(3, 7)), Id(3, 7));
  EXPECT_EQ(outline.LastNotAbove(Id(1, 20)), Id(1, 4));
  EXPECT_EQ(outline.LastNotAbove(Id(5, 2)), Id(1, 4));
  // The same sequence and epoch, but not the same entry.
  EXPECT_EQ(outline.LastNotAbove(Id(3, 8, 1)), Id(3, 7));
}

TEST(OutlineTest, IsCutAndReleased) {
  Outline outline = Example();
  outline.CutFrom(Sequence(8));
  EXPECT_EQ(outline.last(), Id(3, 7));
  outline.ReleaseTo(Sequence(6));
  EXPECT_EQ(outline.base(), Id(2, 6));
  EXPECT_EQ(outline.size(), 1u);
  outline.ReleaseTo(Sequence(5));
  EXPECT_EQ(outline.base(), Id(2, 6));
  outline.Append(Id(4, 8));
  EXPECT_EQ(*outline.Find(Sequence(8)), Id(4, 8));
}

}  // namespace
}  // namespace ledgerd::replication
