// Runs every table of testdata/, each scenario in a warm and in a cold store,
// and checks that the tables together reach every status, and decide between
// every two neighbouring statuses that can apply at once.
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

#include "proto/base/check.h"
#include "proto/statuses.h"
#include "server/ledger/table.h"
#include "server/ledger/table_runner.h"

namespace ledgerd::server {
namespace {

// Their order is that of precedence.
#define LEDGERD_TEXT(name, text, value) text,
const std::vector<std::string> kAccountStatuses = {
    LEDGERD_ACCOUNT_STATUSES(LEDGERD_TEXT)};
const std::vector<std::string> kTransferStatuses = {
    LEDGERD_TRANSFER_STATUSES(LEDGERD_TEXT)};
#undef LEDGERD_TEXT

const std::vector<std::string>& StatusesOf(const std::string& kind) {
  return kind == "accounts" ? kAccountStatuses : kTransferStatuses;
}

std::vector<TableScenario> ReadTable(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  absl::StatusOr<std::vector<TableScenario>> table = ParseTable(text.str());
  LEDGERD_CHECK_OK(table.status()) << path;
  return *std::move(table);
}

std::vector<std::filesystem::path> TablePaths() {
  std::vector<std::filesystem::path> paths;
  for (const auto& file :
       std::filesystem::directory_iterator("server/ledger/testdata")) {
    if (file.path().extension() == ".txt") paths.push_back(file.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// The name of every table, for the tests' names.
std::vector<std::string> TableNames() {
  std::vector<std::string> names;
  for (const auto& path : TablePaths()) names.push_back(path.stem().string());
  return names;
}

std::filesystem::path PathOf(const std::string& name) {
  return absl::StrCat("server/ledger/testdata/", name, ".txt");
}

class LedgerTableTest : public testing::TestWithParam<std::string> {};

TEST_P(LedgerTableTest, Holds) {
  const std::vector<TableScenario> table = ReadTable(PathOf(GetParam()));
  EXPECT_FALSE(table.empty());
  for (const TableScenario& scenario : table) {
    for (const bool cold : {false, true}) {
      SCOPED_TRACE(absl::StrCat(scenario.name, cold ? ", cold" : ""));
      TableRunner runner({.cold = cold});
      runner.Run(scenario);
      for (const std::string& failure : runner.failures()) {
        ADD_FAILURE() << PathOf(GetParam()).string() << " " << failure;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, LedgerTableTest,
                         testing::ValuesIn(TableNames()),
                         [](const auto& table) { return table.param; });

// All blocks of all tables.
std::vector<TableBlock> AllBlocks() {
  std::vector<TableBlock> blocks;
  for (const auto& path : TablePaths()) {
    for (const TableScenario& scenario : ReadTable(path)) {
      blocks.insert(blocks.end(), scenario.blocks.begin(),
                    scenario.blocks.end());
    }
  }
  return blocks;
}

TEST(LedgerTableCoverage, EveryStatusIsReached) {
  std::set<std::pair<std::string, std::string>> reached;
  for (const TableBlock& block : AllBlocks()) {
    for (const TableRow& row : block.rows) {
      reached.emplace(block.kind, row.Get("status"));
    }
  }
  for (const std::string kind : {"accounts", "transfers"}) {
    const std::vector<std::string>& statuses = StatusesOf(kind);
    EXPECT_EQ(statuses.size(), kind == "accounts" ? 27 : 69);
    for (size_t i = 1; i < statuses.size(); ++i) {
      EXPECT_TRUE(reached.contains({kind, statuses[i]}))
          << kind << ": no table reaches " << statuses[i];
    }
  }
}

// A pair of statuses, of accounts or of transfers, the first taking precedence.
struct Pair {
  std::string kind;
  std::string first;
  std::string second;

  friend auto operator<=>(const Pair&, const Pair&) = default;
};

// A row that says "over" claims that the status in it would be next. That is
// shown by a later row of its scenario, where the first fault is mended.
void CollectDecided(const TableScenario& scenario, std::set<Pair>& decided) {
  std::set<std::pair<std::string, std::string>> later;
  for (auto block = scenario.blocks.rbegin(); block != scenario.blocks.rend();
       ++block) {
    for (auto row = block->rows.rbegin(); row != block->rows.rend(); ++row) {
      const std::string over = row->Get("over");
      if (!over.empty()) {
        EXPECT_TRUE(later.contains({block->kind, over}))
            << "line " << row->line << ": no later row shows " << over;
        decided.insert({block->kind, row->Get("status"), over});
      }
      later.emplace(block->kind, row->Get("status"));
    }
  }
}

// The pairs of which a table says why they never apply together.
void CollectNeverTogether(const TableScenario& scenario, std::string kind,
                          std::set<Pair>& never) {
  for (const TableBlock& block : scenario.blocks) {
    if (block.kind != "never_together") continue;
    for (const TableRow& row : block.rows) {
      EXPECT_FALSE(row.Get("why").empty()) << "line " << row.line;
      never.insert({kind, row.Get("first"), row.Get("second")});
    }
  }
}

TEST(LedgerTableCoverage, EveryTwoNeighboursAreDecided) {
  for (const std::string kind : {"accounts", "transfers"}) {
    std::set<Pair> decided;
    std::set<Pair> never;
    for (const TableScenario& scenario :
         ReadTable(PathOf("precedence_" + kind))) {
      CollectDecided(scenario, decided);
      CollectNeverTogether(scenario, kind, never);
    }
    const std::vector<std::string>& statuses = StatusesOf(kind);
    // From 2: unspecified and created are no refusals.
    for (size_t i = 2; i + 1 < statuses.size(); ++i) {
      const Pair pair{kind, statuses[i], statuses[i + 1]};
      EXPECT_NE(decided.contains(pair), never.contains(pair))
          << kind << ": " << pair.first << " over " << pair.second;
    }
  }
}

TEST(LedgerTableCoverage, PrecedenceIsTheOrderOfTheEnum) {
  for (const std::string kind : {"accounts", "transfers"}) {
    std::set<Pair> decided;
    for (const TableScenario& scenario :
         ReadTable(PathOf("precedence_" + kind))) {
      CollectDecided(scenario, decided);
    }
    const std::vector<std::string>& statuses = StatusesOf(kind);
    const auto rank = [&](const std::string& status) {
      return std::find(statuses.begin(), statuses.end(), status) -
             statuses.begin();
    };
    for (const Pair& pair : decided) {
      if (pair.kind != kind) continue;
      EXPECT_LT(rank(pair.first), rank(pair.second)) << pair.first;
    }
  }
}

}  // namespace
}  // namespace ledgerd::server
