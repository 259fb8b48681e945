// alarms, alarms clear: what is wrong at a replica.
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"

#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/repeat.h"
#include "client/ledgerctl/values.h"
#include "proto/base/status_macros.h"
#include "proto/types.h"

namespace ledgerd::client {
namespace {

namespace v1 = ::admin::v1;

struct ClearOptions {
  std::string name;
  uint64_t replica = 0;
};

// "-" where it is not known.
std::string RaisedText(const v1::Alarm& alarm) {
  if (!alarm.has_raised_at()) return "-";
  const google::protobuf::Timestamp& at = alarm.raised_at();
  return TimeText(
      Timestamp(static_cast<uint64_t>(at.seconds()) * kNanosPerSecond +
                static_cast<uint64_t>(at.nanos())));
}

absl::StatusOr<ExitCode> ShowAlarms(Context& context) {
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  LEDGERD_ASSIGN_OR_RETURN(const auto raised, admin->ListAlarms());
  bool blocked = false;
  Printer printer = context.MakePrinter();
  for (const v1::Alarm& alarm : raised.alarms()) {
    blocked = blocked || !alarm.blocks().empty();
    printer.Row(
        {Text("alarm", alarm.name()), Number("replica", alarm.replica_id()),
         Text("blocks", alarm.blocks()), Text("raised", RaisedText(alarm)),
         Text("message", alarm.message())});
  }
  printer.Finish();
  if (raised.alarms().empty()) {
    Context::Say("No alarm is raised at this replica.");
  }
  return blocked ? ExitCode::kUnhealthy : ExitCode::kOk;
}

absl::StatusOr<ExitCode> ClearAlarm(Context& context,
                                    const ClearOptions& options) {
  v1::ClearAlarmRequest request;
  request.set_name(options.name);
  request.set_replica_id(options.replica);
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  LEDGERD_RETURN_IF_ERROR(admin->ClearAlarm(request));
  Context::Say(absl::StrCat(options.name,
                            " is cleared. It is raised again when the damage "
                            "is met again."));
  return ExitCode::kOk;
}

}  // namespace

void AddAlarmsCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "alarms", "Show what is wrong at a replica, and what that blocks.");
  command->footer(
      "Asks the operators' port of that replica, --admin-address: each has its "
      "own. blocks is what stops: writes, all, or nothing.\nExit code 5: an "
      "alarm blocks something.\n\nExample:\n  ledgerctl alarms -o json");
  const auto options = std::make_shared<ClearOptions>();
  CLI::App* clear = command->add_subcommand(
      "clear",
      "End an alarm that remembers damage which a read or a comparison has "
      "met, once it is seen to: STATE_DAMAGED, JOURNAL_DAMAGED, "
      "STATE_MISMATCH, DISK_ERROR.");
  clear->add_option("name", options->name, "As 'ledgerctl alarms' shows it")
      ->type_name("ALARM")
      ->required();
  clear->add_option("--replica", options->replica,
                    "Only if that is the replica which is asked");
  clear->footer(
      "All other alarms end by themselves, with their cause (exit code 4). The "
      "replica's log has who cleared it.\n\nExample:\n  ledgerctl alarms clear "
      "STATE_DAMAGED --admin-address ledger-b:7301");
  clear->callback([&context, options] {
    context.Run([&] { return ClearAlarm(context, *options); });
  });
  command->callback([&context, command, repeat = AddRepeat(*command)] {
    // CLI11 has called that of a subcommand before.
    if (!command->get_subcommands().empty()) return;
    RunRepeated(context, *repeat, [&] { return ShowAlarms(context); });
  });
}

}  // namespace ledgerd::client
