#include "storage/ledger_sums.h"

#include "absl/strings/str_cat.h"

namespace ledgerd::storage {

void LedgerSums::Add(const Account& account) {
  Difference& difference = ledgers_[account.ledger];
  difference.pending +=
      account.debits_pending.value() - account.credits_pending.value();
  difference.posted +=
      account.debits_posted.value() - account.credits_posted.value();
}

absl::Status LedgerSums::Check() const {
  for (const auto& [ledger, difference] : ledgers_) {
    if (difference.posted != 0) {
      return absl::DataLossError(absl::StrCat(
          "ledger ", ledger, ": debits posted are not credits posted"));
    }
    if (difference.pending != 0) {
      return absl::DataLossError(absl::StrCat(
          "ledger ", ledger, ": debits pending are not credits pending"));
    }
  }
  return absl::OkStatus();
}

}  // namespace ledgerd::storage
