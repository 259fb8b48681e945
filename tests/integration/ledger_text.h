// What a ledger holds, as a text to keep and to compare: a line for each thing.
//
//   account ID ledger code flags debits_pending debits_posted credits_pending
//           credits_posted user_data_128 user_data_64 user_data_32 timestamp
//   transfer ID debit_account credit_account amount pending_id user_data_128
//            user_data_64 user_data_32 timeout ledger code flags timestamp
//            state
//
//   const std::string text = LedgerText(state);
//   const LedgerIds ids = IdsIn(text);        // to read the same again
#ifndef LEDGERD_TESTS_INTEGRATION_LEDGER_TEXT_H_
#define LEDGERD_TESTS_INTEGRATION_LEDGER_TEXT_H_

#include <string>
#include <vector>

#include "proto/types.h"
#include "tests/integration/final_state.h"

namespace ledgerd::integration {

struct LedgerIds {
  std::vector<AccountId> accounts;
  std::vector<TransferId> transfers;
};

std::string LedgerText(const FinalState& state);

// Other lines are passed over.
LedgerIds IdsIn(const std::string& text);

// What follows `name` and a space in the line that begins so; empty when there
// is none.
std::string LineOf(const std::string& text, const std::string& name);

// The same of each line that begins so.
std::vector<std::string> LinesOf(const std::string& text,
                                 const std::string& name);

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_LEDGER_TEXT_H_
