#include "server/group_layout.h"

#include <string>

#include "gtest/gtest.h"

namespace ledgerd::server {
namespace {

GroupLayout Parsed(const std::string& text) {
  auto layout = ParseMembers(text);
  EXPECT_TRUE(layout.ok()) << layout.status();
  return layout.ok() ? *std::move(layout) : GroupLayout();
}

std::string WordsOf(const absl::Status& status) {
  return std::string(status.message());
}

TEST(GroupLayoutTest, SaysWhoIsWhereAndInWhatRole) {
  const GroupLayout layout =
      Parsed("3@c.example:7302:witness, 1@10.0.0.1:7302,2@[::1]:9");
  ASSERT_EQ(layout.members.size(), 3u);
  EXPECT_EQ(layout.members[0].id, ReplicaId(1));
  EXPECT_EQ(layout.members[0].address, "10.0.0.1:7302");
  EXPECT_EQ(layout.members[0].role, MemberRole::kVoter);
  EXPECT_EQ(layout.members[1].address, "[::1]:9");
  EXPECT_EQ(layout.members[2].address, "c.example:7302");
  EXPECT_EQ(layout.members[2].role, MemberRole::kWitness);
  EXPECT_EQ(layout.Find(ReplicaId(4)), nullptr);
  EXPECT_EQ(layout.AddressesBut(ReplicaId(1)).size(), 2u);
  EXPECT_EQ(layout.NewMembers()[2].role, MemberRole::kWitness);
  EXPECT_EQ(layout.NewMembers()[2].incarnation, Incarnation(1));
  EXPECT_TRUE(Parsed("").members.empty());
}

TEST(GroupLayoutTest, WhatIsNoMemberIsRefusedByName) {
  for (const char* part :
       {"x@a:1", "0@a:1", "@a:1", "1@", "1@a", "1@a:0", "1@a:65536", "1@:7",
        "1@a:b", "1@a:1:learner", "a:1"}) {
    const auto layout = ParseMembers(std::string("7@z:1,") + part);
    EXPECT_TRUE(absl::IsInvalidArgument(layout.status())) << part;
    EXPECT_NE(WordsOf(layout.status()).find(part), std::string::npos)
        << layout.status();
  }
  EXPECT_NE(WordsOf(ParseMembers("1@a:1,1@b:1").status()).find("another one"),
            std::string::npos);
  std::string many = "1@a:1";
  for (size_t i = 2; i <= kMembersMax + 1; ++i) {
    many += "," + std::to_string(i) + "@a:1";
  }
  EXPECT_NE(WordsOf(ParseMembers(many).status()).find("at most"),
            std::string::npos);
}

TEST(GroupLayoutTest, NewGroupsAreOfTheLayoutsThatThereAre) {
  const struct {
    const char* members;
    const char* words;  // Of the refusal; empty: taken.
  } kCases[] = {
      {"1@a:1", ""},
      {"1@a:1,2@a:2", ""},
      {"1@a:1,2@a:2,3@a:3:witness", ""},
      {"1@a:1,2@a:2,3@a:3", ""},
      {"1@a:1,2@a:2,3@a:3,4@a:4,5@a:5", ""},
      {"", "0 voters"},
      {"1@a:1:witness", "1 voters, 1"},
      {"1@a:1,2@a:2:witness", "2 voters, 1"},
      {"1@a:1,2@a:2:witness,3@a:3:witness", "3 voters, 2"},
      {"1@a:1,2@a:2,3@a:3,4@a:4", "4 voters survive no more"},
      {"1@a:1,2@a:2,3@a:3,4@a:4:witness", "4 voters survive no more"},
      {"1@a:1,2@a:2,3@a:3,4@a:4,5@a:5,6@a:6", "6 voters"},
  };

  for (const auto& one : kCases) {
    const absl::Status status = CheckNewGroup(Parsed(one.members));
    EXPECT_EQ(status.ok(), *one.words == '\0') << one.members << status;
    EXPECT_NE(WordsOf(status).find(one.words), std::string::npos) << status;
  }
}

}  // namespace
}  // namespace ledgerd::server
