#include "client/ledgerctl/books.h"

#include "absl/strings/str_cat.h"

#include "client/ledgerctl/values.h"

namespace ledgerd::client {
namespace {

// a + b > c, whatever their size.
bool Exceeds(Amount a, Amount b, Amount c) {
  const auto sum = CheckedAdd(a.value(), b.value());
  return !sum.has_value() || *sum > c.value();
}

void CompareSums(uint32_t ledger, absl::string_view what, const WideSum& debits,
                 const WideSum& credits, std::vector<std::string>* problems) {
  if (debits == credits) return;
  problems->push_back(absl::StrCat("ledger ", ledger, ": debits_", what,
                                   " sum to ", debits.ToText(), ", credits_",
                                   what, " to ", credits.ToText()));
}

}  // namespace

void WideSum::Add(Amount amount) {
  low_ += amount.value();
  if (low_ < amount.value()) ++carries_;
}

std::string WideSum::ToText() const {
  if (carries_ == 0) return ToString(low_);
  return absl::StrCat(ToString(low_), " + ", carries_, " * 2^128");
}

void Books::Add(const Account& account) {
  LedgerSums& sums = ledgers_[account.ledger];
  ++sums.accounts;
  sums.debits_posted.Add(account.debits_posted);
  sums.credits_posted.Add(account.credits_posted);
  sums.debits_pending.Add(account.debits_pending);
  sums.credits_pending.Add(account.credits_pending);
  if ((account.flags & account_flags::kDebitsMustNotExceedCredits) != 0 &&
      Exceeds(account.debits_pending, account.debits_posted,
              account.credits_posted)) {
    past_limits_.push_back(
        absl::StrCat("account ", ToString(account.id.value()),
                     ": debits exceed credits, which its flags forbid"));
  }
  if ((account.flags & account_flags::kCreditsMustNotExceedDebits) != 0 &&
      Exceeds(account.credits_pending, account.credits_posted,
              account.debits_posted)) {
    past_limits_.push_back(
        absl::StrCat("account ", ToString(account.id.value()),
                     ": credits exceed debits, which its flags forbid"));
  }
}

std::vector<std::string> Books::problems() const {
  std::vector<std::string> problems = past_limits_;
  for (const auto& [ledger, sums] : ledgers_) {
    CompareSums(ledger, "posted", sums.debits_posted, sums.credits_posted,
                &problems);
    CompareSums(ledger, "pending", sums.debits_pending, sums.credits_pending,
                &problems);
  }
  return problems;
}

}  // namespace ledgerd::client
