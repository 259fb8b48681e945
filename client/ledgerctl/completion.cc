#include "client/ledgerctl/completion.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace ledgerd::client {
namespace {

constexpr char kPath[] = "PATH";

// What the tables are looked into for. bash breaks words at '=' and ':' unless
// it is told not to, so a value may come as a word of its own after "=".
constexpr char kFunction[] = R"(
_ledgerctl() {
  local path='' option='' prefix='' word i
  local commands options valued paths values files
  local current=${COMP_WORDS[COMP_CWORD]}
  _ledgerctl_command "$path"
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if [[ $word == '=' ]]; then
      continue
    elif [[ -n $option ]]; then
      option=''
    elif [[ $word == -* ]]; then
      if [[ " $valued " == *" $word "* ]]; then option=$word; fi
    elif [[ " $commands " == *" $word "* ]]; then
      path=${path:+$path }$word
      _ledgerctl_command "$path"
    fi
  done
  COMPREPLY=()
  if [[ $current == '=' ]]; then
    current=''
  elif [[ -z $option && $current == --*=* ]]; then
    option=${current%%=*}
    prefix=$option=
    current=${current#*=}
  fi
  if [[ -n $option ]]; then
    _ledgerctl_value "$path" "$option"
    mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$values" -- "$current")
    if [[ -n $files ]]; then _ledgerctl_files "$current"; fi
  elif [[ $current == -* || -z $commands$values$paths ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options $valued" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "$commands $values" -- "$current")
    if [[ -n $paths ]]; then _ledgerctl_files "$current"; fi
  fi
}

_ledgerctl_files() {
  mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$1")
  compopt -o filenames 2>/dev/null
}

complete -F _ledgerctl ledgerctl
)";

struct Words {
  std::vector<std::string> options;
  // Those after which a value comes.
  std::vector<std::string> valued;
  // Choices of positional ones.
  std::vector<std::string> values;
  bool paths = false;
};

void Append(const CommandOutline& command, Words& words) {
  for (const OptionOutline& option : command.options) {
    if (option.is_positional) {
      words.paths = words.paths || option.value == kPath;
      words.values.insert(words.values.end(), option.choices.begin(),
                          option.choices.end());
      continue;
    }
    std::vector<std::string>& names =
        option.value.empty() ? words.options : words.valued;
    for (const std::string& name : option.names) {
      // --help is the command's and the program's.
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        names.push_back(name);
      }
    }
  }
}

std::string Quoted(const std::vector<std::string>& words) {
  return absl::StrCat("'", absl::StrJoin(words, " "), "'");
}

std::string CommandCase(const CommandOutline& root,
                        const CommandOutline& command) {
  Words words;
  Append(command, words);
  // The program's own options go with every command.
  if (!command.path.empty()) Append(root, words);
  return absl::StrCat(
      "    '", command.path, "')\n      commands=", Quoted(command.subcommands),
      "\n      options=", Quoted(words.options),
      "\n      valued=", Quoted(words.valued),
      "\n      values=", Quoted(words.values),
      "\n      paths=", words.paths ? "yes" : "''", "\n      ;;\n");
}

// The values of a command's options; nothing when none are known.
std::string ValueCases(const CommandOutline& command) {
  std::string cases;
  for (const OptionOutline& option : command.options) {
    if (option.is_positional) continue;
    if (option.choices.empty() && option.value != kPath) continue;
    // The program's own options go with every command.
    const std::string path =
        command.path.empty() ? "*" : absl::StrCat("'", command.path, "'");
    const auto add_pattern = [&](std::string* out, const std::string& name) {
      absl::StrAppend(out, path, ":", name);
    };
    absl::StrAppend(
        &cases, "    ", absl::StrJoin(option.names, " | ", add_pattern),
        ")\n      values=", Quoted(option.choices),
        option.value == kPath ? "\n      files=yes" : "", "\n      ;;\n");
  }
  return cases;
}

}  // namespace

std::string BashCompletion(const std::vector<CommandOutline>& outlines) {
  std::string commands;
  std::string values;
  for (const CommandOutline& command : outlines) {
    absl::StrAppend(&commands, CommandCase(outlines.front(), command));
    absl::StrAppend(&values, ValueCases(command));
  }
  return absl::StrCat(
      "# Completion of ledgerctl in bash: eval \"$(ledgerctl completion "
      "bash)\"\n\n_ledgerctl_command() {\n  case $1 in\n",
      commands,
      "  esac\n}\n\n_ledgerctl_value() {\n  values=''\n  files=''\n  case "
      "$1:$2 in\n",
      values, "  esac\n}\n", kFunction);
}

}  // namespace ledgerd::client
