// The subcommands. Each function adds one to the command line; its callback
// runs it within the context.
//
//   AddImportCommand(app, context);
#ifndef LEDGERD_CLIENT_LEDGERCTL_COMMANDS_H_
#define LEDGERD_CLIENT_LEDGERCTL_COMMANDS_H_

#include "CLI/App.hpp"
#include "client/ledgerctl/context.h"

namespace ledgerd::client {

void AddAccountCommand(CLI::App& app, Context& context);
// To `account`: list, transfers, balances.
void AddAccountQueries(CLI::App& account, Context& context);
void AddTransferCommand(CLI::App& app, Context& context);
// To `transfer`, which has all of its options: revert.
void AddRevertCommand(CLI::App& transfer, Context& context);
void AddTransfersCommand(CLI::App& app, Context& context);
void AddImportCommand(CLI::App& app, Context& context);
void AddJournalCommand(CLI::App& app, Context& context);
void AddStatusCommand(CLI::App& app, Context& context);
void AddDoctorCommand(CLI::App& app, Context& context);
void AddSwitchoverCommand(CLI::App& app, Context& context);
void AddPromoteCommand(CLI::App& app, Context& context);
// pause and resume.
void AddPauseCommands(CLI::App& app, Context& context);
// replica add and remove.
void AddReplicaCommand(CLI::App& app, Context& context);
// backup create, verify and restore.
void AddBackupCommand(CLI::App& app, Context& context);
void AddRolledBackCommand(CLI::App& app, Context& context);
// alarms and alarms clear.
void AddAlarmsCommand(CLI::App& app, Context& context);
void AddCountersCommand(CLI::App& app, Context& context);
void AddIncidentsCommand(CLI::App& app, Context& context);
void AddVerifyCommand(CLI::App& app, Context& context);
void AddWatchCommand(CLI::App& app, Context& context);
void AddBenchCommand(CLI::App& app, Context& context);
// They tell of all commands that `app` has when they run.
void AddCompletionCommand(CLI::App& app);
void AddManualCommand(CLI::App& app);

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_COMMANDS_H_
