// What ledgerctl tells of itself holds together: --help, completion in a real
// bash, the manual. --help is what the others are compared with.
#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

#include "client/ledgerctl/command_test_base.h"
#include "client/ledgerctl/exit_code.h"
#include "client/ledgerctl/test_files.h"
#include "proto/base/check.h"

namespace ledgerd::client {
namespace {

using Words = std::vector<std::string>;

// What the --help of one command says.
struct Help {
  std::set<std::string> options;
  std::set<std::string> subcommands;
  // Lines that show how it is used.
  Words examples;
  // It does something by itself, too.
  bool is_command = true;
};

Help Parse(const std::string& text) {
  Help help;
  bool in_subcommands = false;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::StartsWith(line, "Usage:")) {
      help.is_command = !absl::EndsWith(line, " SUBCOMMAND");
    }
    if (line.empty()) in_subcommands = false;
    if (line == "Subcommands:") in_subcommands = true;
    const std::string word(line.substr(0, line.find(' ', 2))
                               .substr(std::min<size_t>(2, line.size())));
    if (absl::StartsWith(line, "  -")) {
      for (const absl::string_view name : absl::StrSplit(word, ',')) {
        help.options.emplace(name);
      }
    } else if (absl::StartsWith(line, "  ledgerctl ")) {
      help.examples.emplace_back(line.substr(2));
    } else if (in_subcommands && absl::StartsWith(line, "  ") &&
               line.at(2) != ' ') {
      help.subcommands.insert(word);
    }
  }
  return help;
}

// As a shell does, but for its escapes; what follows a '|' or '>' is the
// shell's.
Words ShellWords(const std::string& line) {
  Words words;
  const Words quoted = absl::StrSplit(line, '\'');
  for (size_t i = 0; i < quoted.size(); ++i) {
    if (i % 2 == 1) {
      words.push_back(quoted[i]);
      continue;
    }
    for (const absl::string_view word :
         absl::StrSplit(quoted[i], ' ', absl::SkipEmpty())) {
      if (word == "|" || word == ">") return words;
      words.emplace_back(word);
    }
  }
  return words;
}

class DescribeCommandTest : public CommandTest {
 protected:
  void SetUp() override { ReadHelp({}); }

  // The help of a command and of all below it.
  void ReadHelp(const Words& path) {
    Words arguments = path;
    arguments.emplace_back("--help");
    ASSERT_EQ(RunCommand(arguments), ExitCode::kOk);
    const Help help = Parse(out_);
    help_[absl::StrJoin(path, " ")] = help;
    for (const std::string& subcommand : help.subcommands) {
      Words below = path;
      below.push_back(subcommand);
      ReadHelp(below);
    }
  }

  // Its own options, and the program's.
  std::set<std::string> OptionsOf(const std::string& path) {
    std::set<std::string> options = help_.at(path).options;
    options.insert(help_.at("").options.begin(), help_.at("").options.end());
    return options;
  }

  // By path; "" is the program.
  std::map<std::string, Help> help_;
};

TEST_F(DescribeCommandTest, HelpIsUnderstood) {
  EXPECT_LT(20u, help_.size());
  EXPECT_EQ(help_.count("account create"), 1u);
  EXPECT_EQ(help_.at("").options.count("--output"), 1u);
  EXPECT_EQ(help_.at("").options.count("-o"), 1u);
  EXPECT_FALSE(help_.at("account").is_command);
  EXPECT_TRUE(help_.at("transfer").is_command);
  EXPECT_EQ(ShellWords("ledgerctl pause --reason 'rack 3' | less"),
            Words({"ledgerctl", "pause", "--reason", "rack 3"}));
}

// ---- --help

