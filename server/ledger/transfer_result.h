// The shapes of a transfer's result.
#ifndef LEDGERD_SERVER_LEDGER_TRANSFER_RESULT_H_
#define LEDGERD_SERVER_LEDGER_TRANSFER_RESULT_H_

#include "proto/results.h"
#include "proto/statuses.h"
#include "proto/types.h"

namespace ledgerd::server {

// `event` is when it was refused.
inline TransferResult RefusedTransfer(TransferStatus status, Timestamp event) {
  TransferResult result;
  result.status = status;
  result.timestamp = event;
  return result;
}

// `stored` is the transfer as it is in the state, `asked` what the client gave.
inline TransferResult StoredTransfer(TransferStatus status,
                                     const Transfer& stored, Amount asked) {
  TransferResult result;
  result.status = status;
  result.amount_differs = stored.amount != asked;
  result.timestamp = stored.timestamp;
  result.amount = stored.amount;
  return result;
}

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LEDGER_TRANSFER_RESULT_H_
