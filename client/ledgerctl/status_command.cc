// status: what a replica knows of itself and of its group.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/group_advice.h"
#include "client/ledgerctl/repeat.h"
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

uint64_t Milliseconds(const google::protobuf::Duration& time) {
  return static_cast<uint64_t>(time.seconds()) * 1'000 +
         static_cast<uint64_t>(time.nanos()) / 1'000'000;
}

// "-" where it is not known.
std::string HeardText(const v1::ReplicaStatus& replica) {
  if (!replica.has_since_heartbeat()) return "-";
  return absl::StrCat(Milliseconds(replica.since_heartbeat()));
}

// "-" where it is not known: only a primary hears the others.
std::string FaultMarginText(const v1::GetStatusResponse& status) {
  if (status.role() != v1::ROLE_PRIMARY && status.fault_margin() == 0) {
    return "-";
  }
  return absl::StrCat(status.fault_margin());
}

// What is not known is left out: a 0 would look like an answer.
std::vector<Record> Replicas(const v1::GetStatusResponse& status) {
  const bool is_primary = status.role() == v1::ROLE_PRIMARY;
  std::vector<Record> records;
  for (const v1::ReplicaStatus& replica : status.replicas()) {
    const bool is_self = replica.replica_id() == status.replica_id();
    Record record = {Number("replica", replica.replica_id()),
                     Text("role", RoleName(replica.role())),
                     Text("address", replica.client_address()),
                     Text("admin_address", replica.admin_address()),
                     Number("incarnation", uint64_t{replica.incarnation()}),
                     Boolean("connected", replica.connected()),
                     Text("heard_ms_ago", HeardText(replica))};
    if (is_primary || is_self) {
      record.push_back(Number("acknowledged", replica.acknowledged_sequence()));
    }
    if (is_self) {
      record.push_back(Number("applied", replica.applied_sequence()));
    } else if (is_primary) {
      record.push_back(Number("lag_entries", replica.lag_entries()));
      record.push_back(Number("lag_ms", Milliseconds(replica.lag())));
    }
    records.push_back(std::move(record));
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
          Text("fault_margin", FaultMarginText(status)),
          Boolean("failover_paused", status.failover_paused()),
          Text("started", ProtoTimeText(status.started_at())),
          Text("last_scrub", status.has_last_scrub_at()
                                 ? ProtoTimeText(status.last_scrub_at())
                                 : "-"),
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
  for (const Advice& advice : AdviceOf(status)) Context::Warn(Words(advice));
  if (status.role() != v1::ROLE_PRIMARY && status.primary_id() != 0) {
    Context::Say(absl::StrCat(
        "How far the others are, the primary knows: 'ledgerctl status "
        "--admin-address ",
        status.primary_admin_address().empty() ? "ADDRESS"
                                               : status.primary_admin_address(),
        "'"));
  }
  if (IsHealthy(status)) return ExitCode::kOk;
  Context::Warn(
      "payments are not taken: no primary, too few voters, or an alarm that "
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
      "lag_entries; left out elsewhere), and how many more voters may fail "
      "before writes stop (fault_margin). What is missing is said below, with "
      "what to do.\nExit code 5: writes are not "
      "served.\n\nExamples:\n  ledgerctl status -o yaml\n  ledgerctl status "
      "-w");
  command->callback([&context, repeat = AddRepeat(*command)] {
    RunRepeated(context, *repeat, [&] { return Show(context); });
  });
}

}  // namespace ledgerd::client
