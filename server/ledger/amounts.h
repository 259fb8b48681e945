// Sums and differences of amounts, for the rules.
//
//   if (Overflows(debit.debits_posted, amount)) ...
//   next.debits_posted = Plus(debit.debits_posted, amount);
//
// Errors  Plus and Minus: a sum or difference that does not fit is our bug, and
//         a check; the rules ask Overflows first.
#ifndef LEDGERD_SERVER_LEDGER_AMOUNTS_H_
#define LEDGERD_SERVER_LEDGER_AMOUNTS_H_

#include "proto/base/check.h"
#include "proto/types.h"

namespace ledgerd::server {

inline bool Overflows(Amount a, Amount b) {
  return a.value() > kUint128Max - b.value();
}

inline Amount Plus(Amount a, Amount b) {
  LEDGERD_CHECK(!Overflows(a, b));
  return Amount(a.value() + b.value());
}

inline Amount Minus(Amount a, Amount b) {
  LEDGERD_CHECK(a >= b);
  return Amount(a.value() - b.value());
}

// max(0, a - b)
inline Amount MinusOrZero(Amount a, Amount b) {
  return a > b ? Amount(a.value() - b.value()) : Amount(0);
}

// What an account has debited and has promised to; fits, as each transfer
// checked that it does (OVERFLOWS_DEBITS).
inline Amount AllDebits(const Account& a) {
  return Plus(a.debits_pending, a.debits_posted);
}

inline Amount AllCredits(const Account& a) {
  return Plus(a.credits_pending, a.credits_posted);
}

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LEDGER_AMOUNTS_H_
