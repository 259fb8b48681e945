#include "tests/model/dump.h"

#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ledgerd::model {
namespace {

struct FlagName {
  uint16_t flag;
  const char* name;
};

constexpr FlagName kAccountFlags[] = {
    {account_flags::kLinked, "linked"},
    {account_flags::kDebitsMustNotExceedCredits, "debits<=credits"},
    {account_flags::kCreditsMustNotExceedDebits, "credits<=debits"},
    {account_flags::kHistory, "history"},
    {account_flags::kImported, "imported"},
    {account_flags::kClosed, "closed"},
    {account_flags::kReserved, "RESERVED"},
};

constexpr FlagName kTransferFlags[] = {
    {transfer_flags::kLinked, "linked"},
    {transfer_flags::kPending, "pending"},
    {transfer_flags::kPostPending, "post"},
    {transfer_flags::kVoidPending, "void"},
    {transfer_flags::kBalancingDebit, "balancing_debit"},
    {transfer_flags::kBalancingCredit, "balancing_credit"},
    {transfer_flags::kClosingDebit, "closing_debit"},
    {transfer_flags::kClosingCredit, "closing_credit"},
    {transfer_flags::kImported, "imported"},
    {transfer_flags::kReserved, "RESERVED"},
};

template <typename Names>
std::string FlagNames(uint16_t flags, const Names& names) {
  std::string text;
  for (const FlagName& each : names) {
    if ((flags & each.flag) == 0) continue;
    absl::StrAppend(&text, text.empty() ? " " : "|", each.name);
  }
  return text;
}

std::string Field(absl::string_view name, Uint128 value) {
  return value == 0 ? "" : absl::StrCat(" ", name, " ", Dump(value));
}

template <typename Row>
std::string CommonFields(const Row& row) {
  return absl::StrCat(Field("user_data_128", row.user_data_128),
                      Field("user_data_64", row.user_data_64),
                      Field("user_data_32", row.user_data_32),
                      Field("ledger", row.ledger), Field("code", row.code),
                      Field("timestamp", row.timestamp.value()));
}

template <typename Row>
void AppendRows(std::string& text, const std::vector<Row>& rows) {
  for (size_t i = 0; i < rows.size(); ++i) {
    absl::StrAppend(&text, "  [", i, "] ", Dump(rows[i]), "\n");
  }
}

}  // namespace

std::string Dump(Uint128 value) {
  if (value == kUint128Max) return "max";
  if (value > kUint128Max - 1'000'000) {
    return absl::StrCat("max-", Low(kUint128Max - value));
  }
  return ToString(value);
}

std::string Dump(const Account& account) {
  return absl::StrCat("account ", Dump(account.id.value()), ":",
                      FlagNames(account.flags, kAccountFlags),
                      Field("debits_pending", account.debits_pending.value()),
                      Field("debits_posted", account.debits_posted.value()),
                      Field("credits_pending", account.credits_pending.value()),
                      Field("credits_posted", account.credits_posted.value()),
                      CommonFields(account));
}

std::string Dump(const Transfer& transfer) {
  return absl::StrCat(
      "transfer ", Dump(transfer.id.value()), ": ",
      Dump(transfer.debit_account_id.value()), " -> ",
      Dump(transfer.credit_account_id.value()), " amount ",
      Dump(transfer.amount.value()), FlagNames(transfer.flags, kTransferFlags),
      Field("pending_id", transfer.pending_id.value()),
      Field("timeout", transfer.timeout_seconds), CommonFields(transfer));
}

std::string Dump(const AccountResult& result) {
  return absl::StrCat(Name(result.status),
                      Field("timestamp", result.timestamp.value()));
}

std::string Dump(const TransferResult& result) {
  std::string text(Name(result.status));
  if (result.original_status != TransferStatus::kUnspecified) {
    absl::StrAppend(&text, " (", Name(result.original_status), ")");
  }
  absl::StrAppend(&text, Field("timestamp", result.timestamp.value()),
                  Field("amount", result.amount.value()),
                  result.amount_differs ? " (not as asked)" : "");
  return text;
}

std::string Dump(PendingState state) {
  switch (state) {
    case PendingState::kNone:
      return "none";
    case PendingState::kPending:
      return "pending";
    case PendingState::kPosted:
      return "posted";
    case PendingState::kVoided:
      return "voided";
    case PendingState::kExpired:
      return "expired";
  }
  return absl::StrCat("unknown state ", static_cast<int>(state));
}

std::string Dump(const storage::WatchedEvent& event) {
  return absl::StrCat("type ", static_cast<int>(event.type), " at ",
                      event.timestamp.value(), ": ", Dump(event.transfer), "; ",
                      Dump(event.debit), "; ", Dump(event.credit));
}

std::string Dump(const Step& step) {
  std::string text = absl::StrCat(
      Name(step.kind), " epoch ", step.epoch.value(), " timestamp ",
      step.timestamp.value(), ", events ", step.event_count(), "\n");
  AppendRows(text, step.accounts);
  AppendRows(text, step.transfers);
  return text;
}

}  // namespace ledgerd::model
