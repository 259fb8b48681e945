// What creating one transfer does: ledger.md, "Transfers", line by line.
#ifndef LEDGERD_TESTS_MODEL_NAIVE_TRANSFER_H_
#define LEDGERD_TESTS_MODEL_NAIVE_TRANSFER_H_

#include "proto/results.h"
#include "proto/types.h"
#include "tests/model/naive_state.h"

namespace ledgerd::model {

// `now` is the event's own timestamp. The common checks have passed. Keeping
// the id of a failure is the caller's, for it outlives the undoing of a chain.
TransferResult CreateTransfer(NaiveState& state, const Transfer& event,
                              Timestamp now);

// Ends a pending transfer: its amount leaves both pending balances, and unless
// it was posted the accounts that it had closed open again.
void Release(NaiveState& state, const Transfer& pending, PendingState end);

}  // namespace ledgerd::model

#endif  // LEDGERD_TESTS_MODEL_NAIVE_TRANSFER_H_
