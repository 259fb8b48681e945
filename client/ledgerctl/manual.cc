#include "client/ledgerctl/manual.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "client/ledgerctl/exit_code.h"
#include "proto/base/roff.h"

namespace ledgerd::client {
namespace {

std::string OptionEntry(const OptionOutline& option) {
  std::string entry = ".TP\n";
  if (option.is_positional) {
    absl::StrAppend(&entry, RoffItalic(option.names.front()));
  } else {
    absl::StrAppend(
        &entry, absl::StrJoin(option.names, ", ",
                              [](std::string* out, const std::string& name) {
                                absl::StrAppend(out, RoffBold(name));
                              }));
    if (!option.value.empty()) {
      absl::StrAppend(&entry, " ", RoffItalic(option.value));
    }
  }
  absl::StrAppend(&entry, "\n", Roff(option.description), ".\n");
  if (!option.choices.empty()) {
    absl::StrAppend(&entry, "One of ",
                    Roff(absl::StrJoin(option.choices, ", ")), ".\n");
  }
  if (!option.default_value.empty()) {
    absl::StrAppend(&entry, "By default ", Roff(option.default_value), ".\n");
  }
  if (!option.environment.empty()) {
    absl::StrAppend(&entry, "Also ", RoffBold(option.environment), ".\n");
  }
  if (option.is_required) absl::StrAppend(&entry, "Must be given.\n");
  return entry;
}

std::string Options(const CommandOutline& command) {
  std::string entries;
  for (const OptionOutline& option : command.options) {
    // It goes with every command, and is the program's as well.
    if (!command.path.empty() && option.names.back() == "--help") continue;
    absl::StrAppend(&entries, OptionEntry(option));
  }
  return entries;
}

// A group of commands is described by them.
std::string CommandSection(const CommandOutline& command) {
  return absl::StrCat(".SS \"ledgerctl ", Roff(command.path), "\"\n",
                      Roff(command.description), "\n", Options(command),
                      RoffParagraphs(command.footer));
}

}  // namespace

std::string ManualPage(const std::vector<CommandOutline>& outlines) {
  const CommandOutline& program = outlines.front();
  std::string page = absl::StrCat(
      ".TH LEDGERCTL 1 \"\" ledgerd \"User Commands\"\n"
      ".SH NAME\n"
      "ledgerctl \\- makes payments in a ledgerd ledger, and looks after its "
      "replicas\n"
      ".SH SYNOPSIS\n.B ledgerctl\n[",
      RoffItalic("options"), "] ", RoffItalic("command"), " [",
      RoffItalic("arguments"), "]\n.SH DESCRIPTION\n",
      Roff(program.description), "\n", RoffParagraphs(program.footer),
      ".SH OPTIONS\nThey go with every command.\n", Options(program),
      ".SH COMMANDS\n");
  for (const CommandOutline& command : outlines) {
    if (&command != &program) absl::StrAppend(&page, CommandSection(command));
  }
  absl::StrAppend(&page, ".SH \"EXIT STATUS\"\n");
  for (const ExitCodeMeaning& meaning : kExitCodeMeanings) {
    absl::StrAppend(&page, ".TP\n", RoffBold(absl::StrCat(Code(meaning.code))),
                    "\n", Roff(meaning.words), ".\n");
  }
  return page;
}

}  // namespace ledgerd::client
