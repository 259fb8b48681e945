// Whether a transfer whose id is taken is a retry of the one that took it.
//
//   const Transfer& existing = *view.FindTransfer(transfer.id);
//   CompareExisting(transfer, existing, view);  // kExists, or what differs
//
// What a retry leaves open (0, AMOUNT_MAX, a balancing amount) equals what came
// of it, so that the same request sent twice is always EXISTS.
//
// Source  ledger.md, "Exists compare"; testdata/transfer_exists.txt.
#ifndef LEDGERD_SERVER_LEDGER_EXISTS_RULES_H_
#define LEDGERD_SERVER_LEDGER_EXISTS_RULES_H_

#include "proto/statuses.h"
#include "proto/types.h"
#include "storage/state_view.h"

namespace ledgerd::server {

TransferStatus CompareExisting(const Transfer& transfer,
                               const Transfer& existing,
                               storage::StateView& view);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LEDGER_EXISTS_RULES_H_
