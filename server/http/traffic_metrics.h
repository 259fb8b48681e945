// What a replica counts while it serves, as metrics.
//
//   AddTraffic({.requests = &service.counts(), .journal = ...}, metrics);
//
// Shape    Nothing of what has not happened: a method and code, a reason, or a
//          status is there from its first time on.
// Source   ecosystem.md, "Metrics".
#ifndef LEDGERD_SERVER_HTTP_TRAFFIC_METRICS_H_
#define LEDGERD_SERVER_HTTP_TRAFFIC_METRICS_H_

#include "server/http/metric_families.h"
#include "server/journal_counts.h"
#include "server/request_counts.h"

namespace ledgerd::server {

// Null where nothing is counted.
struct ServedCounts {
  const RequestCounts* requests = nullptr;
  const JournalCounts* journal = nullptr;
};

void AddTraffic(const ServedCounts& counts, MetricFamilies& metrics);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_HTTP_TRAFFIC_METRICS_H_
