#include "tests/integration/history_summary.h"

namespace ledgerd::integration {

size_t HistorySummary::Count(const std::string& status) const {
  const auto at = statuses.find(status);
  return at == statuses.end() ? 0 : at->second;
}

HistorySummary Summarize(const std::deque<Exchange>& exchanges) {
  HistorySummary summary;
  for (const Exchange& exchange : exchanges) {
    ++summary.exchanges;
    summary.answered += exchange.answered();
    summary.unknown += exchange.ending.outcome == Outcome::kUnknown;
    if (!exchange.answered()) ++summary.errors[exchange.ending.error];
    for (const TransferResult& result : exchange.ending.results) {
      ++summary.statuses[std::string(Name(result.status))];
    }
  }
  return summary;
}

std::ostream& operator<<(std::ostream& out, const HistorySummary& summary) {
  out << summary.exchanges << " calls, " << summary.answered << " answered, "
      << summary.unknown << " with an unknown outcome\n";
  for (const auto& [error, count] : summary.errors) {
    out << "  " << count << " x " << error << "\n";
  }
  for (const auto& [status, count] : summary.statuses) {
    out << "  " << count << " transfers " << status << "\n";
  }
  return out;
}

}  // namespace ledgerd::integration
