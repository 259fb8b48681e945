#include "server/command_line.h"

#include <algorithm>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "proto/base/status_macros.h"
#include "server/cluster_id.h"
#include "server/config_fields.h"

// One for each field of the configuration (a test compares them), and the
// command line's own. What they mean, config.proto says.
#define LEDGERD_FLAG(name) ABSL_FLAG(std::string, name, "", "ledgerd --help")
LEDGERD_FLAG(data_dir);
LEDGERD_FLAG(client_address);
LEDGERD_FLAG(admin_address);
LEDGERD_FLAG(ready_file);
LEDGERD_FLAG(stop_timeout_ms);
LEDGERD_FLAG(members);
LEDGERD_FLAG(replication_address);
LEDGERD_FLAG(advertised_client_address);
LEDGERD_FLAG(advertised_admin_address);
LEDGERD_FLAG(metrics_address);
LEDGERD_FLAG(log_level);
LEDGERD_FLAG(log_format);
LEDGERD_FLAG(requests_default_deadline_ms);
LEDGERD_FLAG(requests_stream_window);
LEDGERD_FLAG(requests_inbox_bytes);
LEDGERD_FLAG(requests_inbox_requests);
LEDGERD_FLAG(requests_connections_max);
LEDGERD_FLAG(requests_answer_memory_bytes);
LEDGERD_FLAG(requests_message_memory_bytes);
LEDGERD_FLAG(journal_segment_bytes);
LEDGERD_FLAG(journal_retention_bytes);
LEDGERD_FLAG(journal_slow_write_ms);
LEDGERD_FLAG(journal_slow_writes_max);
LEDGERD_FLAG(journal_archive_dir);
LEDGERD_FLAG(state_delta_bytes);
LEDGERD_FLAG(state_replay_events);
LEDGERD_FLAG(state_cache_bytes);
LEDGERD_FLAG(state_account_cache_bytes);
LEDGERD_FLAG(state_filter_bytes);
LEDGERD_FLAG(state_event_age_seconds);
LEDGERD_FLAG(state_event_bytes);
LEDGERD_FLAG(replication_heartbeat_ms);
LEDGERD_FLAG(replication_timeout_ms);
LEDGERD_FLAG(scrub_interval_seconds);
LEDGERD_FLAG(scrub_bytes_per_second);

LEDGERD_FLAG(config);
LEDGERD_FLAG(cluster_id);
LEDGERD_FLAG(replica_id);
LEDGERD_FLAG(incarnation);
#undef LEDGERD_FLAG
ABSL_FLAG(bool, check_config, false, "ledgerd --help");
ABSL_FLAG(bool, join, false, "ledgerd --help");

namespace ledgerd::server {
namespace {

using Command = CommandLine::Command;

// Those that take no value.
constexpr absl::string_view kSwitches[] = {"check_config", "join"};

bool IsSwitch(absl::string_view name) {
  return std::find(std::begin(kSwitches), std::end(kSwitches), name) !=
         std::end(kSwitches);
}

// "--log-level" as "log_level"; empty for what is no flag.
std::string FlagName(absl::string_view argument) {
  if (!absl::StartsWith(argument, "--") || argument.size() == 2) return "";
  const absl::string_view name = argument.substr(2, argument.find('=') - 2);
  return absl::StrReplaceAll(name, {{"-", "_"}});
}

// The names of all flags, as absl has them; not absl's own, as --flagfile.
std::vector<std::string> FlagNames() {
  std::vector<std::string> names = {"config",       "cluster_id",  "replica_id",
                                    "check_config", "incarnation", "join",
                                    "help",         "version"};
  for (const ConfigField& field : ConfigFields()) {
    names.push_back(field.flag());
  }
  return names;
}

bool IsFlag(const std::string& name) {
  const std::vector<std::string> names = FlagNames();
  return std::find(names.begin(), names.end(), name) != names.end();
}

absl::Status Unknown(absl::string_view argument) {
  std::vector<std::string> known;
  for (const std::string& name : FlagNames()) {
    known.push_back(
        absl::StrCat("--", absl::StrReplaceAll(name, {{"_", "-"}})));
  }
  const absl::string_view name = argument.substr(0, argument.find('='));
  return absl::InvalidArgumentError(
      absl::StrCat("unknown flag ", name, ".", DidYouMean(name, known),
                   " `ledgerd --help` lists all"));
}

// Whether the argument says the value of a flag that needs one.
absl::Status CheckFlag(absl::string_view argument, const std::string& name,
                       bool has_next) {
  if (!IsFlag(name)) return Unknown(argument);
  if (IsSwitch(name)) {
    if (!absl::StrContains(argument, '=')) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        "--", absl::StrReplaceAll(name, {{"_", "-"}}), " takes no value"));
  }
  const size_t equals = argument.find('=');
  const bool given = equals == absl::string_view::npos
                         ? has_next
                         : equals + 1 < argument.size();
  if (given) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(argument, " has no value; give one, or leave it out"));
}

// What absl takes: flags as --name=value with '_', and nothing unknown.
struct Normalized {
  std::vector<std::string> flags;
  std::vector<std::string> words;
  bool help = false;
  bool version = false;
};

