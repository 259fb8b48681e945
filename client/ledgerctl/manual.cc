#include "client/ledgerctl/manual.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

#include "client/ledgerctl/exit_code.h"

namespace ledgerd::client {
namespace {

// Text that groff takes for nothing else: no escapes, no typographic dashes and
// quotes, and no request at the beginning of a line.
std::string Plain(absl::string_view text) {
  const std::string escaped = absl::StrReplaceAll(text, {{"\\", "\\(rs"},
                                                         {"-", "\\-"},
                                                         {"'", "\\(aq"},
                                                         {"`", "\\(ga"},
                                                         {"^", "\\(ha"},
                                                         {"~", "\\(ti"}});
  return absl::StartsWith(escaped, ".") ? absl::StrCat("\\&", escaped)
                                        : escaped;
}

std::string Bold(absl::string_view text) {
  return absl::StrCat("\\fB", Plain(text), "\\fR");
}

std::string Italic(absl::string_view text) {
  return absl::StrCat("\\fI", Plain(text), "\\fR");
}

// Paragraphs as they are in --help: an empty line parts them, and what is
// indented is shown as it stands.
std::string Paragraphs(absl::string_view text) {
  std::string page;
  bool verbatim = false;
  const auto set_verbatim = [&](bool wanted) {
    if (verbatim == wanted) return;
    absl::StrAppend(&page, wanted ? ".RS 4\n.nf\n" : ".fi\n.RE\n");
    verbatim = wanted;
  };
  bool begins = true;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line.empty()) {
      set_verbatim(false);
      begins = true;
      continue;
    }
    set_verbatim(absl::StartsWith(line, "  "));
    if (!verbatim) absl::StrAppend(&page, begins ? ".PP\n" : ".br\n");
    absl::StrAppend(&page, Plain(line.substr(verbatim ? 2 : 0)), "\n");
    begins = false;
  }
  set_verbatim(false);
  return page;
}

std::string OptionEntry(const OptionOutline& option) {
  std::string entry = ".TP\n";
  if (option.is_positional) {
    absl::StrAppend(&entry, Italic(option.names.front()));
  } else {
    absl::StrAppend(
        &entry, absl::StrJoin(option.names, ", ",
                              [](std::string* out, const std::string& name) {
                                absl::StrAppend(out, Bold(name));
                              }));
    if (!option.value.empty()) {
      absl::StrAppend(&entry, " ", Italic(option.value));
    }
  }
  absl::StrAppend(&entry, "\n", Plain(option.description), ".\n");
  if (!option.choices.empty()) {
    absl::StrAppend(&entry, "One of ",
                    Plain(absl::StrJoin(option.choices, ", ")), ".\n");
  }
  if (!option.default_value.empty()) {
    absl::StrAppend(&entry, "By default ", Plain(option.default_value), ".\n");
  }
  if (!option.environment.empty()) {
    absl::StrAppend(&entry, "Also ", Bold(option.environment), ".\n");
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
  return absl::StrCat(".SS \"ledgerctl ", Plain(command.path), "\"\n",
                      Plain(command.description), "\n", Options(command),
                      Paragraphs(command.footer));
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
      Italic("options"), "] ", Italic("command"), " [", Italic("arguments"),
      "]\n.SH DESCRIPTION\n", Plain(program.description), "\n",
      Paragraphs(program.footer), ".SH OPTIONS\nThey go with every command.\n",
      Options(program), ".SH COMMANDS\n");
  for (const CommandOutline& command : outlines) {
    if (&command != &program) absl::StrAppend(&page, CommandSection(command));
  }
  absl::StrAppend(&page, ".SH \"EXIT STATUS\"\n");
  for (const ExitCodeMeaning& meaning : kExitCodeMeanings) {
    absl::StrAppend(&page, ".TP\n", Bold(absl::StrCat(Code(meaning.code))),
                    "\n", Plain(meaning.words), ".\n");
  }
  return page;
}

}  // namespace ledgerd::client
