// A primary that may have been deposed, and does not know it, answers no read
// that may be old: not even one that may be somewhat old.
#include <chrono>
#include <functional>
#include <optional>

#include "gtest/gtest.h"

#include "replication/small_group.h"

namespace ledgerd::replication {
namespace {

class StalePrimaryTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(group_.MakeOnePrimary()); }

  // Of replica 1; nothing while it waits.
  void Read() {
    answer_.reset();
    ReadRequest request;
    request.freshness = {.level = Freshness::Level::kMaxStaleness,
                         .max_staleness = std::chrono::hours(1)};
    request.deadline = Deadline::max();
    request.begin = [this](absl::StatusOr<Sequence> at) {
      answer_ = at.status();
      return std::function<void()>();
    };
    group_.replica(1).OnRead(std::move(request), group_.now(1));
  }

  SmallGroup group_;
  std::optional<absl::Status> answer_;
};

TEST_F(StalePrimaryTest, ItAsksItsGroupFirst) {
  Read();
  EXPECT_FALSE(answer_.has_value());
  ASSERT_NO_FATAL_FAILURE(
      group_.RunUntil([this] { return answer_.has_value(); }));
  EXPECT_TRUE(answer_->ok()) << *answer_;
}

TEST_F(StalePrimaryTest, WhoIsCutOffRefuses) {
  group_.Lose(1);
  Read();
  ASSERT_NO_FATAL_FAILURE(
      group_.RunUntil([this] { return answer_.has_value(); }));
  EXPECT_FALSE(answer_->ok());
}

}  // namespace
}  // namespace ledgerd::replication
