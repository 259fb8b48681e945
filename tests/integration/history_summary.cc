#include "tests/integration/history_summary.h"

#include <algorithm>
#include <set>

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

KeptPromises CountPromises(const std::deque<Exchange>& exchanges,
                           const FinalState& state) {
  // How often each was created.
  std::map<TransferId, size_t> created;
  for (const Exchange& exchange : exchanges) {
    const size_t answers =
        std::min(exchange.ending.results.size(), exchange.transfers.size());
    for (size_t i = 0; i < answers; ++i) {
      const TransferStatus status = exchange.ending.results[i].status;
      const TransferId id = exchange.transfers[i].id;
      if (status == TransferStatus::kCreated) ++created[id];
      if (status == TransferStatus::kExists) created.try_emplace(id);
    }
  }
  std::set<TransferId> found;
  for (const FoundTransfer& there : state.transfers) {
    found.insert(there.transfer.id);
  }
  KeptPromises kept{.acknowledged = created.size()};
  for (const auto& [id, times] : created) {
    kept.lost += !found.contains(id);
    kept.doubled += times > 1;
  }
  return kept;
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
