// What is always true of the books, whatever was asked of the ledger.
//
//   const Books books = ...;  // all that the state holds
//   LEDGERD_RETURN_IF_ERROR(CheckBooks(books));
//   LEDGERD_RETURN_IF_ERROR(CheckSuccession(earlier, books));
//
// Shape    CheckBooks looks at one state, CheckSuccession at two, of which the
//          second came from the first by any number of entries. Each check has
//          its sentence of ledger.md above it, in invariants.cc; that a replay
//          gives the same state hash is the caller's to try.
// Errors   DATA_LOSS names the first check that does not hold, and the account
//          or transfer at which it does not.
// Threads  Pure functions.
// Source   ledger.md, "Always true".
#ifndef LEDGERD_SERVER_LEDGER_INVARIANTS_H_
#define LEDGERD_SERVER_LEDGER_INVARIANTS_H_

#include <vector>

#include "absl/status/status.h"

#include "proto/statuses.h"
#include "proto/types.h"

namespace ledgerd::server {

struct FailedId {
  TransferId id;
  TransferStatus status = TransferStatus::kUnspecified;

  friend bool operator==(const FailedId&, const FailedId&) = default;
};

// All that a state holds.
struct Books {
  // In any order.
  std::vector<Account> accounts;
  // By timestamp, ascending.
  std::vector<Transfer> transfers;
  // For each of `transfers`; kNone unless it has the PENDING flag.
  std::vector<PendingState> pending_states;
  // By id, ascending. May be left out: then nothing is known of them.
  std::vector<FailedId> failed_ids;
};

absl::Status CheckBooks(const Books& books);

absl::Status CheckSuccession(const Books& earlier, const Books& later);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LEDGER_INVARIANTS_H_
