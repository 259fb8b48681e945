// What post, void and expiry have in common: the full pending amount leaves
// both pending balances.
//
//   const Released released = ReleaseAndOpen(pending, *debit, *credit);
//   changes.UpdateAccount(debit, released.debit);
//   changes.UpdateAccount(credit, released.credit);
//
// Source  ledger.md, "A post or void", effect, and "Expiry".
#ifndef LEDGERD_SERVER_LEDGER_RELEASE_H_
#define LEDGERD_SERVER_LEDGER_RELEASE_H_

#include "proto/types.h"
#include "server/ledger/amounts.h"

namespace ledgerd::server {

// The two accounts afterwards.
struct Released {
  Account debit;
  Account credit;
};

inline Released Release(const Transfer& pending, const Account& debit,
                        const Account& credit) {
  Released after{debit, credit};
  after.debit.debits_pending = Minus(debit.debits_pending, pending.amount);
  after.credit.credits_pending = Minus(credit.credits_pending, pending.amount);
  return after;
}

// For void and expiry: the accounts that `pending` had closed open again. No
// other transfer can have closed them meanwhile: a closed account takes none.
inline Released ReleaseAndOpen(const Transfer& pending, const Account& debit,
                               const Account& credit) {
  Released after = Release(pending, debit, credit);
  constexpr auto kOpen = static_cast<uint16_t>(~account_flags::kClosed);
  if ((pending.flags & transfer_flags::kClosingDebit) != 0) {
    after.debit.flags &= kOpen;
  }
  if ((pending.flags & transfer_flags::kClosingCredit) != 0) {
    after.credit.flags &= kOpen;
  }
  return after;
}

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LEDGER_RELEASE_H_
