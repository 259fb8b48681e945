// Whether a ledger's balances are those that its transfers make.
//
//   EXPECT_THAT(CheckBooks(state), IsEmpty());   // one text for each violation
//
// The rules, each recomputed from the transfers alone:
//   1 An account's four balances are the sums of its transfers. (So a transfer
//     that was applied twice, or half, shows.)
//   2 Money is conserved: in each ledger, debits equal credits, posted and
//     pending.
//   3 A pending transfer has at most one resolution, and its state says which.
//   4 Limits hold.
//   5 No two timestamps are equal, over accounts and transfers together.
// Source  ledger.md, Always true.
#ifndef LEDGERD_TESTS_INTEGRATION_BOOKS_H_
#define LEDGERD_TESTS_INTEGRATION_BOOKS_H_

#include <string>
#include <vector>

#include "tests/integration/final_state.h"

namespace ledgerd::integration {

std::vector<std::string> CheckBooks(const FinalState& state);

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_BOOKS_H_