TEST_F(DescribeCommandTest, EveryCommandShowsAnExampleThatIsTaken) {
  for (const auto& [path, help] : help_) {
    if (!help.is_command || path.empty()) continue;
    int shown = 0;
    for (const std::string& example : help.examples) {
      const std::string use = absl::StrCat("ledgerctl ", path);
      if (example == use || absl::StartsWith(example, use + " ")) ++shown;
      // Nobody is there, which is only found out once the words are taken.
      Words words = {"--timeout=50ms", "--address=127.0.0.1:1"};
      Words given = ShellWords(example);
      for (size_t i = 1; i < given.size(); ++i) {
        if (given[i] == "--admin-address") {
          ++i;
        } else {
          words.push_back(given[i]);
        }
        if (given[i] == "-w") words.emplace_back("--count=1");
      }
      words.emplace_back("--admin-address=127.0.0.1:1");
      RunCommand(words);
      EXPECT_FALSE(Said("Run with --help")) << example << "\n" << err_;
    }
    EXPECT_GT(shown, 0) << path;
  }
}

TEST_F(DescribeCommandTest, EveryCommandNamesWhatGoesWithAll) {
  for (const auto& [path, help] : help_) {
    if (path.empty()) continue;
    RunCommand(ShellWords(absl::StrCat(path, " --help")));
    EXPECT_TRUE(Printed(
        "--address, --admin-address, --timeout, --output: see 'ledgerctl "
        "--help'"))
        << out_;
  }
}

TEST_F(DescribeCommandTest, EveryExitCodeIsDocumented) {
  RunCommand({"--help"});
  EXPECT_TRUE(
      Printed("Exit codes: 0 ok, 1 error or refused, 2 no connection, "
              "3 usage, 4 precondition, 5 unhealthy, 6 corruption."))
      << out_;
}

// ---- completion

// What a program writes, on both outputs; it must end well.
std::string OutputOf(const std::string& command) {
  FILE* const program = popen(absl::StrCat(command, " 2>&1").c_str(), "r");
  LEDGERD_CHECK(program != nullptr);
  std::string said;
  std::vector<char> part(4096);
  for (size_t read = 1; read > 0;) {
    read = fread(part.data(), 1, part.size(), program);
    said.append(part.data(), read);
  }
  EXPECT_EQ(pclose(program), 0) << command << "\n" << said;
  return said;
}

class Bash {
 public:
  explicit Bash(const std::string& completion) : folder_(MakeFolder()) {
    script_ = absl::StrCat(
        "set -u\n. ", WriteFile(folder_, "completion.bash", completion),
        "\nask() {\n  COMP_WORDS=(\"$@\")\n  COMP_CWORD=$(($# - 1))\n"
        "  COMPREPLY=()\n  _ledgerctl\n  echo \"${COMPREPLY[*]}\"\n}\n");
  }

  // The last word is the one that is completed.
  void Ask(const Words& words) {
    absl::StrAppend(&script_, "ask ledgerctl");
    for (const std::string& word : words) {
      absl::StrAppend(&script_, " '", word, "'");
    }
    absl::StrAppend(&script_, "\n");
  }

  void Say(const std::string& line) { absl::StrAppend(&script_, line, "\n"); }

  // What it says to all of that, a line each, what is wrong included.
  Words Answers() {
    const std::string file = WriteFile(folder_, "ask.bash", script_);
    const std::string said = OutputOf(absl::StrCat("bash --norc ", file));
    Words lines = absl::StrSplit(said, '\n');
    lines.pop_back();
    return lines;
  }

 private:
  const std::string folder_;
  std::string script_;
};

std::set<std::string> SetOf(const std::string& answer) {
  return absl::StrSplit(answer, ' ', absl::SkipEmpty());
}

TEST_F(DescribeCommandTest, BashCompletesEveryCommandAndOption) {
  ASSERT_EQ(RunCommand({"completion", "bash"}), ExitCode::kOk) << err_;
  Bash bash(out_);
  for (const auto& [path, help] : help_) {
    Words words = absl::StrSplit(path, ' ', absl::SkipEmpty());
    words.emplace_back("");
    bash.Ask(words);
    words.back() = "-";
    bash.Ask(words);
  }
  const Words answers = bash.Answers();
  ASSERT_EQ(answers.size(), 2 * help_.size());
  size_t at = 0;
  for (const auto& [path, help] : help_) {
    if (!help.subcommands.empty()) {
      EXPECT_EQ(SetOf(answers[at]), help.subcommands) << path;
    }
    EXPECT_EQ(SetOf(answers[at + 1]), OptionsOf(path)) << path;
    at += 2;
  }
}

