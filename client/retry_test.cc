#include "client/retry.h"

#include "gtest/gtest.h"

namespace ledgerd::client {
namespace {

using std::chrono::milliseconds;

const Retry::Time kStart{};

Retry MakeRetry(uint64_t seed, bool changes_state = true) {
  return Retry({.changes_state = changes_state,
                .deadline = kStart + milliseconds(10'000),
                .seed = seed});
}

RpcError Error(Reason reason) { return {.status = MakeError(reason, "x")}; }

TEST(RetryTest, PausesDoubleFromTenToTwoHundredMilliseconds) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Retry retry = MakeRetry(seed);
    int longest_ms = 20;
    for (int i = 0; i < 10; ++i) {
      const auto pause = retry.PauseAfter(Error(Reason::kNoPrimary), kStart);
      ASSERT_TRUE(pause.has_value());
      EXPECT_GE(*pause,
                std::max(milliseconds(10), milliseconds(longest_ms / 2)));
      EXPECT_LE(*pause, milliseconds(longest_ms));
      longest_ms = std::min(200, 2 * longest_ms);
    }
  }
}

TEST(RetryTest, PausesHaveJitter) {
  Retry one = MakeRetry(1);
  Retry two = MakeRetry(2);
  EXPECT_NE(one.PauseAfter(Error(Reason::kNoPrimary), kStart),
            two.PauseAfter(Error(Reason::kNoPrimary), kStart));
}

TEST(RetryTest, ElsewhereIsAskedAtOnceAndAfterThatPausesBegin) {
  Retry retry = MakeRetry(7);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(retry.PauseAfter(Error(Reason::kNotPrimary), kStart,
                               /*elsewhere=*/true),
              Retry::Duration::zero());
  }
  EXPECT_LE(retry.PauseAfter(Error(Reason::kNotPrimary), kStart),
            milliseconds(20));
  RpcError busy = Error(Reason::kOverloaded);
  busy.retry_delay = milliseconds(300);
  EXPECT_GE(retry.PauseAfter(busy, kStart, /*elsewhere=*/true),
            milliseconds(300));
  EXPECT_EQ(retry.PauseAfter(Error(Reason::kInvalidField), kStart,
                             /*elsewhere=*/true),
            std::nullopt);
}

TEST(RetryTest, AfterRetryInfoAndNotBefore) {
  Retry retry = MakeRetry(7);
  RpcError error = Error(Reason::kOverloaded);
  error.retry_delay = milliseconds(300);
  const auto pause = retry.PauseAfter(error, kStart);
  ASSERT_TRUE(pause.has_value());
  EXPECT_GE(*pause, milliseconds(300));
  EXPECT_LE(*pause, milliseconds(350));
}

TEST(RetryTest, AnExhaustedResourceWithoutRetryInfoIsFinal) {
  Retry retry = MakeRetry(7);
  EXPECT_EQ(retry.PauseAfter(Error(Reason::kOverloaded), kStart), std::nullopt);
  EXPECT_EQ(ReasonOf(retry.Outcome()), Reason::kOverloaded);
}

TEST(RetryTest, DamageThatAReadFoundIsFinal) {
  const RpcError damaged = {
      .status = WithReason(absl::DataLossError("000022.sst: checksum"),
                           Reason::kOutcomeUnknown)};
  Retry read = MakeRetry(7, /*changes_state=*/false);
  EXPECT_EQ(read.PauseAfter(damaged, kStart), std::nullopt);
  EXPECT_TRUE(absl::IsDataLoss(read.Outcome())) << read.Outcome();
  Retry write = MakeRetry(7);
  EXPECT_TRUE(write.PauseAfter(damaged, kStart).has_value());
}

TEST(RetryTest, WhatIsNotUnavailableIsFinal) {
  for (const Reason reason :
       {Reason::kInvalidField, Reason::kNoHistory, Reason::kCompacted}) {
    Retry retry = MakeRetry(7);
    EXPECT_EQ(retry.PauseAfter(Error(reason), kStart), std::nullopt);
    EXPECT_EQ(ReasonOf(retry.Outcome()), reason) << Name(reason);
  }
}

TEST(RetryTest, NothingStartsAfterTheDeadline) {
  Retry retry = MakeRetry(7);
  EXPECT_EQ(
      retry.PauseAfter(Error(Reason::kNoPrimary), kStart + milliseconds(9'995)),
      std::nullopt);
  EXPECT_EQ(ReasonOf(retry.Outcome()), Reason::kNoPrimary);
  EXPECT_FALSE(MayHaveBeenExecuted(retry.Outcome()));
}

TEST(RetryTest, OnceUnknownStaysUnknown) {
  Retry retry = MakeRetry(7);
  const RpcError lost{.status = absl::UnavailableError("socket closed")};
  ASSERT_TRUE(retry.PauseAfter(lost, kStart).has_value());
  ASSERT_FALSE(
      retry.PauseAfter(Error(Reason::kNoPrimary), kStart + milliseconds(9'999))
          .has_value());
  EXPECT_EQ(ReasonOf(retry.Outcome()), Reason::kOutcomeUnknown);
}

TEST(RetryTest, ATimeOutOfAWriteIsUnknownAndOfAReadIsNot) {
  const RpcError late{.status = absl::DeadlineExceededError("deadline")};
  Retry write = MakeRetry(7);
  EXPECT_EQ(write.PauseAfter(late, kStart), std::nullopt);
  EXPECT_EQ(ReasonOf(write.Outcome()), Reason::kOutcomeUnknown);
  EXPECT_TRUE(absl::IsDeadlineExceeded(write.Outcome()));
  Retry read = MakeRetry(7, /*changes_state=*/false);
  EXPECT_EQ(read.PauseAfter(late, kStart), std::nullopt);
  EXPECT_EQ(ReasonOf(read.Outcome()), std::nullopt);
  EXPECT_TRUE(absl::IsDeadlineExceeded(read.Outcome()));
}

TEST(RetryTest, AnUnknownOutcomeIsAskedAgainWhateverItsCode) {
  Retry retry = MakeRetry(7);
  const RpcError unknown{.status =
                             WithReason(absl::DeadlineExceededError("stopped"),
                                        Reason::kOutcomeUnknown)};
  EXPECT_TRUE(retry.PauseAfter(unknown, kStart).has_value());
}

}  // namespace
}  // namespace ledgerd::client
