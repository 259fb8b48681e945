// The books balance: what must hold over all accounts of a ledger at one
// moment.
//
//   Books books;
//   for (const Account& account : accounts) books.Add(account);
//   EXPECT_TRUE(books.problems().empty());
//
// Rules    1. Per ledger, the sum of debits_posted is that of credits_posted,
//             and the sum of debits_pending that of credits_pending.
//          4. No account is past the limit that its flags set.
// Source   ledger.md, Always true (the numbers are those there).
#ifndef LEDGERD_CLIENT_LEDGERCTL_BOOKS_H_
#define LEDGERD_CLIENT_LEDGERCTL_BOOKS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "proto/types.h"

namespace ledgerd::client {

// A sum that many 128-bit amounts fit.
class WideSum {
 public:
  void Add(Amount amount);

  friend bool operator==(const WideSum&, const WideSum&) = default;

  // In decimal; with "+ n * 2^128" when it is that large.
  std::string ToText() const;

 private:
  Uint128 low_ = 0;
  uint64_t carries_ = 0;
};

struct LedgerSums {
  size_t accounts = 0;
  WideSum debits_posted;
  WideSum credits_posted;
  WideSum debits_pending;
  WideSum credits_pending;
};

class Books {
 public:
  void Add(const Account& account);

  // By ledger.
  const std::map<uint32_t, LedgerSums>& ledgers() const { return ledgers_; }

  // One line for each rule that does not hold.
  std::vector<std::string> problems() const;

 private:
  std::map<uint32_t, LedgerSums> ledgers_;
  std::vector<std::string> past_limits_;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_BOOKS_H_
