#include "storage/timestamp_cursor.h"

#include <cstdint>
#include <memory>
#include <utility>

#include "gtest/gtest.h"

#include "storage/lateness.h"

namespace ledgerd::storage {
namespace {

constexpr uint64_t kLast = 2'000'000;

// The odd timestamps up to kLast, or the even ones.
class EveryOther final : public TimestampCursor {
 public:
  EveryOther(bool odd, bool reversed, uint64_t* steps)
      : TimestampCursor(reversed), odd_(odd), steps_(*steps) {}

 private:
  Timestamp Find(Timestamp from) override {
    ++steps_;
    uint64_t at = from.value();
    if ((at % 2 == 1) != odd_) at += reversed() ? -1 : 1;
    return at > kLast ? kNoTimestamp : Timestamp(at);
  }

  const bool odd_;
  uint64_t& steps_;
};

// Long lists with nothing in common, and a clock that moves when it is looked
// at: the deadline has passed at the third look.
class LateIntersectionTest : public testing::TestWithParam<bool> {
 protected:
  IntersectionCursor OddAndEven(IsLate is_late) {
    TimestampCursors parts;
    for (const bool odd : {true, false}) {
      parts.push_back(std::make_unique<EveryOther>(odd, GetParam(), &steps_));
    }
    return {std::move(parts), GetParam(), std::move(is_late)};
  }

  Timestamp First() const { return Timestamp(GetParam() ? kLast : 1); }

  uint64_t steps_ = 0;
};

TEST_P(LateIntersectionTest, GivesUpAtTheDeadline) {
  constexpr int kDeadline = 3;
  int now = 0;
  IntersectionCursor both = OddAndEven([&] { return ++now >= kDeadline; });
  EXPECT_EQ(both.Seek(First()), kNoTimestamp);
  EXPECT_TRUE(absl::IsDeadlineExceeded(both.status())) << both.status();
  EXPECT_EQ(now, kDeadline);
  EXPECT_LE(steps_, 2 * kDeadline * Lateness::kSteps);
}

TEST_P(LateIntersectionTest, InTimeItComesToTheEnd) {
  int looks = 0;
  IntersectionCursor both = OddAndEven([&] {
    ++looks;
    return false;
  });
  EXPECT_EQ(both.Seek(First()), kNoTimestamp);
  EXPECT_TRUE(both.status().ok()) << both.status();
  EXPECT_GT(steps_, kLast - 10);
  EXPECT_GT(looks, 100);
}

TEST_P(LateIntersectionTest, SoItDoesWithoutADeadline) {
  IntersectionCursor both = OddAndEven(nullptr);
  EXPECT_EQ(both.Seek(First()), kNoTimestamp);
  EXPECT_TRUE(both.status().ok()) << both.status();
}

INSTANTIATE_TEST_SUITE_P(BothWays, LateIntersectionTest, testing::Bool());

}  // namespace
}  // namespace ledgerd::storage
