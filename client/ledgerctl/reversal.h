// The reversal of a transfer: the exact opposite, as a payment of its own.
//
//   LEDGERD_ASSIGN_OR_RETURN(const Transfer opposite,
//                            ReversalOf(transfer, state, /*attempt=*/0));
//
// Shape   Debit and credit change places; amount, ledger, code and the shorter
//         user data stay. user_data_128 is the id of what is reverted, so that
//         a query by it finds the reversal.
// Ids     Derived from the id of what is reverted, and from how many attempts
//         before this one have failed for good. An attempt is made only when
//         the ledger has said that of the one before: so whoever reverts a
//         transfer, and however often, it is reverted once.
// Errors  FAILED_PRECONDITION  it has moved no money, or another transfer has
//                              done so for it. The message says what to do.
// Source  RFC 9562, 5.8: UUIDs of version 8.
#ifndef LEDGERD_CLIENT_LEDGERCTL_REVERSAL_H_
#define LEDGERD_CLIENT_LEDGERCTL_REVERSAL_H_

#include <cstdint>

#include "absl/status/statusor.h"

#include "proto/types.h"

namespace ledgerd::client {

// Neither 0 nor the highest id.
TransferId ReversalId(TransferId reverted, uint32_t attempt);

// `state` is the ledger's word of `transfer`, which it has executed.
absl::StatusOr<Transfer> ReversalOf(const Transfer& transfer,
                                    PendingState state, uint32_t attempt);

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_REVERSAL_H_
