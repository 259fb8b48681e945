#include "server/ledger/table_runner.h"

#include <cstddef>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace ledgerd::server {
namespace {

using FlagName = TableRunner::FlagName;

// An unknown bit, as PackFlags folds it.
constexpr uint16_t kUnknownBit = 0x8000;

constexpr FlagName kAccountFlags[] = {
    {"linked", account_flags::kLinked},
    {"debits_must_not_exceed_credits",
     account_flags::kDebitsMustNotExceedCredits},
    {"credits_must_not_exceed_debits",
     account_flags::kCreditsMustNotExceedDebits},
    {"history", account_flags::kHistory},
    {"imported", account_flags::kImported},
    {"closed", account_flags::kClosed},
    {"unknown", kUnknownBit},
};

constexpr FlagName kTransferFlags[] = {
    {"linked", transfer_flags::kLinked},
    {"pending", transfer_flags::kPending},
    {"post", transfer_flags::kPostPending},
    {"void", transfer_flags::kVoidPending},
    {"balancing_debit", transfer_flags::kBalancingDebit},
    {"balancing_credit", transfer_flags::kBalancingCredit},
    {"closing_debit", transfer_flags::kClosingDebit},
    {"closing_credit", transfer_flags::kClosingCredit},
    {"imported", transfer_flags::kImported},
    {"unknown", kUnknownBit},
};

constexpr absl::string_view kStates[] = {"", "pending", "posted", "voided",
                                         "expired"};

// What the columns of the blocks may be called; a misspelt one would check
// nothing.
const std::map<std::string, std::set<std::string>>& KnownColumns() {
  static const auto* const columns =
      new std::map<std::string, std::set<std::string>>{
          {"accounts",
           {"id", "ledger", "code", "flags", "user_data_128", "user_data_64",
            "user_data_32", "debits_pending", "debits_posted",
            "credits_pending", "credits_posted", "timestamp", "status", "time",
            "over", "why"}},
          {"transfers",
           {"id", "debit", "credit", "amount", "pending_id", "user_data_128",
            "user_data_64", "user_data_32", "timeout", "ledger", "code",
            "flags", "timestamp", "status", "moved", "original", "time", "over",
            "why"}},
          {"balances",
           {"account", "debits_pending", "debits_posted", "credits_pending",
            "credits_posted", "closed"}},
          {"stored",
           {"id", "debit", "credit", "amount", "pending_id", "user_data_128",
            "user_data_64", "user_data_32", "timeout", "ledger", "code", "time",
            "state"}},
          {"failed", {"id", "status"}},
          {"expire", {}},
          {"never_together", {"first", "second", "why"}},
      };
  return *columns;
}

std::string Text(Uint128 value) { return ToString(value); }

std::string Text(Timestamp time) { return ToString(time.value()); }

// The row's time in a batch of n with the final timestamp T.
Timestamp EventTime(Timestamp timestamp, size_t i, size_t n) {
  return Timestamp(timestamp.value() - n + i + 1);
}

}  // namespace

void TableRunner::Run(const TableScenario& scenario) {
  for (const TableBlock& block : scenario.blocks) RunBlock(block);
  CheckBalances(scenario.line);
  tester_.CheckReplay();
}

void TableRunner::RunBlock(const TableBlock& block) {
  const auto known = KnownColumns().find(block.kind);
  if (known == KnownColumns().end()) return Fail(block.line, "unknown block");
  for (const std::string& column : block.columns) {
    if (!known->second.contains(column)) {
      Fail(block.line, absl::StrCat("unknown column ", column));
    }
  }
  const Timestamp time(static_cast<uint64_t>(block.time));
  const absl::Span<const TableRow> rows(block.rows);
  const size_t batch = block.each ? 1 : rows.size();
  for (size_t i = 0; i < rows.size() && batch > 0; i += batch) {
    const Timestamp at(time.value() + i);
    if (block.kind == "accounts") CreateAccounts(rows.subspan(i, batch), at);
    if (block.kind == "transfers") CreateTransfers(rows.subspan(i, batch), at);
  }
  if (block.kind == "expire") tester_.Expire(time);
  if (block.kind == "balances") SetBalances(block);
  if (block.kind == "failed") CheckFailedIds(block);
  if (block.kind == "stored") {
    for (const TableRow& row : rows) CheckStored(row);
  }
}

void TableRunner::CreateAccounts(absl::Span<const TableRow> rows,
                                 Timestamp timestamp) {
  std::vector<Account> accounts;
  for (const TableRow& row : rows) accounts.push_back(AccountOf(row));
  const EntryResult result = tester_.CreateAccounts(accounts, timestamp);
  Expect(rows[0].line, "the number of results",
         absl::StrCat(result.accounts.size(), "+", result.transfers.size()),
         absl::StrCat(rows.size(), "+0"));
  for (size_t i = 0; i < rows.size(); ++i) {
    CheckResult(rows[i], accounts[i], EventTime(timestamp, i, rows.size()),
                result.accounts[i]);
  }
}

