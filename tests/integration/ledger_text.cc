#include "tests/integration/ledger_text.h"

#include <sstream>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/uint128.h"

namespace ledgerd::integration {
namespace {

std::string Text(const Account& account) {
  return absl::StrCat("account ", ToString(account.id.value()), " ",
                      account.ledger, " ", account.code, " ", account.flags,
                      " ", ToString(account.debits_pending.value()), " ",
                      ToString(account.debits_posted.value()), " ",
                      ToString(account.credits_pending.value()), " ",
                      ToString(account.credits_posted.value()), " ",
                      ToString(account.user_data_128), " ",
                      account.user_data_64, " ", account.user_data_32, " ",
                      account.timestamp.value(), "\n");
}

std::string Text(const FoundTransfer& found) {
  const Transfer& transfer = found.transfer;
  return absl::StrCat("transfer ", ToString(transfer.id.value()), " ",
                      ToString(transfer.debit_account_id.value()), " ",
                      ToString(transfer.credit_account_id.value()), " ",
                      ToString(transfer.amount.value()), " ",
                      ToString(transfer.pending_id.value()), " ",
                      ToString(transfer.user_data_128), " ",
                      transfer.user_data_64, " ", transfer.user_data_32, " ",
                      transfer.timeout_seconds, " ", transfer.ledger, " ",
                      transfer.code, " ", transfer.flags, " ",
                      transfer.timestamp.value(), " ",
                      static_cast<int>(found.pending_state), "\n");
}

Uint128 LeadingNumber(const std::string& line) {
  const auto number = ParseUint128(line.substr(0, line.find(' ')));
  LEDGERD_CHECK(number.has_value()) << line;
  return *number;
}

}  // namespace

std::string LedgerText(const FinalState& state) {
  std::string text;
  for (const Account& account : state.accounts) text += Text(account);
  for (const FoundTransfer& found : state.transfers) text += Text(found);
  return text;
}

LedgerIds IdsIn(const std::string& text) {
  LedgerIds ids;
  for (const std::string& line : LinesOf(text, "account")) {
    ids.accounts.emplace_back(LeadingNumber(line));
  }
  for (const std::string& line : LinesOf(text, "transfer")) {
    ids.transfers.emplace_back(LeadingNumber(line));
  }
  return ids;
}

std::string LineOf(const std::string& text, const std::string& name) {
  const std::vector<std::string> lines = LinesOf(text, name);
  return lines.empty() ? "" : lines.front();
}

std::vector<std::string> LinesOf(const std::string& text,
                                 const std::string& name) {
  std::vector<std::string> found;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.rfind(name + " ", 0) == 0) {
      found.push_back(line.substr(name.size() + 1));
    }
  }
  return found;
}

}  // namespace ledgerd::integration
