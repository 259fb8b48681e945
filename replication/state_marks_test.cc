#include "replication/state_marks.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace ledgerd::replication {
namespace {

StateMark Mark(uint64_t sequence) {
  return {.entry = {Epoch(1), Sequence(sequence), {}},
          .state_hash = Uint128{1000} + sequence};
}

TEST(StateMarksTest, NothingIsKnownBeforeTheFirst) {
  const StateMarks marks;
  EXPECT_EQ(marks.newest(), std::nullopt);
  EXPECT_TRUE(absl::IsUnavailable(marks.At(Sequence(0)).status()));
}

TEST(StateMarksTest, EachOfTheLastIsRemembered) {
  StateMarks marks;
  for (uint64_t i = 5; i <= 9; ++i) marks.Note(Mark(i));
  EXPECT_EQ(marks.newest(), Mark(9));
  for (uint64_t i = 5; i <= 9; ++i) EXPECT_EQ(*marks.At(Sequence(i)), Mark(i));
  EXPECT_TRUE(absl::IsOutOfRange(marks.At(Sequence(4)).status()));
  EXPECT_TRUE(absl::IsUnavailable(marks.At(Sequence(10)).status()));
}

TEST(StateMarksTest, TheOldestGiveWay) {
  StateMarks marks;
  const uint64_t last = StateMarks::kKept + 10;
  for (uint64_t i = 1; i <= last; ++i) marks.Note(Mark(i));
  EXPECT_TRUE(absl::IsOutOfRange(marks.At(Sequence(10)).status()));
  EXPECT_EQ(*marks.At(Sequence(11)), Mark(11));
  EXPECT_EQ(*marks.At(Sequence(last)), Mark(last));
}

TEST(StateMarksTest, AStateThatWasReplacedBeginsAnew) {
  StateMarks marks;
  for (uint64_t i = 1; i <= 9; ++i) marks.Note(Mark(i));
  marks.Note(Mark(100));
  EXPECT_TRUE(absl::IsOutOfRange(marks.At(Sequence(9)).status()));
  EXPECT_EQ(*marks.At(Sequence(100)), Mark(100));
  // Back, too: nothing of what came after it is believed.
  marks.Note(Mark(50));
  EXPECT_TRUE(absl::IsUnavailable(marks.At(Sequence(100)).status()));
  EXPECT_EQ(marks.newest(), Mark(50));
}

}  // namespace
}  // namespace ledgerd::replication