void TableRunner::CreateTransfers(absl::Span<const TableRow> rows,
                                  Timestamp timestamp) {
  std::vector<Transfer> transfers;
  for (const TableRow& row : rows) transfers.push_back(TransferOf(row));
  const EntryResult result = tester_.CreateTransfers(transfers, timestamp);
  Expect(rows[0].line, "the number of results",
         absl::StrCat(result.accounts.size(), "+", result.transfers.size()),
         absl::StrCat("0+", rows.size()));
  for (size_t i = 0; i < rows.size(); ++i) {
    CheckResult(rows[i], transfers[i], EventTime(timestamp, i, rows.size()),
                result.transfers[i]);
  }
}

Account TableRunner::AccountOf(const TableRow& row) {
  Account account;
  account.id = AccountId(Number(row, "id"));
  account.debits_pending = Amount(Number(row, "debits_pending"));
  account.debits_posted = Amount(Number(row, "debits_posted"));
  account.credits_pending = Amount(Number(row, "credits_pending"));
  account.credits_posted = Amount(Number(row, "credits_posted"));
  account.user_data_128 = Number(row, "user_data_128");
  account.user_data_64 = static_cast<uint64_t>(Number(row, "user_data_64"));
  account.user_data_32 = static_cast<uint32_t>(Number(row, "user_data_32"));
  account.ledger = static_cast<uint32_t>(Number(row, "ledger", 1));
  account.code = static_cast<uint16_t>(Number(row, "code", 1));
  account.flags = Flags(row, kAccountFlags);
  account.timestamp =
      Timestamp(static_cast<uint64_t>(Number(row, "timestamp")));
  return account;
}

Transfer TableRunner::TransferOf(const TableRow& row) {
  Transfer transfer;
  transfer.flags = Flags(row, kTransferFlags);
  const bool inherits = (transfer.flags & (transfer_flags::kPostPending |
                                           transfer_flags::kVoidPending)) != 0;
  const Uint128 otherwise = inherits ? 0 : 1;
  transfer.id = TransferId(Number(row, "id"));
  transfer.debit_account_id = AccountId(Number(row, "debit"));
  transfer.credit_account_id = AccountId(Number(row, "credit"));
  transfer.amount = Amount(Number(row, "amount"));
  transfer.pending_id = TransferId(Number(row, "pending_id"));
  transfer.user_data_128 = Number(row, "user_data_128");
  transfer.user_data_64 = static_cast<uint64_t>(Number(row, "user_data_64"));
  transfer.user_data_32 = static_cast<uint32_t>(Number(row, "user_data_32"));
  transfer.timeout_seconds = static_cast<uint32_t>(Number(row, "timeout"));
  transfer.ledger = static_cast<uint32_t>(Number(row, "ledger", otherwise));
  transfer.code = static_cast<uint16_t>(Number(row, "code", otherwise));
  transfer.timestamp =
      Timestamp(static_cast<uint64_t>(Number(row, "timestamp")));
  return transfer;
}

// By default: a created account has its event's time, or the one imported; one
// that exists, when it was created; a refused one, its event's.
void TableRunner::CheckResult(const TableRow& row, const Account& asked,
                              Timestamp event, const AccountResult& result) {
  Expect(row.line, "status", Name(result.status), row.Get("status"));
  Timestamp time = event;
  if (result.status == AccountStatus::kCreated) {
    if ((asked.flags & account_flags::kImported) != 0) time = asked.timestamp;
    created_accounts_[asked.id] = time;
  }
  if (result.status == AccountStatus::kExists) {
    time = created_accounts_[asked.id];
  }
  Expect(row.line, "time", Text(result.timestamp),
         Text(Number(row, "time", time.value())));
}

void TableRunner::CheckResult(const TableRow& row, const Transfer& asked,
                              Timestamp event, const TransferResult& result) {
  Expect(row.line, "status", Name(result.status), row.Get("status"));
  const std::string original = row.Get("original");
  Expect(row.line, "original", Name(result.original_status),
         original.empty() ? "unspecified" : original);
  Timestamp time = event;
  Uint128 moved = 0;
  if (result.status == TransferStatus::kCreated) {
    if ((asked.flags & transfer_flags::kImported) != 0) time = asked.timestamp;
    created_transfers_[asked.id] = time;
    moved = Number(row, "moved", asked.amount.value());
  }
  if (result.status == TransferStatus::kExists) {
    time = created_transfers_[asked.id];
    moved = Number(row, "moved", asked.amount.value());
  }
  Expect(row.line, "time", Text(result.timestamp),
         Text(Number(row, "time", time.value())));
  Expect(row.line, "moved", Text(result.amount.value()), Text(moved));
  const bool moves = result.status == TransferStatus::kCreated ||
                     result.status == TransferStatus::kExists;
  Expect(row.line, "whether the amount differs",
         result.amount_differs ? "yes" : "no",
         moves && moved != asked.amount.value() ? "yes" : "no");
}

