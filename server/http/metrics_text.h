// What a replica tells Prometheus, in its text format.
//
//   std::string text = MetricsText(input);
//
// Shape    Pure: the same answers as operators get (GetStatus,
//          GetRecoveryCounters), and what was counted meanwhile, under names
//          that begin with `ledgerd_`, in base units. No name of an account or
//          a client is ever a label.
// Source   ecosystem.md, "Metrics".
#ifndef LEDGERD_SERVER_HTTP_METRICS_TEXT_H_
#define LEDGERD_SERVER_HTTP_METRICS_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "admin/v1/admin.pb.h"
#include "proto/types.h"
#include "server/http/traffic_metrics.h"
#include "server/standing.h"
#include "storage/journal_archiver.h"

namespace ledgerd::server {

struct MetricsInput {
  admin::v1::GetStatusResponse status;
  Standing standing;
  // None where they cannot be read.
  std::optional<admin::v1::GetRecoveryCountersResponse> counters;
  std::optional<uint64_t> promotions;
  // None where the journal has none.
  std::optional<storage::ArchiveProgress> archive;
  uint64_t delta_bytes = 0;
  // Of damage, since the start.
  uint64_t detections = 0;
  // 0: none since the start.
  Timestamp last_clean_scrub;
  ServedCounts counts;
};

std::string MetricsText(const MetricsInput& input);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_HTTP_METRICS_TEXT_H_
