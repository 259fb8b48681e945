#include "server/command_line.h"

#include <string>
#include <vector>

#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"

#include "server/config_fields.h"

namespace ledgerd::server {
namespace {

using Command = CommandLine::Command;

class CommandLineTest : public ::testing::Test {
 protected:
  static absl::StatusOr<CommandLine> Parse(
      const std::vector<std::string>& arguments,
      std::vector<const char*> environment = {}) {
    environment.push_back(nullptr);
    return ParseCommandLine(arguments, environment.data());
  }

  static std::string Error(const std::vector<std::string>& arguments) {
    const auto line = Parse(arguments);
    EXPECT_EQ(line.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(line.status().message());
  }

 private:
  const absl::FlagSaver restore_;
};

TEST_F(CommandLineTest, EveryFieldOfTheConfigurationIsAFlag) {
  for (const ConfigField& field : ConfigFields()) {
    EXPECT_NE(absl::FindCommandLineFlag(field.flag()), nullptr)
        << "declare " << field.flag() << " in command_line.cc";
  }
}

TEST_F(CommandLineTest, ReadsFlagsWithHyphensAndUnderscores) {
  const auto line = Parse({"start", "--data-dir=/d", "--log_level", "debug",
                           "--ready-file", "--odd", "--config=f.yaml"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->command, Command::kStart);
  EXPECT_EQ(line->sources.flags.at("data_dir"), "/d");
  EXPECT_EQ(line->sources.flags.at("log.level"), "debug");
  EXPECT_EQ(line->sources.flags.at("ready_file"), "--odd");
  EXPECT_EQ(line->sources.flags.size(), 3u);
  EXPECT_EQ(line->sources.file, "f.yaml");
  EXPECT_FALSE(line->check_config);
}

TEST_F(CommandLineTest, ReadsIdentity) {
  const auto line =
      Parse({"format", "--cluster-id=00000000-0000-0000-0000-0000000000ff",
             "--replica-id=3", "--data-dir=/d"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->command, Command::kFormat);
  EXPECT_EQ(line->cluster, ClusterId(0xff));
  EXPECT_EQ(line->replica, ReplicaId(3));
  EXPECT_TRUE(absl::StartsWith(Error({"format", "--replica-id=0"}),
                               "--replica-id \"0\" is no id"));
  EXPECT_TRUE(absl::StartsWith(Error({"format", "--cluster-id=7"}),
                               "--cluster-id \"7\" is no id"));
}

TEST_F(CommandLineTest, ReadsHowToJoin) {
  const auto line = Parse({"format", "--join", "--incarnation=2"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_TRUE(line->join);
  EXPECT_EQ(line->incarnation, Incarnation(2));
  EXPECT_EQ(Error({"format", "--join=yes"}), "--join takes no value");
  EXPECT_TRUE(absl::StartsWith(Error({"format", "--incarnation=0"}),
                               "--incarnation \"0\" is none"));
}

TEST_F(CommandLineTest, ReadsTheEnvironment) {
  const auto line =
      Parse({"start", "--check-config"},
            {"LEDGERD_LOG_LEVEL=a=b", "HOME=/", "LEDGERD_CONFIG=g.yaml"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->sources.environment.at("LEDGERD_LOG_LEVEL"), "a=b");
  EXPECT_EQ(line->sources.environment.size(), 2u);
  EXPECT_EQ(line->sources.file, "g.yaml");
  EXPECT_TRUE(line->check_config);
}

TEST_F(CommandLineTest, HelpAndVersionGoBeforeAllElse) {
  EXPECT_EQ(Parse({"--help"})->command, Command::kHelp);
  EXPECT_EQ(Parse({"start", "-h"})->command, Command::kHelp);
  EXPECT_EQ(Parse({"help"})->command, Command::kHelp);
  EXPECT_EQ(Parse({"--version"})->command, Command::kVersion);
  EXPECT_EQ(Parse({"manual"})->command, Command::kManual);
}

TEST_F(CommandLineTest, ErrorsSayWhatToDo) {
  EXPECT_EQ(Error({"start", "--data-dri=/d"}),
            "unknown flag --data-dri. Did you mean --data-dir? `ledgerd "
            "--help` lists all");
  EXPECT_EQ(Error({"start", "--flagfile=x"}),
            "unknown flag --flagfile. `ledgerd --help` lists all");
  EXPECT_EQ(Error({"start", "-v"}),
            "unknown flag -v. `ledgerd --help` lists all");
  EXPECT_EQ(Error({"strat"}),
            "unknown command strat. Did you mean start? `ledgerd --help` lists "
            "all");
  EXPECT_TRUE(absl::StartsWith(Error({}), "say what to do: `ledgerd format`"));
  EXPECT_TRUE(absl::StartsWith(Error({"start", "/d"}), "\"/d\" is one word"));
  EXPECT_EQ(Error({"start", "--data-dir"}),
            "--data-dir has no value; give one, or leave it out");
  EXPECT_EQ(Error({"start", "--data-dir="}),
            "--data-dir= has no value; give one, or leave it out");
  EXPECT_EQ(Error({"start", "--check-config=maybe"}),
            "--check-config takes no value");
}

}  // namespace
}  // namespace ledgerd::server
