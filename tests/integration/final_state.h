// What a ledger holds in the end, of all that a history has ever named.
//
//   const auto state = ReadFinalState(client, history.exchanges());
//   for (const std::string& violation : CheckHistory(exchanges, *state)) ...
#ifndef LEDGERD_TESTS_INTEGRATION_FINAL_STATE_H_
#define LEDGERD_TESTS_INTEGRATION_FINAL_STATE_H_

#include <deque>
#include <vector>

#include "absl/status/statusor.h"

#include "client/ledger_client.h"
#include "proto/types.h"
#include "tests/integration/history.h"

namespace ledgerd::integration {

struct FoundTransfer {
  Transfer transfer;
  PendingState pending_state = PendingState::kNone;
};

struct FinalState {
  std::vector<Account> accounts;
  std::vector<FoundTransfer> transfers;
};

// What there is of these, in the order of their ids.
absl::StatusOr<FinalState> ReadState(client::LedgerClient& client,
                                     const std::vector<TransferId>& transfers,
                                     const std::vector<AccountId>& accounts);

// Looks up every id that was ever asked for or sent, once nothing that expires
// within seconds is pending any more.
absl::StatusOr<FinalState> ReadFinalState(
    client::LedgerClient& client, const std::deque<Exchange>& exchanges);

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_FINAL_STATE_H_
