// Reads the tables in testdata/: rules of the ledger as a bookkeeper reads
// them.
//
//   # A comment.
//   scenario A payment moves its amount
//   accounts at 10s
//   | id | status  |
//   | 1  | created |
//   | 2  | created |
//   transfers at 20s
//   | id | debit | credit | amount | status  |
//   | 7  | 1     | 2      | 100    | created |
//
// Shape   A scenario is blocks; a block is a word, perhaps a time, and rows of
//         cells under the names of its columns. Blocks before the first
//         scenario begin each scenario of the file. README.md, "Tables", says
//         what each block does.
// Errors  INVALID_ARGUMENT names the line.
#ifndef LEDGERD_SERVER_LEDGER_TABLE_H_
#define LEDGERD_SERVER_LEDGER_TABLE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "proto/base/uint128.h"

namespace ledgerd::server {

struct TableRow {
  int line = 0;
  // By the name of the column; without those left empty.
  std::map<std::string, std::string> cells;

  // Empty when there is no such cell.
  std::string Get(const std::string& column) const;
};

struct TableBlock {
  int line = 0;
  std::string kind;
  // "transfers each from 10s": a batch of its own for each row.
  bool each = false;
  Uint128 time = 0;
  std::vector<std::string> columns;
  std::vector<TableRow> rows;
};

struct TableScenario {
  int line = 0;
  std::string name;
  std::vector<TableBlock> blocks;
};

absl::StatusOr<std::vector<TableScenario>> ParseTable(absl::string_view text);

// A number as tables write it: 250, 10s (seconds, in nanoseconds), max
// (2^128 - 1), 2^63, and sums and differences of these: 2^63-1, 10s+3.
absl::StatusOr<Uint128> ParseNumber(absl::string_view text);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LEDGER_TABLE_H_
