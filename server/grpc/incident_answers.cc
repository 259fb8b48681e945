#include "server/grpc/incident_answers.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "proto/errors.h"
#include "server/grpc/incident_messages.h"
#include "server/incidents/completion_tail.h"
#include "server/incidents/recovery_counters.h"

namespace ledgerd::server {
namespace {

absl::Status CheckScope(const admin::v1::GetRecoveryCountersRequest& request) {
  if (admin::v1::Scope_IsValid(request.scope())) return absl::OkStatus();
  return MakeFieldError(
      "scope", absl::StrCat(static_cast<int>(request.scope()),
                            " is no scope that this version knows: ask for "
                            "SCOPE_GROUP or SCOPE_REPLICA"));
}

absl::Status CheckKinds(const admin::v1::ListIncidentsRequest& request) {
  for (int i = 0; i < request.kinds_size(); ++i) {
    const int kind = request.kinds(i);
    if (kind != admin::v1::INCIDENT_KIND_UNSPECIFIED &&
        admin::v1::IncidentKind_IsValid(kind)) {
      continue;
    }
    return MakeFieldError(
        absl::StrCat("kinds[", i, "]"),
        absl::StrCat(kind,
                     " is no kind of incidents that this version knows; "
                     "without kinds all are listed"));
  }
  return absl::OkStatus();
}

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

absl::StatusOr<IncidentsRead> IncidentAnswers::ReadAfter(
    Sequence after, replication::Deadline deadline) const {
  return ReadIncidents(group_.replica, group_.store, after, deadline);
}

absl::Status IncidentAnswers::Count(
    const admin::v1::GetRecoveryCountersRequest& request, Timestamp now,
    replication::Deadline deadline,
    admin::v1::GetRecoveryCountersResponse& response, Writes writes) const {
  LEDGERD_RETURN_IF_ERROR(CheckScope(request));
  CounterOptions options;
  LEDGERD_ASSIGN_OR_RETURN(options.since, WindowStart(request, now));
  CompletionTail::Counts tail;
  const auto count_tail = [&] {
    if (group_.completion == nullptr || writes == Writes::kNoted) return;
    tail = group_.completion->Count(options.since);
  };
  LEDGERD_ASSIGN_OR_RETURN(const IncidentsRead read,
                           ReadIncidents(group_.replica, group_.store,
                                         Sequence(0), deadline, count_tail));
  if (request.scope() == admin::v1::SCOPE_REPLICA) {
    const replication::ReplicaStatus status = group_.replica.status();
    options.replica = status.replica;
    // What is not noted yet is the primary's.
    if (status.primary != status.replica) tail = {};
  }
  options.include_injected = request.include_injected();
  options.include_planned = request.include_planned();
  const RecoveryCounters counters = CountIncidents(read.records, options);
  ToMessage(counters, response);
  CompletionToMessage(counters.completion, tail,
                      *response.mutable_completion());
  response.set_sequence(read.through.value());
  return absl::OkStatus();
}

absl::Status IncidentAnswers::List(
    const admin::v1::ListIncidentsRequest& request,
    replication::Deadline deadline,
    admin::v1::ListIncidentsResponse& response) const {
  LEDGERD_RETURN_IF_ERROR(CheckKinds(request));
  if (request.page_size() > kPageMax) {
    return MakeFieldError(
        "page_size",
        absl::StrCat("is at most ", kPageMax, ", not ", request.page_size()));
  }
  const size_t page =
      request.page_size() == 0 ? kPageDefault : request.page_size();
  const Timestamp since(
      static_cast<uint64_t>(std::max<int64_t>(request.since().seconds(), 0)) *
          kNanosPerSecond +
      static_cast<uint64_t>(std::max(request.since().nanos(), 0)));
  LEDGERD_ASSIGN_OR_RETURN(const IncidentsRead read,
                           ReadAfter(Sequence(0), deadline));
  std::vector<Incident> incidents = NewestOf(read.records);
  std::erase_if(incidents,
                [](const Incident& incident) { return IsNote(incident.kind); });
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