absl::StatusOr<Normalized> Normalize(
    const std::vector<std::string>& arguments) {
  Normalized result;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const absl::string_view argument = arguments[i];
    const std::string name = FlagName(argument);
    if (argument == "-h" || name == "help") {
      result.help = true;
    } else if (name == "version") {
      result.version = true;
    } else if (!absl::StartsWith(argument, "-")) {
      result.words.push_back(arguments[i]);
    } else if (name.empty()) {
      return Unknown(argument);
    } else {
      LEDGERD_RETURN_IF_ERROR(
          CheckFlag(argument, name, i + 1 < arguments.size()));
      const size_t equals = argument.find('=');
      if (equals != absl::string_view::npos || IsSwitch(name)) {
        result.flags.push_back(absl::StrCat(
            "--", name,
            equals == absl::string_view::npos ? "" : argument.substr(equals)));
      } else {
        result.flags.push_back(absl::StrCat("--", name, "=", arguments[++i]));
      }
    }
  }
  return result;
}

// Hands the flags to absl, which cannot fail: all are known, and text but for
// the switches.
void SetFlags(const std::vector<std::string>& flags) {
  std::string program = "ledgerd";
  std::vector<std::string> kept = flags;
  std::vector<char*> argv = {program.data()};
  for (std::string& flag : kept) argv.push_back(flag.data());
  absl::ParseCommandLine(static_cast<int>(argv.size()), argv.data());
}

absl::StatusOr<Command> CommandOf(const Normalized& normalized) {
  if (normalized.help) return Command::kHelp;
  if (normalized.version) return Command::kVersion;
  if (normalized.words.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", normalized.words[1],
                     "\" is one word too many; flags begin with "
                     "--. `ledgerd --help` shows how"));
  }
  if (normalized.words.empty()) {
    return absl::InvalidArgumentError(
        "say what to do: `ledgerd format` or `ledgerd start`. `ledgerd --help` "
        "shows how");
  }
  const std::string& word = normalized.words[0];
  if (word == "format") return Command::kFormat;
  if (word == "start") return Command::kStart;
  if (word == "help") return Command::kHelp;
  if (word == "version") return Command::kVersion;
  if (word == "manual") return Command::kManual;
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown command ", word, ".",
      DidYouMean(word, {"format", "start", "help", "version", "manual"}),
      " `ledgerd --help` lists all"));
}

void ReadEnvironment(const char* const* environment, ConfigSources& sources) {
  for (; *environment != nullptr; ++environment) {
    const absl::string_view variable = *environment;
    const size_t equals = variable.find('=');
    if (!absl::StartsWith(variable, "LEDGERD_") ||
        equals == absl::string_view::npos) {
      continue;
    }
    sources.environment.emplace(variable.substr(0, equals),
                                variable.substr(equals + 1));
  }
}

void ReadFlags(ConfigSources& sources) {
  for (const ConfigField& field : ConfigFields()) {
    const std::string value =
        absl::FindCommandLineFlag(field.flag())->CurrentValue();
    if (!value.empty()) sources.flags[field.path] = value;
  }
  const auto file = sources.environment.find("LEDGERD_CONFIG");
  if (file != sources.environment.end()) sources.file = file->second;
  const std::string flag = absl::GetFlag(FLAGS_config);
  if (!flag.empty()) sources.file = flag;
}

absl::Status ReadIdentity(CommandLine& line) {
  const std::string cluster = absl::GetFlag(FLAGS_cluster_id);
  if (!cluster.empty()) {
    line.cluster = ParseClusterId(cluster);
    if (!line.cluster.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--cluster-id \"", cluster,
                       "\" is no id; give 32 hexadecimal digits, as a UUID"));
    }
  }
  const std::string replica = absl::GetFlag(FLAGS_replica_id);
  if (!replica.empty()) {
    uint64_t id = 0;
    if (!absl::SimpleAtoi(replica, &id) || id == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--replica-id \"", replica, "\" is no id; give a number from 1 on"));
    }
    line.replica = ReplicaId(id);
  }
  const std::string incarnation = absl::GetFlag(FLAGS_incarnation);
  uint32_t number = 1;
  if (!incarnation.empty() &&
      (!absl::SimpleAtoi(incarnation, &number) || number == 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--incarnation \"", incarnation,
                     "\" is none; give a number from 1 on"));
  }
  line.incarnation = Incarnation(number);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(
    const std::vector<std::string>& arguments, const char* const* environment) {
  LEDGERD_ASSIGN_OR_RETURN(const Normalized normalized, Normalize(arguments));
  CommandLine line;
  LEDGERD_ASSIGN_OR_RETURN(line.command, CommandOf(normalized));
  if (line.command != Command::kFormat && line.command != Command::kStart) {
    return line;
  }
  SetFlags(normalized.flags);
  ReadEnvironment(environment, line.sources);
  ReadFlags(line.sources);
  LEDGERD_RETURN_IF_ERROR(ReadIdentity(line));
  line.check_config = absl::GetFlag(FLAGS_check_config);
  line.join = absl::GetFlag(FLAGS_join);
  return line;
}

}  // namespace ledgerd::server
