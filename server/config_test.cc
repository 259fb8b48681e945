#include "server/config.h"

#include <fstream>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

#include "proto/system_limits.h"
#include "server/answer_budget.h"
#include "server/config_fields.h"
#include "server/responses.h"

namespace ledgerd::server {
namespace {

using ::testing::TempDir;

std::string WriteFile(const std::string& text) {
  static int files = 0;
  const std::string path =
      TempDir() + "/ledgerd_" + std::to_string(files++) + ".yaml";
  std::ofstream(path) << text;
  return path;
}

// The error of a file with `text`, without the name of its folder.
std::string FileError(const std::string& text) {
  const std::string path = WriteFile(text);
  const absl::Status status = LoadConfig({{}, {}, path}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  const std::string message(status.message());
  EXPECT_TRUE(absl::StartsWith(message, path)) << message;
  return message.substr(path.size());
}

std::string FlagError(const std::string& path, const std::string& value) {
  const absl::Status status = LoadConfig({{{path, value}}, {}, ""}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument)
      << path << "=" << value;
  return std::string(status.message());
}

TEST(ConfigTest, DefaultsHold) {
  const auto loaded = LoadConfig({});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->config.client_address(), "127.0.0.1:7300");
  EXPECT_EQ(loaded->config.requests().inbox_bytes(), uint64_t{64} << 20);
  EXPECT_EQ(loaded->origins.at("client_address"), "default");
}

TEST(ConfigTest, EveryFieldSaysWhatItIs) {
  std::set<std::string> flags;
  for (const ConfigField& field : ConfigFields()) {
    EXPECT_FALSE(field.rule().help().empty()) << field.path;
    EXPECT_TRUE(flags.insert(field.flag()).second) << field.path;
    if (field.leaf->cpp_type() !=
        google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
      EXPECT_GT(field.rule().max(), 0u) << field.path;
    }
  }
}

// A full page that never fits would be refused for ever.
TEST(ConfigTest, TheSmallestAnswerMemoryHoldsTheLargestAnswer) {
  const ConfigField* field = FindConfigField("requests.answer_memory_bytes");
  ASSERT_NE(field, nullptr);
  AnswerBudgets budgets(field->rule().min());
  const auto share = budgets.calls.Take("a", kMaxBatchSize * kObjectBytes);
  EXPECT_TRUE(share.ok()) << share.status();
  const auto piece = budgets.pieces.Take("a", kPieceEventsMax * kEventBytes);
  EXPECT_TRUE(piece.ok()) << piece.status();
}

TEST(ConfigTest, FlagOverEnvironmentOverFileOverDefault) {
  ConfigSources sources;
  sources.file = WriteFile(
      "client_address: 10.0.0.1:1\nlog:\n  level: debug\n  format: json\n"
      "requests:\n  stream_window: 7\n");
  sources.environment["LEDGERD_LOG_LEVEL"] = "warning";
  sources.environment["LEDGERD_LOG_FORMAT"] = "text";
  sources.flags["log.format"] = "json";
  const auto loaded = LoadConfig(sources);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->config.client_address(), "10.0.0.1:1");
  EXPECT_EQ(loaded->config.requests().stream_window(), 7u);
  EXPECT_EQ(loaded->config.log().level(), "warning");
  EXPECT_EQ(loaded->config.log().format(), "json");
  EXPECT_EQ(loaded->origins.at("client_address"), sources.file + ":1");
  EXPECT_EQ(loaded->origins.at("log.level"), "LEDGERD_LOG_LEVEL");
  EXPECT_EQ(loaded->origins.at("log.format"), "--log-format");
}

TEST(ConfigTest, AnUnknownKeyIsRefusedWithTheNearestOne) {
  EXPECT_EQ(FileError("# a comment\nclient_adress: x\n"),
            ":2: unknown key client_adress. Did you mean client_address? "
            "`ledgerd --help` lists all");
  EXPECT_EQ(FileError("log:\n  levle: debug\n"),
            ":2: unknown key log.levle. Did you mean log.level? `ledgerd "
            "--help` lists all");
  EXPECT_EQ(FileError("zzz: 1\n"),
            ":1: unknown key zzz. `ledgerd --help` lists all");
}

TEST(ConfigTest, AFileThatIsNotWhatItShouldBe) {
  EXPECT_EQ(FileError("log:\n  level: info\nlog:\n  level: info\n"),
            ":3: log is given twice");
  EXPECT_EQ(FileError("log: debug\n"), ":1: expected keys and values in log.");
  EXPECT_EQ(FileError("log:\n  level: [a]\n"), ":2: log.level takes one value");
  EXPECT_EQ(FileError("- a\n"), ":1: expected keys and values");
  EXPECT_TRUE(absl::StartsWith(FileError("a: b: c\n"), ":1: no YAML: "));
}

TEST(ConfigTest, AnEmptyFileAndAnEmptySectionAreFine) {
  EXPECT_TRUE(LoadConfig({{}, {}, WriteFile("")}).ok());
  EXPECT_TRUE(LoadConfig({{}, {}, WriteFile("# nothing\nlog:\n")}).ok());
}

TEST(ConfigTest, AMissingFileIsToldSo) {
  const absl::Status status =
      LoadConfig({{}, {}, TempDir() + "/none.yaml"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
}

TEST(ConfigTest, AValueInAFileIsPlacedByItsLine) {
  EXPECT_EQ(FileError("journal:\n  segment_bytes: 12\n"),
            ":2: journal.segment_bytes \"12\" is out of bounds; give 8MiB to "
            "1GiB");
}

TEST(ConfigTest, ErrorsSayWhatWhyAndWhatToDo) {
  EXPECT_EQ(FlagError("client_address", "localhost"),
            "--client-address: client_address \"localhost\" is no host:port; "
            "give one like 127.0.0.1:7300, the port 0 to 65535");
  FlagError("client_address", ":80");
  FlagError("client_address", "a:65536");
  FlagError("client_address", "a:b");
  EXPECT_EQ(FlagError("log.level", "loud"),
            "--log-level: log.level \"loud\" is not known; give one of debug, "
            "info, warning, error");
  EXPECT_EQ(FlagError("requests.stream_window", "-1"),
            "--requests-stream-window: requests.stream_window \"-1\" is no "
            "number; give decimal digits alone");
  FlagError("requests.stream_window", "0");
  FlagError("requests.stream_window", "");
  FlagError("requests.stream_window", "64KiB");
  EXPECT_EQ(FlagError("journal.segment_bytes", "8388609"),
            "--journal-segment-bytes: journal.segment_bytes \"8388609\" is no "
            "multiple of 4096; the next one below is 8388608");
  FlagError("journal.segment_bytes", "64MB");
  FlagError("journal.segment_bytes", "99999999999999TiB");
  EXPECT_EQ(FlagError("admin_address", "127.0.0.1:7300"),
            "--admin-address: admin_address \"127.0.0.1:7300\" is also the "
            "client_address; give it a port of its own");
}

TEST(ConfigTest, MembersAreAListOfReplicas) {
  EXPECT_EQ(FlagError("members", "1@a"),
            "--members: members \"1@a\" names no members: \"1@a\" has no "
            "host:port with a port of 1 to 65535; give id@host:port, or "
            "id@host:port:witness, as "
            "1@10.0.0.1:7302,2@10.0.0.2:7302,3@10.0.0.3:7302");
  const auto loaded =
      LoadConfig({{}, {{"LEDGERD_MEMBERS", "2@a:1,1@b:2"}}, ""});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->config.members(), "2@a:1,1@b:2");
  EXPECT_EQ(FlagError("replication_address", "127.0.0.1:7301"),
            "--replication-address: replication_address \"127.0.0.1:7301\" is "
            "also the admin_address; give it a port of its own");
}

TEST(ConfigTest, AGroupIsToldAnAddressThatOthersCanReach) {
  ConfigSources sources;
  sources.flags = {{"members", "1@a:1,2@b:1,3@c:1"},
                   {"client_address", "0.0.0.0:7300"}};
  EXPECT_EQ(LoadConfig(sources).status().message(),
            "--client-address: client_address \"0.0.0.0:7300\" is every "
            "address of this machine, and the other replicas must tell theirs "
            "where this one is: give advertised_client_address as well, or one "
            "address here");
  // May well be the port's own.
  sources.flags["advertised_client_address"] = "10.0.0.1:7301";
  sources.flags["admin_address"] = "10.0.0.1:7301";
  EXPECT_TRUE(LoadConfig(sources).ok()) << LoadConfig(sources).status();
  sources.flags["admin_address"] = "[::]:7301";
  EXPECT_FALSE(LoadConfig(sources).ok());
  sources.flags["advertised_admin_address"] = "ledger-a:7301";
  EXPECT_TRUE(LoadConfig(sources).ok()) << LoadConfig(sources).status();
  // Who is alone is not asked for anybody else.
  EXPECT_TRUE(LoadConfig({{{"client_address", "0.0.0.0:7300"}}, {}, ""}).ok());
  EXPECT_EQ(FlagError("advertised_client_address", "0.0.0.0:7300"),
            "--advertised-client-address: advertised_client_address "
            "\"0.0.0.0:7300\" is where nobody else can reach it; give one like "
            "10.0.0.1:7300");
  FlagError("advertised_admin_address", "[::]:7300");
  FlagError("advertised_admin_address", "ledger-a:0");
}

TEST(ConfigTest, ATimeoutIsSomeHeartbeats) {
  EXPECT_EQ(FlagError("replication.timeout_ms", "190"),
            "--replication-timeout-ms: replication.timeout_ms \"190\" is less "
            "than four heartbeats of 50 ms: one that is late would depose a "
            "primary");
  FlagError("replication.heartbeat_ms", "55");
  FlagError("replication.heartbeat_ms", "500");
}

TEST(ConfigTest, BothAddressesMayTakeAnyPort) {
  EXPECT_TRUE(LoadConfig({{{"client_address", "127.0.0.1:0"},
                           {"admin_address", "127.0.0.1:0"}},
                          {},
                          ""})
                  .ok());
}

TEST(ConfigTest, SizesHaveUnits) {
  const auto loaded = LoadConfig(
      {{{"journal.segment_bytes", "32 MiB"}, {"state.delta_bytes", "1048576"}},
       {},
       ""});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->config.journal().segment_bytes(), uint64_t{32} << 20);
  EXPECT_EQ(loaded->config.state().delta_bytes(), uint64_t{1} << 20);
}

TEST(ConfigTest, AnUnknownVariableIsWarnedOf) {
  ConfigSources sources;
  sources.environment["LEDGERD_LOG_LEVLE"] = "debug";
  sources.environment["LEDGERD_CONFIG"] = "x";
  const auto loaded = LoadConfig(sources);
  ASSERT_TRUE(loaded.ok());
  ASSERT_EQ(loaded->warnings.size(), 1u);
  EXPECT_EQ(loaded->warnings[0],
            "environment variable LEDGERD_LOG_LEVLE is not a setting of "
            "ledgerd. Did you mean LEDGERD_LOG_LEVEL?");
}

TEST(ConfigTest, WhatIsEffectiveReadsBackAsTheSame) {
  const auto loaded = LoadConfig({{{"data_dir", "/a \"b\\c: #d"},
                                   {"log.level", "debug"},
                                   {"journal.retention_bytes", "12345"}},
                                  {},
                                  ""});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const std::string yaml = EffectiveYaml(*loaded);
  EXPECT_TRUE(absl::StrContains(yaml, "  level: \"debug\"  # --log-level\n"));
  const auto again = LoadConfig({{}, {}, WriteFile(yaml)});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->config.DebugString(), loaded->config.DebugString());
}

TEST(ConfigTest, TheDescriptionNamesEveryFlag) {
  const std::string text = DescribeConfig();
  EXPECT_TRUE(absl::StrContains(text, "--client-address=127.0.0.1:7300\n"));
  EXPECT_TRUE(absl::StrContains(text, "--requests-default-deadline-ms=10000"));
}

}  // namespace
}  // namespace ledgerd::server
