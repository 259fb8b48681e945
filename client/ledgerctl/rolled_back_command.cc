// rolled-back: what a replica cut off its journal when it rejoined its group.
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/repeat.h"
#include "client/ledgerctl/values.h"
#include "proto/base/status_macros.h"
#include "proto/types.h"

namespace ledgerd::client {
namespace {

namespace v1 = ::admin::v1;

Record ToRecord(const v1::RolledBackEntry& cut) {
  const v1::JournalEntry& entry = cut.entry();
  const google::protobuf::Timestamp& at = cut.rolled_back_at();
  return {Number("sequence", entry.sequence()),
          Number("epoch", entry.epoch()),
          Text("operation", entry.operation()),
          Text("timestamp", TimeText(Timestamp(entry.timestamp()))),
          Text("rolled_back",
               TimeText(Timestamp(static_cast<uint64_t>(at.seconds()) *
                                      kNanosPerSecond +
                                  static_cast<uint64_t>(at.nanos())))),
          Number("new_epoch", cut.new_epoch()),
          Text("hash", absl::BytesToHexString(entry.hash()))};
}

absl::StatusOr<ExitCode> Show(Context& context) {
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  LEDGERD_ASSIGN_OR_RETURN(const auto cut, admin->ListRolledBack());
  Printer printer = context.MakePrinter();
  for (const v1::RolledBackEntry& entry : cut.entries()) {
    printer.Row(ToRecord(entry));
  }
  printer.Finish();
  Context::Say(absl::StrCat(
      cut.entries_size(), " entries were cut off this replica's journal",
      cut.entries().empty()
          ? "."
          : ". No client was told that they were done, unless a promotion was "
            "forced: whoever asked for one got OUTCOME_UNKNOWN, or the answer "
            "of the group that went on."));
  return ExitCode::kOk;
}

}  // namespace

void AddRolledBackCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "rolled-back",
      "Show the uncommitted entries that a replica cut off its journal when it "
      "rejoined a group that had gone on without them.");
  command->footer(
      "Asks the operators' port of that replica, --admin-address: each has its "
      "own. The newest rollback comes first. new_epoch is the one in which the "
      "group went on without the entry; 0: not known, or nothing has come in "
      "its place yet. The files are in rolled_back/ of "
      "its data directory, and are kept.\n\nExample:\n  ledgerctl rolled-back "
      "-o json --admin-address ledger-b:7301");
  command->callback([&context, repeat = AddRepeat(*command)] {
    RunRepeated(context, *repeat, [&] { return Show(context); });
  });
}

}  // namespace ledgerd::client
