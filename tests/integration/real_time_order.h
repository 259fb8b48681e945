// Whether answers are in real-time order: what was answered before something
// else was asked has happened before it.
//
// The rules, for an exchange A that ended before B began:
//   1 Writes: sequence(A) < sequence(B). A read B sees A: sequence(A) <=
//     sequence(B). After a read A, a write B has a later sequence.
//   2 The timestamps that A was given are before those that B was given.
// And for all answers:
//   3 No two writes have the same sequence.
//   4 Timestamps increase within a write, and over writes by sequence.
// Source  Herlihy and Wing, "Linearizability", 1990; the journal is the witness
//         of one order, so a sweep in O(n log n) decides.
#ifndef LEDGERD_TESTS_INTEGRATION_REAL_TIME_ORDER_H_
#define LEDGERD_TESTS_INTEGRATION_REAL_TIME_ORDER_H_

#include <deque>
#include <string>
#include <vector>

#include "tests/integration/history.h"

namespace ledgerd::integration {

std::vector<std::string> CheckRealTimeOrder(
    const std::deque<Exchange>& exchanges);

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_REAL_TIME_ORDER_H_
