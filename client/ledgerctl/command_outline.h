// All commands and options of a command line, as its --help knows them: what
// completion and the manual are made from, so that they name what there is.
//
//   for (const CommandOutline& command : OutlineOf(app)) { ... }
//
// Shape   The program itself first (its path is empty), then each command
//         before its subcommands.
#ifndef LEDGERD_CLIENT_LEDGERCTL_COMMAND_OUTLINE_H_
#define LEDGERD_CLIENT_LEDGERCTL_COMMAND_OUTLINE_H_

#include <string>
#include <vector>

#include "CLI/App.hpp"

namespace ledgerd::client {

struct OptionOutline {
  // "-o" and "--output"; of a positional one, what its place is called.
  std::vector<std::string> names;
  bool is_positional = false;
  bool is_required = false;
  // What it takes: "TEXT", "ID", "PATH"; empty for a switch.
  std::string value;
  // All that it may be, where that is known.
  std::vector<std::string> choices;
  std::string description;
  std::string default_value;
  std::string environment;
};

struct CommandOutline {
  // Without the program's name: "account create".
  std::string path;
  std::string description;
  std::string footer;
  std::vector<OptionOutline> options;
  // Their names: "create".
  std::vector<std::string> subcommands;
};

std::vector<CommandOutline> OutlineOf(const CLI::App& app);

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_COMMAND_OUTLINE_H_
