// What creating one account does: ledger.md, "Accounts", line by line.
#ifndef LEDGERD_TESTS_MODEL_NAIVE_ACCOUNT_H_
#define LEDGERD_TESTS_MODEL_NAIVE_ACCOUNT_H_

#include "proto/results.h"
#include "proto/types.h"
#include "tests/model/naive_state.h"

namespace ledgerd::model {

// `now` is the event's own timestamp. The common checks have passed.
AccountResult CreateAccount(NaiveState& state, const Account& event,
                            Timestamp now);

}  // namespace ledgerd::model

#endif  // LEDGERD_TESTS_MODEL_NAIVE_ACCOUNT_H_
