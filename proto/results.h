// What applying an entry answers, event by event.
#ifndef LEDGERD_PROTO_RESULTS_H_
#define LEDGERD_PROTO_RESULTS_H_

#include <vector>

#include "proto/statuses.h"
#include "proto/types.h"

namespace ledgerd {

struct AccountResult {
  AccountStatus status = AccountStatus::kUnspecified;
  // kCreated: the account's. kExists: the existing account's. Otherwise: when
  // the account was refused.
  Timestamp timestamp;

  friend bool operator==(const AccountResult&, const AccountResult&) = default;
};

struct TransferResult {
  TransferStatus status = TransferStatus::kUnspecified;
  // kIdAlreadyFailed only: why the id failed the first time.
  TransferStatus original_status = TransferStatus::kUnspecified;
  // kCreated and kExists: `amount` is set, and is not what was asked for.
  bool amount_differs = false;
  Timestamp timestamp;
  // kCreated and kExists: what the transfer moved; else 0.
  Amount amount;

  friend bool operator==(const TransferResult&,
                         const TransferResult&) = default;
};

// One entry's results; the vector of its kind has one for each of its events,
// in their order, the other is empty.
struct EntryResult {
  Sequence sequence;
  std::vector<AccountResult> accounts;
  std::vector<TransferResult> transfers;
};

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_RESULTS_H_
