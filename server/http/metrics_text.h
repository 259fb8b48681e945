// What a replica tells Prometheus, in its text format.
//
//   std::string text = MetricsText(status, standing, &counters, archiver);
//
// Shape    Pure: the same answers as operators get (GetStatus,
//          GetRecoveryCounters) under names that begin with `ledgerd_`, in base
//          units. No name of an account or a client is ever a label.
// Source   ecosystem.md, "Metrics".
#ifndef LEDGERD_SERVER_HTTP_METRICS_TEXT_H_
#define LEDGERD_SERVER_HTTP_METRICS_TEXT_H_

#include <string>

#include "admin/v1/admin.pb.h"
#include "server/standing.h"
#include "storage/journal_archiver.h"

namespace ledgerd::server {

// `counters`: null where they cannot be read; there are none of them then.
// `archive`: null where the journal has none.
std::string MetricsText(const admin::v1::GetStatusResponse& status,
                        const Standing& standing,
                        const admin::v1::GetRecoveryCountersResponse* counters,
                        const storage::ArchiveProgress* archive);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_HTTP_METRICS_TEXT_H_
