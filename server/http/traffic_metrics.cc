#include "server/http/traffic_metrics.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"

#include "proto/errors.h"
#include "proto/statuses.h"

namespace ledgerd::server {
namespace {

constexpr double kNanosecond = 1e-9;

bool IsEmpty(const Histogram& histogram) {
  const Histogram::Counts counts = histogram.Get();
  return std::all_of(counts.values.begin(), counts.values.end(),
                     [](uint64_t count) { return count == 0; });
}

void AddDurations(const RequestCounts& counts, MetricFamilies& metrics) {
  for (size_t i = 0; i < kMethods; ++i) {
    const auto method = static_cast<Method>(i);
    for (size_t j = 0; j < RequestCounts::kCodes; ++j) {
      const auto code = static_cast<absl::StatusCode>(j);
      const Histogram& durations = counts.durations(method, code);
      if (IsEmpty(durations)) continue;
      metrics.Distribution(
          "ledgerd_request_seconds",
          "From a client's request to its answer; of streams and batches each "
          "request counts once.",
          durations, kNanosecond,
          {{"method", std::string(Name(method))},
           {"code", absl::StatusCodeToString(code)}});
    }
  }
}

void AddRefusals(const RequestCounts& counts, MetricFamilies& metrics) {
  for (size_t i = 0; i < RequestCounts::kReasons; ++i) {
    const auto reason = static_cast<Reason>(i);
    const uint64_t refusals = counts.refusals(reason);
    if (refusals == 0) continue;
    metrics.Counter("ledgerd_rejected_total",
                    "Requests of clients that ended in an error, by its "
                    "reason.",
                    static_cast<double>(refusals),
                    {{"reason", std::string(Name(reason))}});
  }
}

void AddTransfers(const RequestCounts& counts, MetricFamilies& metrics) {
  const auto add = [&](TransferStatus status) {
    const uint64_t transfers = counts.transfers(status);
    if (transfers == 0) return;
    metrics.Counter("ledgerd_transfers_total",
                    "Transfers that were executed here and answered, by what "
                    "became of them.",
                    static_cast<double>(transfers),
                    {{"status", std::string(Name(status))}});
  };
#define LEDGERD_ADD(name, text, value) add(TransferStatus::name);
  LEDGERD_TRANSFER_STATUSES(LEDGERD_ADD)
#undef LEDGERD_ADD
}

}  // namespace

void AddTraffic(const ServedCounts& counts, MetricFamilies& metrics) {
  if (counts.requests != nullptr) {
    AddDurations(*counts.requests, metrics);
    AddRefusals(*counts.requests, metrics);
    AddTransfers(*counts.requests, metrics);
  }
  if (counts.journal == nullptr) return;
  metrics.Distribution("ledgerd_journal_sync_seconds",
                       "A write of the journal and its sync: a group commit.",
                       counts.journal->syncs(), kNanosecond);
  metrics.Distribution("ledgerd_journal_group_entries",
                       "Entries that one sync has made durable.",
                       counts.journal->entries(), /*unit=*/1);
}

}  // namespace ledgerd::server
