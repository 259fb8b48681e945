#include "server/standing.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace ledgerd::server {
namespace {

using replication::Alarm;
using replication::ReplicaStatus;
using replication::Role;

ReplicaStatus StatusOf(Role role, uint64_t primary, uint64_t applied = 5) {
  ReplicaStatus status;
  status.replica = ReplicaId(2);
  status.role = role;
  status.primary = ReplicaId(primary);
  status.commit.sequence = Sequence(5);
  status.applied = Sequence(applied);
  return status;
}

TEST(StandingTest, WhoTakesWritesServesReadsIsReady) {
  const struct {
    Role role;
    uint64_t primary;
    Standing standing;
  } kCases[] = {
      {Role::kPrimary, 2, {true, true, true}},
      {Role::kStandby, 1, {false, true, true}},
      {Role::kStandby, 0, {false, false, false}},
      {Role::kLearner, 1, {false, false, true}},
      {Role::kWitness, 1, {false, false, true}},
      {Role::kPromoting, 0, {false, false, false}},
      {Role::kRecovering, 2, {false, false, false}},
      {Role::kHalted, 1, {false, false, false}},
  };

  for (const auto& one : kCases) {
    EXPECT_EQ(StandingOf(StatusOf(one.role, one.primary), {}), one.standing)
        << Name(one.role) << " of " << one.primary;
  }
}

TEST(StandingTest, AStandbyServesReadsOnceItHasCaughtUp) {
  Standing standing = StandingOf(StatusOf(Role::kStandby, 1, 3), {});
  EXPECT_FALSE(standing.reads);
  standing = StandingOf(StatusOf(Role::kStandby, 1, 5), standing);
  EXPECT_TRUE(standing.reads);
  // It trails by a moment, from then on.
  standing = StandingOf(StatusOf(Role::kStandby, 1, 4), standing);
  EXPECT_TRUE(standing.reads);
  // A primary that was deposed has to catch up anew.
  EXPECT_FALSE(
      StandingOf(StatusOf(Role::kStandby, 1, 4), {true, true, true}).reads);
}

TEST(StandingTest, TheLogSaysWhatIsNewAndWhy) {
  std::vector<std::string> lines;
  Logger logger(LogLevel::kInfo, LogFormat::kText,
                [&lines](absl::string_view line) { lines.emplace_back(line); });
  StandingLog log(logger);
  ReplicaStatus status = StatusOf(Role::kStandby, 0);
  log.Note(status);
  log.Note(status);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("role=standby"), std::string::npos) << lines[0];
  status.alarms = {Alarm::kPairWithoutPrimary};
  log.Note(status);
  log.Note(status);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[1].find("a pair never promotes by itself"), std::string::npos)
      << lines[1];
  status.alarms.clear();
  status.primary = ReplicaId(1);
  log.Note(status);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_NE(lines[2].find("primary_id=1"), std::string::npos) << lines[2];
}

}  // namespace
}  // namespace ledgerd::server
