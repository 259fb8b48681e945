// Whether a ledger has kept every promise that it made to its clients.
//
//   const auto violations = CheckHistory(history.exchanges(), *state);
//   for (const std::string& violation : violations) ADD_FAILURE() << violation;
//
// The rules, for each id (a client always sends an id with the same body; where
// a history shows another body, that one must have been refused):
//   1 Nothing acknowledged is missing: what was answered CREATED or EXISTS, or
//     was seen by a read, is there in the end, with the body that was sent, the
//     timestamp and the amount that were answered.
//   2 Nothing is there that was never promised: an id whose every request was
//     refused, or ended with an error that says "nothing was done", is not.
//   3 An id is CREATED once. EXISTS needs a CREATED, or a request of which the
//     outcome is unknown, before it.
//   4 A kept failure is kept: its status is answered once, then only
//     ID_ALREADY_FAILED with that original status, and never CREATED or EXISTS.
//   5 What exists is never refused later for its content.
//   6 A chain exists as a whole or not at all.
//   7 A read that began after something was acknowledged sees it.
// And the rules of real_time_order.h and of books.h.
#ifndef LEDGERD_TESTS_INTEGRATION_HISTORY_CHECKER_H_
#define LEDGERD_TESTS_INTEGRATION_HISTORY_CHECKER_H_

#include <deque>
#include <string>
#include <vector>

#include "tests/integration/final_state.h"
#include "tests/integration/history.h"

namespace ledgerd::integration {

// In English, each naming the id or the exchange at fault; empty is well.
std::vector<std::string> CheckHistory(const std::deque<Exchange>& exchanges,
                                      const FinalState& state);

// Whether a transfer's id that ended so is kept as failed for ever.
bool IsKeptFailure(TransferStatus status);

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_HISTORY_CHECKER_H_
