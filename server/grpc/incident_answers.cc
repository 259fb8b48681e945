#include "server/grpc/incident_answers.h"

#include <algorithm>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "proto/errors.h"
#include "server/grpc/incident_messages.h"
#include "server/incidents/recovery_counters.h"

namespace ledgerd::server {
namespace {

bool Matches(const admin::v1::ListIncidentsRequest& request, Timestamp since,
             const Incident& incident) {
  const auto& kinds = request.kinds();
  const bool kind_matches =
      kinds.empty() ||
      std::find(kinds.begin(), kinds.end(), static_cast<int>(incident.kind)) !=
          kinds.end();
  return kind_matches && incident.started_at >= since;
}

absl::StatusOr<Timestamp> WindowStart(
    const admin::v1::GetRecoveryCountersRequest& request, Timestamp now) {
  if (!request.has_window()) return Timestamp(0);
  const google::protobuf::Duration& window = request.window();
  if (window.seconds() < 0 || window.nanos() < 0 ||
      (window.seconds() == 0 && window.nanos() == 0)) {
    return MakeFieldError("window", "is more than nothing");
  }
  const auto seconds = static_cast<uint64_t>(window.seconds());
  const uint64_t past = now.value() / kNanosPerSecond;
  if (seconds >= past) return Timestamp(0);
  return Timestamp(now.value() - seconds * kNanosPerSecond -
                   static_cast<uint64_t>(window.nanos()));
}

// Where the page begins in `newest_first`.
absl::StatusOr<size_t> PageStart(const std::string& token,
                                 const std::vector<Incident>& newest_first) {
  if (token.empty()) return 0;
  const auto last = std::find_if(
      newest_first.begin(), newest_first.end(),
      [&](const Incident& incident) { return ToString(incident.id) == token; });
  if (last == newest_first.end()) {
    return MakeFieldError("page_token", "is no next_page_token");
  }
  return static_cast<size_t>(last - newest_first.begin()) + 1;
}

}  // namespace

absl::Status CountRecoveries(
    const admin::v1::GetRecoveryCountersRequest& request,
    const std::vector<Incident>& records, Timestamp now,
    admin::v1::GetRecoveryCountersResponse& response) {
  CounterOptions options;
  LEDGERD_ASSIGN_OR_RETURN(options.since, WindowStart(request, now));
  options.include_injected = request.include_injected();
  options.include_planned = request.include_planned();
  ToMessage(CountIncidents(records, options), response);
  return absl::OkStatus();
}

absl::Status ListIncidents(const admin::v1::ListIncidentsRequest& request,
                           const std::vector<Incident>& records,
                           admin::v1::ListIncidentsResponse& response) {
  if (request.page_size() > kIncidentPageMax) {
    return MakeFieldError(
        "page_size", absl::StrCat("is at most ", kIncidentPageMax, ", not ",
                                  request.page_size()));
  }
  const size_t page =
      request.page_size() == 0 ? kIncidentPageDefault : request.page_size();
  const Timestamp since(
      static_cast<uint64_t>(std::max<int64_t>(request.since().seconds(), 0)) *
          kNanosPerSecond +
      static_cast<uint64_t>(std::max(request.since().nanos(), 0)));
  std::vector<Incident> incidents = NewestOf(records);
  std::reverse(incidents.begin(), incidents.end());
  LEDGERD_ASSIGN_OR_RETURN(size_t i,
                           PageStart(request.page_token(), incidents));
  size_t count = 0;
  for (; i < incidents.size(); ++i) {
    if (!Matches(request, since, incidents[i])) continue;
    if (count == page) {
      response.set_next_page_token(
          response.incidents(response.incidents_size() - 1).id());
      break;
    }
    ToMessage(incidents[i], *response.add_incidents());
    ++count;
  }
  return absl::OkStatus();
}

}  // namespace ledgerd::server
