// How often each thing happened in a history, to show that a run has tried what
// it was meant to try.
//
//   const HistorySummary summary = Summarize(history.exchanges());
//   EXPECT_GT(summary.statuses.at("exists"), 0);
//   std::cout << summary;
#ifndef LEDGERD_TESTS_INTEGRATION_HISTORY_SUMMARY_H_
#define LEDGERD_TESTS_INTEGRATION_HISTORY_SUMMARY_H_

#include <cstddef>
#include <deque>
#include <map>
#include <ostream>
#include <string>

#include "tests/integration/final_state.h"
#include "tests/integration/history.h"

namespace ledgerd::integration {

struct HistorySummary {
  size_t exchanges = 0;
  size_t answered = 0;
  size_t unknown = 0;
  // Transfers by the names of their statuses.
  std::map<std::string, size_t> statuses;
  // Calls without an answer by their errors.
  std::map<std::string, size_t> errors;

  // 0 when it never happened.
  size_t Count(const std::string& status) const;
};

HistorySummary Summarize(const std::deque<Exchange>& exchanges);

// What became of the transfers that clients were told are there. The checker
// (history_checker.h) says which, and much more.
struct KeptPromises {
  // Answered CREATED or EXISTS.
  size_t acknowledged = 0;
  // Of these, those that the ledger does not have in the end.
  size_t lost = 0;
  // Answered CREATED more than once.
  size_t doubled = 0;
};

KeptPromises CountPromises(const std::deque<Exchange>& exchanges,
                           const FinalState& state);

std::ostream& operator<<(std::ostream& out, const HistorySummary& summary);

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_HISTORY_SUMMARY_H_
