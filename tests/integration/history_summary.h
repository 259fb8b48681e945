// How often each thing happened in a history, to show that a run has tried what
// it was meant to try.
//
//   const HistorySummary summary = Summarize(history.exchanges());
//   EXPECT_GT(summary.statuses.at("exists"), 0);
//   std::cout << summary;
#ifndef LEDGERD_TESTS_INTEGRATION_HISTORY_SUMMARY_H_
#define LEDGERD_TESTS_INTEGRATION_HISTORY_SUMMARY_H_

#include <deque>
#include <map>
#include <ostream>
#include <string>

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

std::ostream& operator<<(std::ostream& out, const HistorySummary& summary);

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_HISTORY_SUMMARY_H_
