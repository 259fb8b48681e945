// LedgerSums checks that the books balance: in every ledger, what was debited
// is what was credited (ledger.md, "Always true", 1).
//
//   LedgerSums sums;
//   for (const Account& account : all) sums.Add(account);
//   LEDGERD_RETURN_IF_ERROR(sums.Check());
//
// Errors  DATA_LOSS  names the first ledger that does not balance.
#ifndef LEDGERD_STORAGE_LEDGER_SUMS_H_
#define LEDGERD_STORAGE_LEDGER_SUMS_H_

#include <cstdint>
#include <map>

#include "absl/status/status.h"

#include "proto/types.h"

namespace ledgerd::storage {

class LedgerSums {
 public:
  void Add(const Account& account);
  absl::Status Check() const;

 private:
  // Debits less credits, modulo 2^128: the sums themselves may exceed 128 bits,
  // and a difference that is a multiple of 2^128 takes as many accounts.
  struct Difference {
    Uint128 pending = 0;
    Uint128 posted = 0;
  };

  std::map<uint32_t, Difference> ledgers_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_LEDGER_SUMS_H_
