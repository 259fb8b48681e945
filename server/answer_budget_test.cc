#include "server/answer_budget.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "proto/errors.h"

namespace ledgerd::server {
namespace {

TEST(AnswerBudgetTest, OneConnectionHasAQuarterAndAllHaveAll) {
  AnswerBudget budget(400);
  std::vector<AnswerBudget::Share> shares;
  for (const char* client : {"a", "b", "c", "d"}) {
    for (const size_t bytes : {60, 40}) {
      auto share = budget.Take(client, bytes);
      ASSERT_TRUE(share.ok()) << share.status();
      shares.push_back(*std::move(share));
    }
    const absl::Status refused = budget.Take(client, 1).status();
    EXPECT_EQ(ReasonOf(refused), Reason::kOverloaded);
  }
  EXPECT_EQ(ReasonOf(budget.Take("e", 1).status()), Reason::kOverloaded);
  shares.erase(shares.begin());  // 60 of a's
  EXPECT_TRUE(budget.Take("e", 60).ok());
  EXPECT_TRUE(budget.Take("a", 60).ok());
  EXPECT_FALSE(budget.Take("a", 61).ok());
}

// A client that is refused again and again, each time from a new port, leaves
// nothing behind.
TEST(AnswerBudgetTest, ARefusalIsNotRemembered) {
  AnswerBudget budget(400);
  EXPECT_FALSE(budget.Take("a", 101).ok());
  EXPECT_EQ(budget.connections(), 0u);
  {
    const auto share = budget.Take("a", 100);
    ASSERT_TRUE(share.ok()) << share.status();
    EXPECT_FALSE(budget.Take("b", 101).ok());
    EXPECT_EQ(budget.connections(), 1u);
  }
  EXPECT_EQ(budget.connections(), 0u);
}

TEST(AnswerBudgetTest, ARefusalSaysWhatIsTakenAndWhatIsAsked) {
  AnswerBudget budget(400);
  const auto share = budget.Take("a", 60);
  ASSERT_TRUE(share.ok()) << share.status();
  EXPECT_EQ(budget.Take("a", 41).status().message(),
            "answers to this client take 60 of 100 bytes, this one may take "
            "41; nothing was done, read them, and try again after the delay");
}

TEST(AnswerBudgetTest, ThoseWhoWaitGetTheirsInTheirOrder) {
  AnswerBudget budget(400);
  std::string order;
  std::vector<AnswerBudget::Share> given;
  const auto ask = [&](const char* name, size_t bytes) {
    auto share = budget.TakeOrWait("a", bytes, name,
                                   [&, name](AnswerBudget::Share granted) {
                                     order += name;
                                     given.push_back(std::move(granted));
                                   });
    ASSERT_TRUE(share.ok()) << share.status();
    if (share->has_value()) given.push_back(**std::move(share));
  };
  const char* const one = "1";
  const char* const two = "2";
  const char* const three = "3";
  const char* const four = "4";
  ask(one, 90);
  ASSERT_EQ(given.size(), 1u) << "there was room";
  ask(two, 60);
  ask(three, 30);
  ask(four, 40);
  EXPECT_EQ(order, "");
  budget.Leave("a", three);
  const auto give_back = [&given] {
    const std::vector<AnswerBudget::Share> back =
        std::exchange(given, std::vector<AnswerBudget::Share>());
  };
  give_back();
  EXPECT_EQ(order, "24");
  EXPECT_FALSE(budget.Take("a", 1).ok());
  give_back();
  EXPECT_EQ(order, "24");
  EXPECT_TRUE(budget.Take("a", 100).ok());
}

// The last connection in the order of names has its turn, though the others
// always wait again.
TEST(AnswerBudgetTest, ConnectionsTakeTurns) {
  AnswerBudget budget(400);
  std::string order;
  std::vector<AnswerBudget::Share> given;
  const auto ask = [&](const std::string& connection) {
    auto share = budget.TakeOrWait(
        connection, 100, &budget,
        [&order, &given, connection](AnswerBudget::Share granted) {
          order += connection;
          given.push_back(std::move(granted));
        });
    ASSERT_TRUE(share.ok()) << share.status();
    if (share->has_value()) given.push_back(**std::move(share));
  };
  for (int i = 0; i < 2; ++i) {
    for (const char* connection : {"a", "b", "c", "d"}) ask(connection);
  }
  ask("e");
  for (int i = 0; i < 5; ++i) {
    {
      const AnswerBudget::Share back = std::exchange(given.front(), {});
      given.erase(given.begin());
    }
    if (order.size() < 5) ask(order.substr(order.size() - 1));
  }
  EXPECT_EQ(order, "abcde");
  for (const char* connection : {"a", "b", "c", "d"}) {
    budget.Leave(connection, &budget);
  }
}

TEST(AnswerBudgetTest, EachConnectionHasAReserve) {
  AnswerBudget budget(400, 10, {"events for", "read them"});
  std::vector<AnswerBudget::Share> all;
  for (const char* connection : {"a", "b", "c", "d"}) {
    all.push_back(*budget.Take(connection, 100));
  }
  EXPECT_EQ(budget.Take("e", 11).status().message(),
            "events for all clients take 400 of 400 bytes, this one may take "
            "11; nothing was done, read them, and try again after the delay");
  std::vector<AnswerBudget::Share> given;
  const auto ask = [&] {
    auto share = budget.TakeOrWait("e", 100, &budget,
                                   [&given](AnswerBudget::Share granted) {
                                     given.push_back(std::move(granted));
                                   });
    ASSERT_TRUE(share.ok()) << share.status();
    if (share->has_value()) given.push_back(**std::move(share));
  };
  const auto give_back = [&given] {
    const std::vector<AnswerBudget::Share> back =
        std::exchange(given, std::vector<AnswerBudget::Share>());
  };
  ask();
  ASSERT_EQ(given.size(), 1u) << "its reserve, at once";
  EXPECT_EQ(given[0].bytes(), 10u);
  ask();
  ask();
  ASSERT_EQ(given.size(), 1u) << "it has that already";
  give_back();
  ASSERT_EQ(given.size(), 1u) << "the reserve again, for the next";
  EXPECT_EQ(given[0].bytes(), 10u);
  all.pop_back();
  EXPECT_EQ(given.size(), 1u) << "no more than a quarter with the reserve";
  give_back();
  ASSERT_EQ(given.size(), 1u);
  EXPECT_EQ(given[0].bytes(), 100u);
}

TEST(AnswerBudgetTest, NobodyWaitsForMoreThanThereEverIs) {
  AnswerBudget budget(400);
  const auto share =
      budget.TakeOrWait("a", 101, &budget, [](AnswerBudget::Share) { FAIL(); });
  EXPECT_EQ(ReasonOf(share.status()), Reason::kOverloaded);
}

TEST(AnswerBudgetTest, AShareThatIsMovedIsGivenBackOnce) {
  AnswerBudget budget(40);
  {
    auto share = budget.Take("a", 10);
    ASSERT_TRUE(share.ok());
    AnswerBudget::Share moved = *std::move(share);
    AnswerBudget::Share assigned;
    assigned = std::move(moved);
    EXPECT_FALSE(budget.Take("a", 1).ok());
  }
  EXPECT_TRUE(budget.Take("a", 10).ok());
  EXPECT_FALSE(budget.Take("a", 11).ok());
}

}  // namespace
}  // namespace ledgerd::server
