#include "server/help.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

#include "proto/base/roff.h"
#include "server/config.h"
#include "server/config_fields.h"
#include "server/exit_code.h"

namespace ledgerd::server {
namespace {

struct Flag {
  const char* usage;
  // Lines of --help.
  const char* words;
};

constexpr Flag kFormatFlags[] = {
    {"--cluster-id=UUID",
     "Names the group of replicas. Drawn at random when left out."},
    {"--replica-id=N", "This replica within the group; 1 when left out."},
    {"--members=1@host:port,2@host:port,3@host:port",
     "The group that it begins: of 1, 2, 3 or 5, or 2 and "
     "3@host:port:witness.\n"
     "Format all of them with the same --members and --cluster-id."},
    {"--join",
     "It begins no group, but will join one: `ledgerctl replica add` there."},
    {"--incarnation=N",
     "Which disk of this replica it is, when one was lost: 2, 3, ..."},
};

constexpr Flag kStartFlags[] = {
    {"--config=FILE",
     "A YAML file of the settings below. Also LEDGERD_CONFIG."},
    {"--check-config",
     "Check the configuration, print what is effective and from where, end."},
    {"--cluster-id=UUID, --replica-id=N",
     "Refuse a data directory that is not this one's."},
};

constexpr char kExample[] =
    "  ledgerd format --data-dir=/tmp/ledger\n"
    "  ledgerd start --data-dir=/tmp/ledger &\n"
    "  ledgerctl status\n";

constexpr char kSettings[] =
    "As a flag (with '-' or '_'); or as an environment variable, so that\n"
    "--log-level=debug is LEDGERD_LOG_LEVEL=debug; or in the file, where it "
    "is\n"
    "\"log:\" and, indented below it, \"level: debug\". Flag goes before "
    "environment,\n"
    "environment before file, file before the default shown here.\n";

struct ExitCodeMeaning {
  ExitCode code;
  const char* words;
};

constexpr ExitCodeMeaning kExitCodes[] = {
    {ExitCode::kOk, "ok"},
    {ExitCode::kError,
     "an error that is none of the others, as a port that is taken"},
    {ExitCode::kUsage, "usage or configuration: starting again will not help"},
    {ExitCode::kCorruption,
     "corruption: what is on the disk does not add up; the message says where"},
    {ExitCode::kStorageFault,
     "a storage fault: a write or a sync failed; start again once the disk is "
     "well"},
    {ExitCode::kInUse, "the data directory is in use by another process"},
};

template <typename Flags>
std::string HelpOf(const Flags& flags) {
  std::string text;
  for (const Flag& flag : flags) {
    absl::StrAppend(&text, "  ", flag.usage, "\n      ",
                    absl::StrReplaceAll(flag.words, {{"\n", "\n      "}}),
                    "\n");
  }
  return text;
}

template <typename Flags>
std::string EntriesOf(const Flags& flags) {
  std::string entries;
  for (const Flag& flag : flags) {
    absl::StrAppend(&entries, ".TP\n", RoffBold(flag.usage), "\n",
                    Roff(absl::StrReplaceAll(flag.words, {{"\n", " "}})), "\n");
  }
  return entries;
}

std::string EntryOf(const ConfigField& field) {
  const config::v1::Rule& rule = field.rule();
  const std::string flag =
      absl::StrCat("--", absl::StrReplaceAll(field.flag(), {{"_", "-"}}));
  std::string entry =
      absl::StrCat(".TP\n", RoffBold(flag), "\n", Roff(rule.help()), "\n");
  if (!rule.one_of().empty()) {
    absl::StrAppend(&entry, "One of ", Roff(absl::StrJoin(rule.one_of(), ", ")),
                    ".\n");
  }
  if (!rule.default_value().empty()) {
    absl::StrAppend(&entry, "By default ", Roff(rule.default_value()), ".\n");
  }
  if (rule.max() > 0) {
    absl::StrAppend(&entry, "From ", rule.min(), " to ", rule.max(),
                    rule.bytes() ? " bytes" : "", ".\n");
  }
  absl::StrAppend(&entry, "In the file ", RoffBold(field.path), ", also ",
                  RoffBold(field.environment()), ".\n");
  return entry;
}

}  // namespace

std::string HelpText() {
  std::string text = absl::StrCat(
      R"(ledgerd: a double-entry transaction ledger

  ledgerd format --data-dir=D       make a data directory (once)
  ledgerd start --data-dir=D        serve it, until SIGTERM
  ledgerd manual                    the manual page, ledgerd(8)
  ledgerd --help | --version

To try it:

)",
      kExample, "\nFlags of format:\n\n", HelpOf(kFormatFlags),
      "\nFlags of start:\n\n", HelpOf(kStartFlags), "\nSettings. ", kSettings,
      "\n", DescribeConfig(), "\nExit codes:\n\n");
  for (const ExitCodeMeaning& meaning : kExitCodes) {
    absl::StrAppend(&text, "  ", static_cast<int>(meaning.code), "  ",
                    meaning.words, "\n");
  }
  return text;
}

std::string ManualPage() {
  std::string page = absl::StrCat(
      ".TH LEDGERD 8 \"\" ledgerd \"System Manager's Manual\"\n"
      ".SH NAME\nledgerd \\- a double\\-entry transaction ledger\n"
      ".SH SYNOPSIS\n",
      RoffBold("ledgerd format"), " ", RoffBold("--data-dir="),
      RoffItalic("directory"), " [", RoffItalic("flags"), "]\n.br\n",
      RoffBold("ledgerd start"), " ", RoffBold("--data-dir="),
      RoffItalic("directory"), " [", RoffItalic("flags"), "]\n.br\n",
      RoffBold("ledgerd manual"), " | ", RoffBold("help"), " | ",
      RoffBold("version"), "\n.SH DESCRIPTION\n",
      Roff("One process is one replica of a ledger, with one data directory. "
           "`format` makes that, once; `start` serves it until SIGTERM or "
           "SIGINT: a primary hands its role over then, what was taken is "
           "answered, and the process ends. A second signal ends it at once, "
           "which is as safe as kill -9: the next start replays its journal."),
      "\n.PP\n",
      Roff("Clients connect to client_address, operators (ledgerctl) to "
           "admin_address, the other replicas to what `members` says, and "
           "probes and Prometheus to metrics_address. There is no TLS and no "
           "authentication: let only a private network reach them."),
      "\n.SH \"FLAGS OF FORMAT\"\n", EntriesOf(kFormatFlags),
      ".SH \"FLAGS OF START\"\n", EntriesOf(kStartFlags),
      ".SH SETTINGS\nOf both. ",
      Roff(absl::StrReplaceAll(kSettings, {{"\n", " "}})), "\n");
  for (const ConfigField& field : ConfigFields()) {
    absl::StrAppend(&page, EntryOf(field));
  }
  absl::StrAppend(&page, ".SH \"EXIT STATUS\"\n");
  for (const ExitCodeMeaning& meaning : kExitCodes) {
    absl::StrAppend(&page, ".TP\n",
                    RoffBold(absl::StrCat(static_cast<int>(meaning.code))),
                    "\n", Roff(meaning.words), ".\n");
  }
  absl::StrAppend(&page, ".SH EXAMPLES\n", RoffParagraphs(kExample),
                  ".SH \"SEE ALSO\"\n", RoffBold("ledgerctl"), "(1)\n");
  return page;
}

}  // namespace ledgerd::server
