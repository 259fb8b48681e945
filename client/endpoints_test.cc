#include "client/endpoints.h"

#include <cstdint>
#include <random>
#include <set>
#include <string>

#include "gtest/gtest.h"

namespace ledgerd::client {
namespace {

RpcError NoPrimary() { return {.status = MakeError(Reason::kNoPrimary, "x")}; }

RpcError Hint(const std::string& address, uint64_t epoch = 0) {
  return {.status = MakeError(Reason::kNotPrimary, "x"),
          .primary_address = address,
          .primary_epoch = epoch};
}

class EndpointsTest : public testing::Test {
 protected:
  // The current one fails; who is current then.
  std::string Fail(const RpcError& error) {
    elsewhere_ = endpoints_.OnFailure(endpoints_.Current(), error, round_);
    return endpoints_.Current()->address;
  }

  // Nobody is connected to before a call is made.
  Endpoints endpoints_{{"a:1", "b:1", "c:1"}};
  Endpoints::Round round_;
  bool elsewhere_ = false;
};

TEST_F(EndpointsTest, GoesRoundAndPausesAfterEachRound) {
  EXPECT_EQ(endpoints_.Current()->address, "a:1");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Fail(NoPrimary()), "b:1");
    EXPECT_TRUE(elsewhere_);
    EXPECT_EQ(Fail(NoPrimary()), "c:1");
    EXPECT_TRUE(elsewhere_);
    EXPECT_EQ(Fail(NoPrimary()), "a:1");
    EXPECT_FALSE(elsewhere_);
  }
}

TEST_F(EndpointsTest, AHintIsFollowedAlsoToAServerThatWasNotGiven) {
  EXPECT_EQ(Fail(Hint("c:1")), "c:1");
  EXPECT_TRUE(elsewhere_);
  EXPECT_EQ(Fail(Hint("d:1")), "d:1");
  EXPECT_TRUE(elsewhere_);
}

TEST_F(EndpointsTest, AHintToADeadAddressLeavesTheOthersTheirTurn) {
  EXPECT_EQ(Fail(Hint("dead:1")), "dead:1");
  EXPECT_EQ(Fail({.status = absl::UnavailableError("refused")}), "b:1");
  EXPECT_TRUE(elsewhere_);
  EXPECT_EQ(Fail(Hint("dead:1")), "c:1") << "not again in this round";
  EXPECT_TRUE(elsewhere_);
}

TEST_F(EndpointsTest, HintsInACircleAreLeft) {
  EXPECT_EQ(Fail(Hint("b:1")), "b:1");
  EXPECT_EQ(Fail(Hint("a:1")), "c:1");
  EXPECT_TRUE(elsewhere_);
}

TEST_F(EndpointsTest, AHintOfAnOlderEpochIsLate) {
  EXPECT_EQ(Fail(Hint("c:1", 5)), "c:1");
  round_.Clear();
  EXPECT_EQ(Fail(Hint("b:1", 4)), "a:1") << "the next, not the one hinted";
  EXPECT_EQ(Fail(Hint("c:1", 6)), "b:1") << "asked already";
  round_.Clear();
  EXPECT_EQ(Fail(Hint("a:1", 6)), "a:1");
}

TEST_F(EndpointsTest, LateNewsMovesNobody) {
  const auto first = endpoints_.Current();
  Fail(NoPrimary());
  Endpoints::Round of_another_call;
  EXPECT_TRUE(endpoints_.OnFailure(first, Hint("c:1"), of_another_call))
      << "it has not asked the one that is current now";
  EXPECT_EQ(endpoints_.Current()->address, "b:1");
}

TEST_F(EndpointsTest, ErrorsOfTheRequestStayWhereTheyAre) {
  EXPECT_EQ(Fail({.status = MakeFieldError("x", "bad")}), "a:1");
  EXPECT_FALSE(elsewhere_);
  EXPECT_EQ(Fail({.status = MakeError(Reason::kOutcomeUnknown, "x")}), "a:1");
  EXPECT_FALSE(elsewhere_);
}

// Whatever the servers say.
TEST_F(EndpointsTest, NoRoundAsksAServerTwice) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::minstd_rand random(seed);
    Endpoints endpoints({"0:1", "1:1", "2:1"});
    Endpoints::Round round;
    std::set<std::string> asked;
    for (int i = 0; i < 60; ++i) {
      const auto current = endpoints.Current();
      ASSERT_TRUE(asked.insert(current->address).second);
      const RpcError error =
          random() % 3 == 0
              ? NoPrimary()
              : Hint(std::to_string(random() % 5) + ":1", random() % 4);
      if (!endpoints.OnFailure(current, error, round)) {
        EXPECT_EQ(asked.size(), endpoints.size()) << "somebody was left out";
        asked.clear();
      }
    }
  }
}

TEST_F(EndpointsTest, AnyIsEachInTurn) {
  std::multiset<std::string> asked;
  for (int i = 0; i < 6; ++i) asked.insert(endpoints_.Any(round_)->address);
  for (const char* address : {"a:1", "b:1", "c:1"}) {
    EXPECT_EQ(asked.count(address), 2) << address;
  }
}

TEST_F(EndpointsTest, AnyIsNoneThatTheRoundHasAsked) {
  std::set<std::string> asked;
  for (const bool more : {true, true, false}) {
    const auto endpoint = endpoints_.Any(round_);
    asked.insert(endpoint->address);
    EXPECT_EQ(endpoints_.OnFailureOfAny(endpoint, round_), more);
  }
  EXPECT_EQ(asked.size(), 3);
  EXPECT_EQ(endpoints_.Current()->address, "a:1") << "the primary is another's";
}

TEST_F(EndpointsTest, ManyHintsTakeTheOldestOfThemAway) {
  for (int i = 0; i < 100; ++i) {
    round_.Clear();
    const std::string hinted = "h" + std::to_string(i) + ":1";
    EXPECT_EQ(Fail(Hint(hinted)), hinted);
  }
  EXPECT_EQ(endpoints_.size(), 32);
  EXPECT_EQ(endpoints_.all().front()->address, "a:1");
}

}  // namespace
}  // namespace ledgerd::client
