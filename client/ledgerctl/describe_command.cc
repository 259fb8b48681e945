// completion and manual: what ledgerctl tells of itself.
#include <iostream>
#include <memory>
#include <string>

#include "client/ledgerctl/command_outline.h"
#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/completion.h"
#include "client/ledgerctl/manual.h"

namespace ledgerd::client {

void AddCompletionCommand(CLI::App& app) {
  const auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "completion", "Print what completes commands and options in a shell.");
  command->add_option("shell", *shell, "Which one")
      ->check(CLI::IsMember({"bash"}))
      ->required();
  command->footer(
      "For all users, or in ~/.bashrc for one.\n\nExamples:\n"
      "  ledgerctl completion bash > "
      "/usr/share/bash-completion/completions/ledgerctl\n"
      "  eval \"$(ledgerctl completion bash)\"");
  // CLI11 writes to `shell` while it parses: the callback keeps it.
  command->callback(
      [&app, shell] { std::cout << BashCompletion(OutlineOf(app)); });
}

void AddManualCommand(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("manual", "Print the manual page, ledgerctl(1).");
  command->footer(
      "Examples:\n  ledgerctl manual > "
      "/usr/local/share/man/man1/ledgerctl.1\n  ledgerctl manual | man -l -");
  command->callback([&app] { std::cout << ManualPage(OutlineOf(app)); });
}

}  // namespace ledgerd::client
