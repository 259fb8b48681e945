#include "server/http/monitoring.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "admin/v1/admin.pb.h"
#include "server/grpc/status_message.h"

namespace ledgerd::server {
namespace {

constexpr int kYes = 200;
constexpr int kNo = 503;

HttpAnswer Say(bool yes, const std::string& why) {
  return {.status = yes ? kYes : kNo, .body = absl::StrCat(why, "\n")};
}

}  // namespace

void Monitoring::SetStanding(const Standing& standing) {
  const MutexLock lock(mutex_);
  if (!stopped_) standing_ = standing;
}

void Monitoring::StopServing() {
  const MutexLock lock(mutex_);
  stopped_ = true;
  standing_ = Standing();
}

Standing Monitoring::Now() const {
  const MutexLock lock(mutex_);
  return standing_;
}

HttpAnswer Monitoring::Answer(const HttpRequest& request) const {
  const std::string role(Name(group_.replica.status().role));
  if (request.path == "/livez") return Live();
  if (request.path == "/readyz") return Say(Now().ready, role);
  if (request.path == "/primary") return Say(Now().writes, role);
  if (request.path == "/standby") return IsStandby(request);
  if (request.path == "/metrics") return Metrics();
  return {.status = 404,
          .body =
              "there are /livez, /readyz, /primary, /standby?lag=N and "
              "/metrics\n"};
}

HttpAnswer Monitoring::Live() const {
  const replication::ReplicaStatus status = group_.replica.status();
  if (status.role != replication::Role::kHalted) return Say(true, "ok");
  return Say(false, absl::StrCat("halted: ", status.fault.ToString()));
}

HttpAnswer Monitoring::IsStandby(const HttpRequest& request) const {
  const replication::ReplicaStatus status = group_.replica.status();
  const uint64_t lag = status.commit.sequence.value() -
                       std::min(status.commit.sequence, status.applied).value();
  const std::string words =
      absl::StrCat(Name(status.role), ", ", lag, " entries behind");
  const bool serves = status.role == replication::Role::kStandby && Now().reads;
  const auto wanted = request.parameters.find("lag");
  if (wanted == request.parameters.end()) return Say(serves, words);
  uint64_t lag_max = 0;
  if (!absl::SimpleAtoi(wanted->second, &lag_max)) {
    return {.status = 400,
            .body = absl::StrCat("lag is a number of entries, not \"",
                                 wanted->second, "\"\n")};
  }
  return Say(serves && lag <= lag_max, words);
}

void Monitoring::FillCounters(Timestamp now, MetricsInput& input) const {
  const auto deadline = std::chrono::steady_clock::now() + kReadPatience;
  admin::v1::GetRecoveryCountersResponse counters;
  // Prometheus takes a counter that falls for a restart.
  if (!incidents_
           .Count({}, now, deadline, counters, IncidentAnswers::Writes::kNoted)
           .ok()) {
    return;
  }
  input.counters = std::move(counters);
  admin::v1::GetRecoveryCountersRequest all;
  all.set_include_planned(true);
  all.set_include_injected(true);
  admin::v1::GetRecoveryCountersResponse with_planned;
  if (!incidents_.Count(all, now, deadline, with_planned).ok()) return;
  input.promotions = with_planned.failover().successful();
}

HttpAnswer Monitoring::Metrics() const {
  const Timestamp now = clock_.WallNow();
  MetricsInput input;
  FillStatus(group_, now, input.status);
  input.standing = Now();
  FillCounters(now, input);
  if (group_.archiver != nullptr) input.archive = group_.archiver->progress();
  input.delta_bytes = group_.replica.status().delta_bytes;
  input.detections = group_.damage.detections();
  if (group_.scrub_passes) {
    input.last_clean_scrub = group_.scrub_passes().last_clean;
  }
  input.counts = counts_;
  return {.body = MetricsText(input),
          .type = "text/plain; version=0.0.4; charset=utf-8"};
}

}  // namespace ledgerd::server
