#include "server/format_command.h"

#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace ledgerd::server {
namespace {

constexpr char kThree[] = "1@a:1,2@a:2,3@a:3";

CommandLine LineOf(std::optional<ReplicaId> replica) {
  CommandLine line;
  line.cluster = ClusterId(9);
  line.replica = replica;
  return line;
}

absl::StatusOr<storage::DataDir::FormatOptions> Options(
    const CommandLine& line, const std::string& members = "") {
  config::v1::Config config;
  config.set_members(members);
  return FormatOptionsOf(line, config);
}

void ExpectRefused(const CommandLine& line, const std::string& members,
                   const std::string& words) {
  const absl::Status status = Options(line, members).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << members;
  EXPECT_NE(std::string(status.message()).find(words), std::string::npos)
      << status;
}

TEST(FormatCommandTest, AloneItIsTheOnlyVoter) {
  const auto options = Options(CommandLine{});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->replica, ReplicaId(1));
  ASSERT_EQ(options->members.size(), 1u);
  EXPECT_EQ(options->members[0].id, ReplicaId(1));
  EXPECT_NE(options->cluster, Options(CommandLine{})->cluster) << "drawn";
}

TEST(FormatCommandTest, OneOfThree) {
  const auto options = Options(LineOf(ReplicaId(2)), kThree);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->cluster, ClusterId(9));
  EXPECT_EQ(options->replica, ReplicaId(2));
  EXPECT_EQ(options->members.size(), 3u);
}

TEST(FormatCommandTest, WhoJoinsBringsNoGroup) {
  CommandLine line = LineOf(ReplicaId(4));
  line.join = true;
  line.incarnation = Incarnation(2);
  const auto options = Options(line, kThree);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_TRUE(options->members.empty());
  EXPECT_EQ(options->incarnation, 2u);
}

TEST(FormatCommandTest, WhatCannotBeIsRefused) {
  ExpectRefused(LineOf(ReplicaId(4)), kThree, "not among --members");
  ExpectRefused(LineOf(std::nullopt), kThree, "give --replica-id");
  CommandLine line = LineOf(ReplicaId(1));
  line.cluster.reset();
  ExpectRefused(line, kThree, "give --cluster-id");
  ExpectRefused(LineOf(ReplicaId(1)), "1@a:1,2@a:2,3@a:3,4@a:4",
                "4 voters survive no more");
  line = LineOf(ReplicaId(1));
  line.incarnation = Incarnation(2);
  ExpectRefused(line, kThree, "--join");
}

}  // namespace
}  // namespace ledgerd::server
