#include "server/ledger/table.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "proto/base/status_macros.h"

namespace ledgerd::server {
namespace {

constexpr Uint128 kNanosPerTableSecond = 1'000'000'000;

absl::Status BadLine(int line, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("line ", line, ": ", what));
}

absl::StatusOr<Uint128> ParseTerm(absl::string_view term) {
  if (term == "max") return kUint128Max;
  std::optional<Uint128> value;
  if (absl::ConsumePrefix(&term, "2^")) {
    value = ParseUint128(term);
    if (value.has_value() && *value < 128) return Uint128{1} << *value;
    value.reset();
  } else if (absl::ConsumeSuffix(&term, "s")) {
    value = ParseUint128(term);
    if (value.has_value()) value = *value * kNanosPerTableSecond;
  } else {
    value = ParseUint128(term);
  }
  if (value.has_value()) return *value;
  return absl::InvalidArgumentError(absl::StrCat("no number: ", term));
}

std::vector<std::string> Cells(absl::string_view line) {
  absl::ConsumePrefix(&line, "|");
  absl::ConsumeSuffix(&line, "|");
  std::vector<std::string> cells;
  for (const absl::string_view cell : absl::StrSplit(line, '|')) {
    cells.emplace_back(absl::StripAsciiWhitespace(cell));
  }
  return cells;
}

class Parser {
 public:
  absl::Status Line(int line, absl::string_view text) {
    text = absl::StripAsciiWhitespace(text);
    if (text.empty() || absl::StartsWith(text, "#")) return absl::OkStatus();
    if (absl::StartsWith(text, "|")) return Cells(line, text);
    if (absl::ConsumePrefix(&text, "scenario ")) {
      scenarios_.push_back({line, std::string(text), given_});
      return absl::OkStatus();
    }
    return Heading(line, text);
  }

  std::vector<TableScenario> Finish() && { return std::move(scenarios_); }

 private:
  // WORD, WORD at TIME, or WORD each from TIME.
  absl::Status Heading(int line, absl::string_view text) {
    const std::vector<std::string> words = absl::StrSplit(text, ' ');
    TableBlock block;
    block.line = line;
    block.kind = words[0];
    const bool at = words.size() == 3 && words[1] == "at";
    block.each = words.size() == 4 && words[1] == "each" && words[2] == "from";
    if (!at && !block.each && words.size() != 1) {
      return BadLine(line, "neither a scenario, a block, nor a row");
    }
    if (words.size() > 1) {
      LEDGERD_ASSIGN_OR_RETURN(block.time, ParseNumber(words.back()));
    }
    blocks().push_back(std::move(block));
    return absl::OkStatus();
  }

  absl::Status Cells(int line, absl::string_view text) {
    if (blocks().empty()) return BadLine(line, "a row outside a block");
    TableBlock& block = blocks().back();
    std::vector<std::string> cells = server::Cells(text);
    if (block.columns.empty()) {
      block.columns = std::move(cells);
      return absl::OkStatus();
    }
    if (cells.size() != block.columns.size()) {
      return BadLine(line, "not as many cells as columns");
    }
    TableRow row;
    row.line = line;
    for (size_t i = 0; i < cells.size(); ++i) {
      if (!cells[i].empty()) row.cells[block.columns[i]] = cells[i];
    }
    block.rows.push_back(std::move(row));
    return absl::OkStatus();
  }

  std::vector<TableBlock>& blocks() {
    return scenarios_.empty() ? given_ : scenarios_.back().blocks;
  }

  std::vector<TableBlock> given_;
  std::vector<TableScenario> scenarios_;
};

}  // namespace

std::string TableRow::Get(const std::string& column) const {
  const auto found = cells.find(column);
  return found == cells.end() ? std::string() : found->second;
}

absl::StatusOr<std::vector<TableScenario>> ParseTable(absl::string_view text) {
  Parser parser;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    LEDGERD_RETURN_IF_ERROR(parser.Line(++number, line));
  }
  return std::move(parser).Finish();
}

absl::StatusOr<Uint128> ParseNumber(absl::string_view text) {
  size_t end = std::min(text.find_first_of("+-"), text.size());
  LEDGERD_ASSIGN_OR_RETURN(Uint128 sum, ParseTerm(text.substr(0, end)));
  while (end != text.size()) {
    const size_t sign = end;
    end = std::min(text.find_first_of("+-", sign + 1), text.size());
    LEDGERD_ASSIGN_OR_RETURN(const Uint128 term,
                             ParseTerm(text.substr(sign + 1, end - sign - 1)));
    sum = text[sign] == '+' ? sum + term : sum - term;
  }
  return sum;
}

}  // namespace ledgerd::server
