// A single-phase or pending transfer: what it checks in its own right, and what
// it moves.
//
//   const TransferResult result =
//       CreateSingleOrPending(transfer, event, changes);
//
// Requires  The id is free, the flags do not exclude each other, and neither
//           post nor void is among them.
// Source    ledger.md, "A single-phase or pending transfer";
//           testdata/transfer_*.txt, balancing.txt, closing.txt, imported.txt,
//           limits.txt, overflow.txt.
#ifndef LEDGERD_SERVER_LEDGER_SINGLE_PENDING_RULES_H_
#define LEDGERD_SERVER_LEDGER_SINGLE_PENDING_RULES_H_

#include "proto/results.h"
#include "proto/types.h"
#include "server/ledger/changes.h"

namespace ledgerd::server {

TransferResult CreateSingleOrPending(const Transfer& transfer, Timestamp event,
                                     Changes& changes);

// Whether an imported transfer's timestamp is at or before the newest
// transfer's, or an account's.
bool Regresses(const Transfer& imported, storage::StateView& view);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LEDGER_SINGLE_PENDING_RULES_H_
