// Monitoring answers what probes and Prometheus ask of a replica over HTTP.
//
//   Monitoring monitoring(group, clock);
//   monitoring.SetStanding(standing);    // again and again
//   HttpAnswer answer = monitoring.Answer(request);
//
// Shape    200 for yes and 503 for no, with the reason as text:
//            /livez           the process is not to be restarted: it has not
//                             halted
//            /readyz          the replica does its part: primary, or follows
//                             one
//            /primary         it takes writes
//            /standby?lag=N   it is a standby that serves reads and has applied
//                             all but N of what it knows to be committed; any
//                             number when it is left out
//            /metrics         metrics_text.h
//          Before the first SetStanding, and after StopServing, it is not
//          ready.
// Threads  Any. /metrics waits for a read of the state, kReadPatience at most.
// Source   ecosystem.md.
#ifndef LEDGERD_SERVER_HTTP_MONITORING_H_
#define LEDGERD_SERVER_HTTP_MONITORING_H_

#include <chrono>
#include <string>

#include "proto/base/mutex.h"
#include "proto/types.h"
#include "replication/clock.h"
#include "server/grpc/incident_answers.h"
#include "server/http/http_request.h"
#include "server/http/metrics_text.h"
#include "server/http/traffic_metrics.h"
#include "server/served_group.h"
#include "server/standing.h"

namespace ledgerd::server {

class Monitoring {
 public:
  static constexpr std::chrono::milliseconds kReadPatience{500};

  // All of them outlive it.
  Monitoring(ServedGroup& group, const replication::Clock& clock,
             const ServedCounts& counts)
      : group_(group), clock_(clock), counts_(counts), incidents_(group) {}

  void SetStanding(const Standing& standing) LEDGERD_EXCLUDES(mutex_);

  // Whatever SetStanding says afterwards.
  void StopServing() LEDGERD_EXCLUDES(mutex_);

  HttpAnswer Answer(const HttpRequest& request) const LEDGERD_EXCLUDES(mutex_);

 private:
  Standing Now() const LEDGERD_EXCLUDES(mutex_);
  HttpAnswer Live() const;
  HttpAnswer IsStandby(const HttpRequest& request) const;
  HttpAnswer Metrics() const;
  void FillCounters(Timestamp now, MetricsInput& input) const;

  ServedGroup& group_;
  const replication::Clock& clock_;
  const ServedCounts counts_;
  const IncidentAnswers incidents_;
  mutable Mutex mutex_;
  Standing standing_ LEDGERD_GUARDED_BY(mutex_);
  bool stopped_ LEDGERD_GUARDED_BY(mutex_) = false;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_HTTP_MONITORING_H_
