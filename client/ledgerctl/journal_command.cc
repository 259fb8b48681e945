// journal dump: what was done, in order, with its hash chain checked.
#include <memory>

#include "absl/strings/str_cat.h"

#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/journal_chain.h"
#include "client/ledgerctl/records.h"
#include "client/ledgerctl/values.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {
namespace {

struct DumpOptions {
  uint64_t from = 0;
  uint64_t to = 0;
  bool follow = false;
  bool events = false;
};

std::vector<Record> EventsOf(const Entry& entry) {
  std::vector<Record> events;
  if (entry.kind() == EntryKind::kCreateAccounts) {
    for (const Account& account : entry.rows<Account>()) {
      events.push_back({Text("id", ToString(account.id.value())),
                        Number("ledger", uint64_t{account.ledger}),
                        Number("code", uint64_t{account.code}),
                        Text("flags", AccountFlagNames(account.flags))});
    }
  } else if (entry.kind() == EntryKind::kCreateTransfers) {
    for (const Transfer& transfer : entry.rows<Transfer>()) {
      events.push_back(ToRecord(transfer));
    }
  }
  return events;
}

Record ToRecord(const Entry& entry, bool with_events) {
  Record record = {Number("sequence", entry.sequence().value()),
                   Number("epoch", entry.epoch().value()),
                   Text("operation", std::string(Name(entry.kind()))),
                   Number("count", uint64_t{entry.event_count()}),
                   Text("timestamp", TimeText(entry.timestamp())),
                   Text("hash", ToHex(entry.hash()))};
  if (with_events) record.push_back(List("events", EventsOf(entry)));
  return record;
}

// Where the journal begins on that replica: 1, or what is still kept.
absl::StatusOr<Sequence> FirstSequence(AdminClient& admin) {
  LEDGERD_ASSIGN_OR_RETURN(const auto status, admin.GetStatus());
  return Sequence(std::max<uint64_t>(1, status.journal_first_sequence()));
}

absl::StatusOr<ExitCode> Dump(Context& context, const DumpOptions& options) {
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  AdminClient::Range range{.from = Sequence(options.from),
                           .to = Sequence(options.to),
                           .follow = options.follow};
  if (options.from == 0) {
    LEDGERD_ASSIGN_OR_RETURN(range.from, FirstSequence(*admin));
  }
  Printer printer = context.MakePrinter();
  printer.set_streaming(true);
  JournalChain chain;
  uint64_t count = 0;
  LEDGERD_RETURN_IF_ERROR(admin->ReadJournal(
      range, [&](const ::admin::v1::JournalEntry& shown) -> absl::Status {
        LEDGERD_ASSIGN_OR_RETURN(const Entry entry, chain.Check(shown));
        printer.Row(ToRecord(entry, options.events));
        ++count;
        return absl::OkStatus();
      }));
  printer.Finish();
  Context::Say(absl::StrCat(count, " entries; their hash chain holds."));
  return ExitCode::kOk;
}

}  // namespace

void AddJournalCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("journal", "Inspect the journal.");
  command->require_subcommand(1);
  const auto options = std::make_shared<DumpOptions>();
  CLI::App* dump = command->add_subcommand(
      "dump",
      "Print committed entries, and check that each hash is that of its bytes "
      "and that each entry follows the one before.");
  dump->add_option("--from", options->from,
                   "The first sequence; by default the oldest kept");
  auto* to = dump->add_option("--to", options->to,
                              "The last sequence; by default all committed");
  dump->add_flag("--follow,-f", options->follow,
                 "Go on with what is committed from now on")
      ->excludes(to);
  dump->add_flag("--events", options->events,
                 "Also print the accounts and transfers of each entry, as they "
                 "were asked for (the journal holds refused ones too)");
  dump->footer(
      "Asks the operators' port, --admin-address. Exit code 6: the chain does "
      "not hold.\n\nExample:\n  ledgerctl journal dump --from 100 --events -o "
      "json");
  dump->callback([&context, options] {
    context.Run([&] { return Dump(context, *options); });
  });
}

}  // namespace ledgerd::client
