#include "client/ledgerctl/app.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "CLI/CLI.hpp"
#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/context.h"

namespace ledgerd::client {
namespace {

// Says below each command's help where the options are that it does not list.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_footer(const CLI::App* app) const override {
    const std::string footer = CLI::Formatter::make_footer(app);
    if (app->get_parent() == nullptr) return footer;
    const CLI::App* program = app;
    while (program->get_parent() != nullptr) program = program->get_parent();
    std::vector<std::string> names;
    for (const CLI::Option* option : program->get_options()) {
      if (option != program->get_help_ptr()) {
        names.push_back(option->get_name());
      }
    }
    return absl::StrCat(footer, "\nWith every command go ",
                        absl::StrJoin(names, ", "),
                        ": see 'ledgerctl --help'.\n");
  }
};

std::string ExitCodes() {
  return absl::StrJoin(kExitCodeMeanings, ", ",
                       [](std::string* out, const ExitCodeMeaning& meaning) {
                         absl::StrAppend(out, Code(meaning.code), " ",
                                         meaning.words);
                       });
}

void AddGlobalOptions(CLI::App& app, GlobalOptions& options) {
  app.add_option("--address", options.address,
                 "Where ledgerd's clients connect, host:port; several are "
                 "joined by commas")
      ->envname("LEDGERCTL_ADDRESS")
      ->capture_default_str();
  app.add_option("--admin-address", options.admin_address,
                 "Where its operators connect, for status, journal, verify, "
                 "counters, incidents and all that changes the group; of "
                 "several, joined by "
                 "commas, the first that answers")
      ->envname("LEDGERCTL_ADMIN_ADDRESS")
      ->capture_default_str();
  app.add_option("--timeout", options.timeout,
                 "For each call over all of its attempts: 10s, 500ms, 2m")
      ->capture_default_str();
  app.add_option("-o,--output", options.output,
                 "table for people, json (one object a line) or yaml for "
                 "programs")
      ->check(CLI::IsMember({"table", "json", "yaml"}))
      ->capture_default_str();
}

}  // namespace

int RunLedgerctl(std::vector<std::string> arguments) {
  CLI::App app(
      "ledgerctl makes and checks payments in a ledgerd ledger, and looks "
      "after its replicas.\n"
      "Data goes to stdout, words to stderr.");
  app.name("ledgerctl");
  app.formatter(std::make_shared<HelpFormatter>());
  app.fallthrough();
  app.require_subcommand(1);
  Context context;
  AddGlobalOptions(app, context.options());
  AddAccountCommand(app, context);
  AddTransferCommand(app, context);
  AddTransfersCommand(app, context);
  AddImportCommand(app, context);
  AddJournalCommand(app, context);
  AddStatusCommand(app, context);
  AddDoctorCommand(app, context);
  AddSwitchoverCommand(app, context);
  AddPromoteCommand(app, context);
  AddPauseCommands(app, context);
  AddReplicaCommand(app, context);
  AddBackupCommand(app, context);
  AddRolledBackCommand(app, context);
  AddAlarmsCommand(app, context);
  AddCountersCommand(app, context);
  AddIncidentsCommand(app, context);
  AddVerifyCommand(app, context);
  AddWatchCommand(app, context);
  AddBenchCommand(app, context);
  AddCompletionCommand(app);
  AddManualCommand(app);
  app.footer(absl::StrCat(
      "Ids are decimal or UUIDs; amounts are whole numbers in the ledger's "
      "smallest unit.\n"
      "Exit codes: ",
      ExitCodes(),
      ".\n\n"
      "A first payment:\n"
      "  ledgerctl account create --id 1\n"
      "  ledgerctl account create --id 2\n"
      "  ledgerctl transfer --id 1 --debit 1 --credit 2 --amount 995\n"
      "  ledgerctl account show 1 2"));
  try {
    // CLI11 takes them from the back.
    std::reverse(arguments.begin(), arguments.end());
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    // Help is no error; anything else is a wrong command line.
    return app.exit(error) == 0 ? Code(ExitCode::kOk) : Code(ExitCode::kUsage);
  }
  return Code(context.exit_code());
}

}  // namespace ledgerd::client
