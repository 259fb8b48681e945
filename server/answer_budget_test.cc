#include "server/answer_budget.h"

#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

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