TEST_F(DescribeCommandTest, BashCompletesWhereverTheCursorIs) {
  ASSERT_EQ(RunCommand({"completion", "bash"}), ExitCode::kOk) << err_;
  Bash bash(out_);

  struct Case {
    Words words;
    std::string answer;
  };

  const std::vector<Case> cases = {
      {{"acc"}, "account"},
      {{"account", "cr"}, "create"},
      {{"alarms", ""}, "clear"},
      {{"completion", ""}, "bash"},
      {{"-o", ""}, "table json yaml"},
      {{"status", "--output", "j"}, "json"},
      // bash breaks words at '=' and ':'.
      {{"status", "--output", "="}, "table json yaml"},
      {{"status", "--output", "=", "y"}, "yaml"},
      {{"--admin-address", "127.0.0.1", ":", "7301", "alarms", "c"}, "clear"},
      // Where it was told not to.
      {{"status", "--output=y"}, "--output=yaml"},
      // A value is no command.
      {{"--timeout", "transfer", "acc"}, "account"},
      {{"--timeout", ""}, ""},
      {{"transfer", "--cred"}, "--credit"},
      {{"nothing", "acc"}, "account"},
  };
  for (const Case& one : cases) bash.Ask(one.words);
  const std::string folder = MakeFolder();
  WriteFile(folder, "accounts.csv", "");
  bash.Say(absl::StrCat("cd ", folder));
  bash.Ask({"import", "acc"});
  bash.Say("complete -p ledgerctl");
  const Words answers = bash.Answers();
  ASSERT_EQ(answers.size(), cases.size() + 2);
  for (size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(answers[i], cases[i].answer)
        << testing::PrintToString(cases[i].words);
  }
  EXPECT_EQ(answers[cases.size()], "accounts.csv");
  EXPECT_EQ(answers.back(), "complete -F _ledgerctl ledgerctl");
}

TEST_F(DescribeCommandTest, OtherShellsAreRefused) {
  EXPECT_EQ(RunCommand({"completion", "zsh"}), ExitCode::kUsage);
  EXPECT_TRUE(Said("bash")) << err_;
}

// ---- manual

// The page's part on a command.
std::string SectionOf(const std::string& page, const std::string& path) {
  const std::string heading =
      path.empty()
          ? ".SH OPTIONS\n"
          : absl::StrCat(".SS \"ledgerctl ",
                         absl::StrReplaceAll(path, {{"-", "\\-"}}), "\"\n");
  const size_t begin = page.find(heading);
  if (begin == std::string::npos) return "";
  return page.substr(begin, page.find("\n.S", begin) - begin);
}

TEST_F(DescribeCommandTest, TheManualHasEveryCommandAndOption) {
  ASSERT_EQ(RunCommand({"manual"}), ExitCode::kOk) << err_;
  for (const auto& [path, help] : help_) {
    const std::string section = SectionOf(out_, path);
    EXPECT_FALSE(section.empty()) << path;
    for (const std::string& option : help.options) {
      if (help_.at("").options.count(option) > 0 && !path.empty()) continue;
      EXPECT_TRUE(absl::StrContains(
          section,
          absl::StrCat("\\fB", absl::StrReplaceAll(option, {{"-", "\\-"}}),
                       "\\fR")))
          << path << " " << option << "\n"
          << section;
    }
  }
  EXPECT_TRUE(Printed(".SH \"EXIT STATUS\"\n.TP\n\\fB0\\fR\nok.\n")) << out_;
}

TEST_F(DescribeCommandTest, GroffHasNothingToSayAboutTheManual) {
  ASSERT_EQ(RunCommand({"manual"}), ExitCode::kOk) << err_;
  const std::string file = WriteFile(MakeFolder(), "ledgerctl.1", out_);
  EXPECT_EQ(OutputOf(absl::StrCat("groff -man -ww -Tutf8 -z ", file)), "");
}

}  // namespace
}  // namespace ledgerd::client
