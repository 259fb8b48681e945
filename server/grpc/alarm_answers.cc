#include "server/grpc/alarm_answers.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "proto/errors.h"
#include "server/grpc/status_message.h"

namespace ledgerd::server {
namespace {

absl::Status CheckReplica(const ServedGroup& group, uint64_t asked) {
  const ReplicaId self = group.replica.status().replica;
  if (asked == 0 || asked == self.value()) return absl::OkStatus();
  const std::string admin = group.addresses.Of(ReplicaId(asked)).admin;
  return MakeFieldError(
      "replica_id",
      absl::StrCat("this is replica ", self.value(),
                   ", and each has alarms of its own: ask replica ", asked,
                   admin.empty() ? "" : " at ", admin));
}

absl::Status NotRaised(const std::string& name,
                       const admin::v1::ListAlarmsResponse& raised) {
  std::string names;
  for (const admin::v1::Alarm& alarm : raised.alarms()) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", alarm.name());
  }
  return MakeFieldError(
      "name", absl::StrCat("no alarm \"", name.substr(0, kAlarmNameMax),
                           "\" is raised here; raised: ",
                           names.empty() ? "none" : names));
}

absl::Status StillHolds(const admin::v1::Alarm& alarm) {
  return MakeFieldError(
      "name",
      absl::StrCat(alarm.name(), " is not cleared, it ends with its cause: ",
                   alarm.message()));
}

}  // namespace

void ListAlarms(const ServedGroup& group, Timestamp now,
                admin::v1::ListAlarmsResponse& response) {
  admin::v1::GetStatusResponse status;
  FillStatus(group, now, status);
  response.mutable_alarms()->Swap(status.mutable_alarms());
}

absl::Status ClearAlarm(const ServedGroup& group,
                        const admin::v1::ClearAlarmRequest& request,
                        Timestamp now) {
  LEDGERD_RETURN_IF_ERROR(CheckReplica(group, request.replica_id()));
  if (group.damage.Clear(request.name())) return absl::OkStatus();
  admin::v1::ListAlarmsResponse raised;
  ListAlarms(group, now, raised);
  for (const admin::v1::Alarm& alarm : raised.alarms()) {
    if (alarm.name() == request.name()) return StillHolds(alarm);
  }
  return NotRaised(request.name(), raised);
}

}  // namespace ledgerd::server
