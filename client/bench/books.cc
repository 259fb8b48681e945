#include "client/bench/books.h"

#include <string>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"

namespace ledgerd::bench {

Books::Sums& Books::At(AccountId id) {
  const Uint128 index = id.value() - first_.value();
  LEDGERD_CHECK(index < sums_.size()) << ToString(id.value());
  return sums_[static_cast<size_t>(index)];
}

void Books::Add(const Transfer& transfer) {
  Sums& debit = At(transfer.debit_account_id);
  Sums& credit = At(transfer.credit_account_id);
  const Uint128 amount = transfer.amount.value();
  if ((transfer.flags & transfer_flags::kPending) != 0) {
    debit.debits_pending += amount;
    credit.credits_pending += amount;
    return;
  }
  debit.debits_posted += amount;
  credit.credits_posted += amount;
  if ((transfer.flags & transfer_flags::kPostPending) == 0) return;
  debit.debits_pending -= amount;
  credit.credits_pending -= amount;
}

Books::Sums Books::Difference(const Account& before, const Account& after) {
  return {after.debits_pending.value() - before.debits_pending.value(),
          after.debits_posted.value() - before.debits_posted.value(),
          after.credits_pending.value() - before.credits_pending.value(),
          after.credits_posted.value() - before.credits_posted.value()};
}

absl::Status Books::Compare(const std::vector<Account>& before,
                            const std::vector<Account>& after) const {
  LEDGERD_CHECK(before.size() == sums_.size());
  if (after.size() != sums_.size()) {
    return absl::DataLossError(absl::StrCat(after.size(), " accounts of ",
                                            sums_.size(), " are there"));
  }
  size_t different = 0;
  std::string first;
  for (size_t i = 0; i < sums_.size(); ++i) {
    const Sums found = Difference(before[i], after[i]);
    if (found == sums_[i] && before[i].id == after[i].id) continue;
    if (different++ > 0) continue;
    first = absl::StrCat("account ", ToString(after[i].id.value()), " has ",
                         ToString(found.debits_posted), " debits and ",
                         ToString(found.credits_posted), " credits, not ",
                         ToString(sums_[i].debits_posted), " and ",
                         ToString(sums_[i].credits_posted));
  }
  if (different == 0) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(different, " accounts differ; ", first));
}

}  // namespace ledgerd::bench