void TableRunner::SetBalances(const TableBlock& block) {
  balances_.clear();
  for (const TableRow& row : block.rows) {
    Account account;
    account.id = AccountId(Number(row, "account"));
    account.debits_pending = Amount(Number(row, "debits_pending"));
    account.debits_posted = Amount(Number(row, "debits_posted"));
    account.credits_pending = Amount(Number(row, "credits_pending"));
    account.credits_posted = Amount(Number(row, "credits_posted"));
    if (row.Get("closed") == "yes") account.flags = account_flags::kClosed;
    if (tester_.state().FindAccount(account.id) == nullptr) {
      Fail(row.line, "no such account");
    }
    balances_[account.id] = account;
  }
  CheckBalances(block.line);
}

void TableRunner::CheckBalances(int line) {
  for (const auto& [id, got] : tester_.state().accounts()) {
    const Account expected = balances_[id];
    const std::string of = absl::StrCat(" of account ", ToString(id.value()));
    const auto expect = [&](absl::string_view side, Amount a, Amount b) {
      Expect(line, absl::StrCat(side, of), Text(a.value()), Text(b.value()));
    };
    expect("debits_pending", got.debits_pending, expected.debits_pending);
    expect("debits_posted", got.debits_posted, expected.debits_posted);
    expect("credits_pending", got.credits_pending, expected.credits_pending);
    expect("credits_posted", got.credits_posted, expected.credits_posted);
    const auto closed = [](const Account& account) {
      return (account.flags & account_flags::kClosed) != 0 ? "yes" : "no";
    };
    Expect(line, absl::StrCat("closed", of), closed(got), closed(expected));
  }
}

void TableRunner::CheckStored(const TableRow& row) {
  const Transfer* found =
      tester_.state().FindTransfer(TransferId(Number(row, "id")));
  if (found == nullptr) return Fail(row.line, "no such transfer");
  const std::map<std::string, Uint128> stored = {
      {"debit", found->debit_account_id.value()},
      {"credit", found->credit_account_id.value()},
      {"amount", found->amount.value()},
      {"pending_id", found->pending_id.value()},
      {"user_data_128", found->user_data_128},
      {"user_data_64", found->user_data_64},
      {"user_data_32", found->user_data_32},
      {"timeout", found->timeout_seconds},
      {"ledger", found->ledger},
      {"code", found->code},
      {"time", found->timestamp.value()},
  };
  for (const auto& [column, cell] : row.cells) {
    const auto field = stored.find(column);
    if (field == stored.end()) continue;
    Expect(row.line, column, Text(field->second), Text(Number(row, column)));
  }
  const auto state =
      static_cast<size_t>(tester_.state().GetPendingState(*found));
  Expect(row.line, "state", kStates[state], row.Get("state"));
}

void TableRunner::CheckFailedIds(const TableBlock& block) {
  std::map<TransferId, std::string> expected;
  for (const TableRow& row : block.rows) {
    expected[TransferId(Number(row, "id"))] = row.Get("status");
  }
  std::map<TransferId, std::string> got;
  for (const auto& [id, status] : tester_.state().failed_ids()) {
    got[id] = std::string(Name(status));
  }
  const auto text = [](const std::map<TransferId, std::string>& ids) {
    std::string all;
    for (const auto& [id, status] : ids) {
      absl::StrAppend(&all, Text(id.value()), " ", status, ", ");
    }
    return all;
  };
  Expect(block.line, "the ids kept as failed", text(got), text(expected));
}

void TableRunner::Expect(int line, absl::string_view what,
                         absl::string_view got, absl::string_view expected) {
  if (got == expected) return;
  Fail(line, absl::StrCat(what, " is ", got, ", the table says ", expected));
}

void TableRunner::Fail(int line, absl::string_view what) {
  failures_.push_back(absl::StrCat("line ", line, ": ", what));
}

Uint128 TableRunner::Number(const TableRow& row, const std::string& column,
                            Uint128 otherwise) {
  const std::string cell = row.Get(column);
  if (cell.empty()) return otherwise;
  const absl::StatusOr<Uint128> number = ParseNumber(cell);
  if (!number.ok()) {
    Fail(row.line, number.status().message());
    return otherwise;
  }
  return *number;
}

uint16_t TableRunner::Flags(const TableRow& row,
                            absl::Span<const FlagName> names) {
  uint16_t flags = 0;
  for (const absl::string_view word :
       absl::StrSplit(row.Get("flags"), ' ', absl::SkipEmpty())) {
    bool known = false;
    for (const FlagName& flag : names) {
      if (flag.name != word) continue;
      flags |= flag.bit;
      known = true;
    }
    if (!known) Fail(row.line, absl::StrCat("unknown flag ", word));
  }
  return flags;
}

}  // namespace ledgerd::server
