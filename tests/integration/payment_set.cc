#include "tests/integration/payment_set.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "proto/base/check.h"
#include "proto/base/uint128.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::integration {
namespace {

Uint128 Number(const std::string& text) {
  const auto number = ParseUint128(text);
  LEDGERD_CHECK(number.has_value()) << "not a number: " << text;
  return *number;
}

__int128 SignedNumber(const std::string& text) {
  if (text[0] != '-') return static_cast<__int128>(Number(text));
  return -static_cast<__int128>(Number(text.substr(1)));
}

// Only the flag that the sets use.
uint16_t Flags(const std::string& text) {
  LEDGERD_CHECK(text.empty() || text == "linked") << text;
  return text.empty() ? 0 : transfer_flags::kLinked;
}

// id, debit_account_id, credit_account_id, amount, ledger, code, flags, ...
Transfer ToTransfer(const std::vector<std::string>& fields) {
  return {.id = TransferId(Number(fields.at(0))),
          .debit_account_id = AccountId(Number(fields.at(1))),
          .credit_account_id = AccountId(Number(fields.at(2))),
          .amount = Amount(Number(fields.at(3))),
          .ledger = static_cast<uint32_t>(Number(fields.at(4))),
          .code = static_cast<uint16_t>(Number(fields.at(5))),
          .flags = Flags(fields.at(6))};
}

// The rows below the header line.
std::vector<std::vector<std::string>> Rows(const std::string& path) {
  std::vector<std::vector<std::string>> rows;
  for (const std::string& line : ReadLines(path)) {
    rows.push_back(Fields(line));
  }
  if (!rows.empty()) rows.erase(rows.begin());
  return rows;
}

}  // namespace

std::vector<std::string> PaymentSetFolders() {
  const char* given = std::getenv("LEDGERD_DATA_DIR_SHARED");
  const std::filesystem::path data =
      given != nullptr ? std::filesystem::path(given)
                       : std::filesystem::path(WorkspaceDirectory()) / ".." /
                             "shared" / "data";
  std::vector<std::string> folders;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(data, error)) {
    if (entry.is_directory()) folders.push_back(entry.path().string());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

std::vector<std::string> ReadLines(const std::string& path) {
  std::string text;
  // gzread passes what is not packed through as it is.
  if (gzFile file = gzopen(path.c_str(), "rb"); file != nullptr) {
    std::string part(1 << 16, '\0');
    for (int size = 0; (size = gzread(file, part.data(), 1 << 16)) > 0;) {
      text.append(part, 0, static_cast<size_t>(size));
    }
    gzclose(file);
  }
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> Fields(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream stream(line.substr(0, line.find('"')));
  for (std::string field; std::getline(stream, field, ',');) {
    fields.push_back(field);
  }
  return fields;
}

PaymentSet ReadPaymentSet(const std::string& folder) {
  PaymentSet set;
  for (const auto& row : Rows(folder + "/accounts.csv")) {
    set.accounts.emplace_back(Number(row.at(0)));
  }
  for (const auto& row : Rows(folder + "/transfers.csv.gz")) {
    if (row.at(8) == "created") set.transfers.push_back(ToTransfer(row));
  }
  for (const auto& row : Rows(folder + "/expected.csv")) {
    set.expected[AccountId(Number(row.at(0)))] = SignedNumber(row.at(1));
  }
  set.checkpoints = Rows(folder + "/checkpoints.csv.gz").size();
  return set;
}

}  // namespace ledgerd::integration
