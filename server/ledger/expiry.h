// Expires the pending transfers that are due at `now`, in order of expiry, then
// of creation; at most a batch of them.
//
//   ExpireDue(entry.timestamp(), changes);
//
// The entry's final timestamp is `now`, and it has taken a batch of timestamps:
// expiry i (from 0) is an event at now - kMaxBatchSize + i + 1.
//
// Their pending balances go down, closing ones open their accounts; no transfer
// is created.
//
// Source  ledger.md, "Expiry"; testdata/expiry.txt.
#ifndef LEDGERD_SERVER_LEDGER_EXPIRY_H_
#define LEDGERD_SERVER_LEDGER_EXPIRY_H_

#include "proto/types.h"
#include "server/ledger/changes.h"

namespace ledgerd::server {

void ExpireDue(Timestamp now, Changes& changes);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LEDGER_EXPIRY_H_
