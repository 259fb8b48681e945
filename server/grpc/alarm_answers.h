// What operators are told of this replica's alarms, and which of them they can
// clear.
//
//   ListAlarms(group, now, response);
//   absl::Status cleared = ClearAlarm(group, request, now);
//
// Shape   The alarms of GetStatus. An alarm that says what is so ends with it;
//         one that remembers what a read or a comparison has met
//         (STATE_DAMAGED, JOURNAL_DAMAGED, STATE_MISMATCH, DISK_ERROR) is
//         cleared by whoever has seen to it, and is raised again by the next
//         such read. Each replica has its own.
// Errors  INVALID_FIELD: none of that name, one that still holds, or another
//         replica's; the message says what ends it, or whom to ask.
#ifndef LEDGERD_SERVER_GRPC_ALARM_ANSWERS_H_
#define LEDGERD_SERVER_GRPC_ALARM_ANSWERS_H_

#include <cstddef>

#include "absl/status/status.h"

#include "admin/v1/admin.pb.h"
#include "proto/types.h"
#include "server/served_group.h"

namespace ledgerd::server {

// No alarm's name is longer; of what is asked for, no more is told.
inline constexpr size_t kAlarmNameMax = 64;

void ListAlarms(const ServedGroup& group, Timestamp now,
                admin::v1::ListAlarmsResponse& response);

// Of replica 0: this one.
absl::Status ClearAlarm(const ServedGroup& group,
                        const admin::v1::ClearAlarmRequest& request,
                        Timestamp now);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_ALARM_ANSWERS_H_
