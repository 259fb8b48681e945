// The tables are only as good as their reader.
#include "server/ledger/table.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "server/ledger/table_runner.h"

namespace ledgerd::server {
namespace {

TEST(ParseNumber, AsTablesWriteThem) {
  EXPECT_TRUE(*ParseNumber("250") == 250);
  EXPECT_TRUE(*ParseNumber("10s") == 10'000'000'000);
  EXPECT_TRUE(*ParseNumber("10s+3") == 10'000'000'003);
  EXPECT_TRUE(*ParseNumber("10s-1") == 9'999'999'999);
  EXPECT_TRUE(*ParseNumber("max") == kUint128Max);
  EXPECT_TRUE(*ParseNumber("max-10") == kUint128Max - 10);
  EXPECT_TRUE(*ParseNumber("2^63") == Uint128{1} << 63);
  EXPECT_TRUE(*ParseNumber("2^63-1-5s") ==
              (Uint128{1} << 63) - 1 - 5'000'000'000);
  for (const char* bad : {"", "x", "1,000", "-1", "2^128", "10m", "1-"}) {
    EXPECT_FALSE(ParseNumber(bad).ok()) << bad;
  }
}

TEST(ParseTable, BlocksBeforeTheFirstScenarioBeginEachOne) {
  const auto table = ParseTable(R"(
# A comment.
accounts at 10s
| id | status  |
| 1  | created |
scenario One
transfers each from 5
| id | flags |
| 7  |       |
scenario Two
)");
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_EQ(table->size(), 2);
  EXPECT_EQ((*table)[0].name, "One");
  ASSERT_EQ((*table)[0].blocks.size(), 2);
  ASSERT_EQ((*table)[1].blocks.size(), 1);
  EXPECT_EQ((*table)[1].blocks[0].rows[0].Get("status"), "created");
  const TableBlock& transfers = (*table)[0].blocks[1];
  EXPECT_TRUE(transfers.each);
  EXPECT_TRUE(transfers.time == 5);
  EXPECT_EQ(transfers.rows[0].line, 9);
  EXPECT_EQ(transfers.rows[0].Get("flags"), "");
}

TEST(ParseTable, WhatItCannotReadNamesTheLine) {
  for (const char* bad : {"\n| 1 |", "accounts\nat 10s", "accounts at noon",
                          "scenario S\naccounts\n| a | b |\n| 1 |"}) {
    EXPECT_FALSE(ParseTable(bad).ok()) << bad;
  }
}

constexpr char kGoodTable[] = R"(
scenario A payment
accounts at 10s
| id | status  |
| 1  | created |
| 2  | created |
transfers at 20s
| id | debit | credit | amount | status          |
| 3  | 1     | 2      | 5      | created         |
| 4  | 1     | 7      | 5      | credit_account_not_found |
balances
| account | debits_posted | credits_posted |
| 1       | 5             |                |
| 2       |               | 5              |
)";

size_t FailuresOf(const std::string& text) {
  const auto table = ParseTable(text);
  EXPECT_TRUE(table.ok()) << table.status();
  TableRunner runner({});
  runner.Run(table->at(0));
  return runner.failures().size();
}

TEST(TableRunner, AGoodTableHolds) { EXPECT_EQ(FailuresOf(kGoodTable), 0); }

// Any single word that is wrong is found.
TEST(TableRunner, EveryDifferenceIsAFailure) {
  const struct {
    std::string right;
    std::string wrong;
  } kChanges[] = {
      {"| 3  | 1     | 2      | 5      | created         |",
       "| 3  | 1     | 2      | 5      | exists          |"},
      {"| 3  | 1     | 2      | 5 ", "| 3  | 1     | 2      | 6 "},
      {"| 3  | 1     | 2 ", "| 3  | 2     | 1 "},
      {"| 1       | 5             |", "| 1       | 4             |"},
      {"| 2       |               | 5 ", "| 2       | 5             |   "},
      {"| 2       |               | 5              |\n", ""},
      {"| id | debit |", "| id | debits |"},
      {"balances", "balance"},
      {"\nbalances", "\nstored\n| id | amount |\n| 3  | 6      |\nbalances"},
      {"\nbalances", "\nstored\n| id | state  |\n| 3  | posted |\nbalances"},
      {"\nbalances", "\nfailed\n| id | status |\nbalances"},
      {"credit_account_not_found |\n",
       "credit_account_not_found |\n| 3 | 1 | "
       "2 | 5 | created |\n"},
  };

  for (const auto& change : kChanges) {
    std::string text = kGoodTable;
    const size_t at = text.find(change.right);
    ASSERT_NE(at, std::string::npos) << change.right;
    text.replace(at, change.right.size(), change.wrong);
    EXPECT_GT(FailuresOf(text), 0) << change.wrong;
  }
}

TEST(TableRunner, TimesAndAmountsAreCompared) {
  std::string text = kGoodTable;
  const std::string columns = "| id | debit | credit | amount | status";
  for (const std::string column : {"time", "moved", "original"}) {
    std::string changed = text;
    changed.replace(changed.find(columns), columns.size(),
                    "| id | debit | credit | amount | " + column + " | status");
    const std::string row = "| 3  | 1     | 2      | 5      | created";
    const std::string value = column == "original" ? "exceeds_debits" : "7";
    changed.replace(changed.find(row), row.size(),
                    "| 3 | 1 | 2 | 5 | " + value + " | created");
    const std::string next = "| 4  | 1     | 7      | 5      | credit";
    changed.replace(changed.find(next), next.size(),
                    "| 4 | 1 | 7 | 5 | | credit");
    EXPECT_EQ(FailuresOf(changed), column == "moved" ? 2 : 1) << column;
  }
}

}  // namespace
}  // namespace ledgerd::server
