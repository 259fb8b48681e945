// What queries find, by looking at everything; and filters to ask with.
//
//   const storage::AccountFilter filter = SomeAccountFilter(random, state);
//   EXPECT_EQ(ledger.AccountTransfers(filter).rows,
//             FindTransfers(state, filter).rows);
//
// Source  ledger.md, "Queries", alone.
#ifndef LEDGERD_TESTS_MODEL_NAIVE_QUERIES_H_
#define LEDGERD_TESTS_MODEL_NAIVE_QUERIES_H_

#include <vector>

#include "proto/types.h"
#include "storage/state_query.h"
#include "storage/state_store.h"
#include "tests/model/naive_state.h"
#include "tests/model/random.h"

namespace ledgerd::model {

std::vector<Account> FindAccounts(const NaiveState& state,
                                  const storage::QueryFilter& filter);
// With account 0: the transfers of all accounts.
storage::Found<Transfer> FindTransfers(const NaiveState& state,
                                       const storage::AccountFilter& filter);

// Mostly with values that something in `state` has.
storage::QueryFilter SomeAccountQuery(Random& random, const NaiveState& state);
storage::QueryFilter SomeTransferQuery(Random& random, const NaiveState& state);
storage::AccountFilter SomeAccountFilter(Random& random,
                                         const NaiveState& state);

}  // namespace ledgerd::model

#endif  // LEDGERD_TESTS_MODEL_NAIVE_QUERIES_H_
