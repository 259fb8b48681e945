// status: what a replica knows of itself and of its group.
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/roles.h"
#include "client/ledgerctl/values.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {
namespace {

namespace v1 = ::admin::v1;

std::string ProtoTimeText(const google::protobuf::Timestamp& time) {
  return TimeText(
      Timestamp(static_cast<uint64_t>(time.seconds()) * kNanosPerSecond +
                static_cast<uint64_t>(time.nanos())));
}

// "-" where it is not known.
std::string HeardText(const v1::ReplicaStatus& replica) {
  if (!replica.has_since_heartbeat()) return "-";
  const google::protobuf::Duration& since = replica.since_heartbeat();
  return absl::StrCat(since.seconds() * 1'000 + since.nanos() / 1'000'000);
}

std::vector<Record> Replicas(const v1::GetStatusResponse& status) {
  std::vector<Record> records;
  for (const v1::ReplicaStatus& replica : status.replicas()) {
    records.push_back({Number("replica", replica.replica_id()),
                       Text("role", RoleName(replica.role())),
                       Text("address", replica.client_address()),
                       Text("admin_address", replica.admin_address()),
                       Number("incarnation", uint64_t{replica.incarnation()}),
                       Boolean("connected", replica.connected()),
                       Text("heard_ms_ago", HeardText(replica)),
                       Number("acknowledged", replica.acknowledged_sequence()),
                       Number("applied", replica.applied_sequence()),
                       Number("lag_entries", replica.lag_entries())});
  }
  return records;
}

std::vector<Record> Alarms(const v1::GetStatusResponse& status) {
  std::vector<Record> records;
  for (const v1::Alarm& alarm : status.alarms()) {
    records.push_back(
        {Text("alarm", alarm.name()), Number("replica", alarm.replica_id()),
         Text("blocks", alarm.blocks()), Text("message", alarm.message())});
  }
  return records;
}

Record ToRecord(const v1::GetStatusResponse& status) {
  return {Number("replica", status.replica_id()),
          Text("cluster", status.cluster_id()),
          Text("version", status.version()),
          Text("role", RoleName(status.role())),
          Number("epoch", status.epoch()),
          Number("primary", status.primary_id()),
          Text("primary_address", status.primary_address()),
          Number("journal_first", status.journal_first_sequence()),
          Number("journal_last", status.journal_last_sequence()),
          Number("committed", status.commit_sequence()),
          Number("applied", status.applied_sequence()),
          Number("checkpoint", status.checkpoint_sequence()),
          Text("commit_hash", absl::BytesToHexString(status.commit_hash())),
          Text("fault_margin", absl::StrCat(status.fault_margin())),
          Boolean("failover_paused", status.failover_paused()),
          Text("started", ProtoTimeText(status.started_at())),
          Number("disk_free_bytes", status.disk_free_bytes()),
          List("replicas", Replicas(status)),
          List("alarms", Alarms(status))};
}

bool IsHealthy(const v1::GetStatusResponse& status) {
  if (status.role() == v1::ROLE_HALTED || status.primary_id() == 0) {
    return false;
  }
  for (const v1::Alarm& alarm : status.alarms()) {
    if (!alarm.blocks().empty()) return false;
  }
  return status.fault_margin() >= 0;
}

absl::StatusOr<ExitCode> Show(Context& context) {
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  LEDGERD_ASSIGN_OR_RETURN(const auto status, admin->GetStatus());
  context.MakePrinter().One(ToRecord(status));
  if (status.failover_paused()) {
    Context::Warn(
        "failover is paused: no replica promotes by itself until 'ledgerctl "
        "resume'");
  }
  if (IsHealthy(status)) return ExitCode::kOk;
  Context::Warn(
      "writes are not served: no primary, too few replicas, or an alarm that "
      "blocks them");
  return ExitCode::kUnhealthy;
}

}  // namespace

void AddStatusCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "status", "Show what a replica knows of itself and of its group.");
  command->footer(
      "Asks the operators' port of any replica, --admin-address. The primary "
      "alone knows how far the others' journals are (acknowledged, "
      "lag_entries), and how many more voters may fail before writes stop "
      "(fault_margin).\nExit code 5: writes are not "
      "served.\n\nExample:\n  ledgerctl status -o yaml");
  command->callback([&context] { context.Run([&] { return Show(context); }); });
}

}  // namespace ledgerd::client
