// Books are the balances that the accounts of a run must have.
//
//   Books books(workload.AccountAt(0), workload.accounts());
//   books.Add(transfer);                        // each that was executed
//   books.Compare(before, after).ok();          // as the ledger has them
//
// Shape   Four sums an account, as differences to what was there before the
//         run.
// Errors  Compare: DATA_LOSS that names the first account which differs and
//         says how many do.
#ifndef LEDGERD_CLIENT_BENCH_BOOKS_H_
#define LEDGERD_CLIENT_BENCH_BOOKS_H_

#include <vector>

#include "absl/status/status.h"

#include "proto/types.h"

namespace ledgerd::bench {

class Books {
 public:
  Books(AccountId first, uint64_t accounts) : first_(first), sums_(accounts) {}

  // Requires: what it posts is posted in full.
  void Add(const Transfer& transfer);

  // The accounts of Workload::AccountAt(0) .. in that order.
  absl::Status Compare(const std::vector<Account>& before,
                       const std::vector<Account>& after) const;

 private:
  struct Sums {
    Uint128 debits_pending = 0;
    Uint128 debits_posted = 0;
    Uint128 credits_pending = 0;
    Uint128 credits_posted = 0;

    friend bool operator==(const Sums&, const Sums&) = default;
  };

  static Sums Difference(const Account& before, const Account& after);
  Sums& At(AccountId id);

  const AccountId first_;
  std::vector<Sums> sums_;
};

}  // namespace ledgerd::bench

#endif  // LEDGERD_CLIENT_BENCH_BOOKS_H_
