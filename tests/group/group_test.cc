// Groups of replicas with real threads, journals and states: promotion,
// catch-up, rollback, reads and membership.
#include "tests/group/group.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

#include "proto/errors.h"

namespace ledgerd::group {
namespace {

using replication::Role;

// What is below state/ but RocksDB's first directory.
std::vector<std::string> Installed(const Node& node) {
  std::vector<std::string> names;
  for (const std::string& name : node.Files("state")) {
    if (absl::StartsWith(name, "db-")) names.push_back(name);
  }
  return names;
}

// Where a read begins, or why not.
absl::StatusOr<Sequence> Read(Node& node, replication::Freshness::Level level) {
  auto answer = std::make_shared<std::promise<absl::StatusOr<Sequence>>>();
  auto result = answer->get_future();
  replication::ReadRequest request;
  request.freshness.level = level;
  request.freshness.max_staleness = std::chrono::seconds(30);
  request.deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(30);
  request.begin = [answer](absl::StatusOr<Sequence> at) {
    answer->set_value(std::move(at));
    return std::function<void()>();
  };
  const absl::Status taken = node.replica().Read(std::move(request));
  return taken.ok() ? result.get() : taken;
}

replication::Refusal Ask(Node& node, replication::OperatorRequest what) {
  std::promise<absl::StatusOr<replication::RequestResult>> answer;
  node.replica().Request(
      what, [&answer](auto result) { answer.set_value(std::move(result)); });
  const auto result = answer.get_future().get();
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? result->refusal : replication::Refusal::kHalted;
}

TEST(GroupTest, AStandbyIsPromotedAndTheOldPrimaryCatchesUpFromItsJournal) {
  Group group(3);
  group.OpenAll();
  group.Write(40);
  group.WaitUntilEqual();
  Node& old = group.WaitForPrimary();
  const Epoch epoch = old.status().epoch;
  old.Close();
  Node& next = group.WaitForPrimary();
  EXPECT_NE(next.id(), old.id());
  EXPECT_GT(next.status().epoch, epoch);
  group.Write(10);
  old.Open();
  group.WaitUntilEqual();
  WaitUntil("it follows", [&] {
    const auto status = old.status();
    return status.role == Role::kStandby &&
           status.primary == group.WaitForPrimary().id();
  });
  EXPECT_TRUE(Installed(old).empty()) << "the journal reaches back";
}

TEST(GroupTest, AStandbyThatIsFarBehindCatchesUpByACheckpoint) {
  Group group(3);
  group.OpenAll();
  group.Write(5);
  group.WaitUntilEqual();
  Node& behind = group.WaitForStandby();
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE(round);
    const Sequence last = behind.status().journal_last;
    behind.Close();
    while (group.WaitForPrimary().status().journal_first <= last.Next()) {
      group.Write(50);
    }
    behind.Open();
    group.WaitUntilEqual();
    EXPECT_GT(behind.status().journal_first, last.Next());
    WaitUntil("the old state is gone", [&] {
      return Installed(behind).size() == 1 && behind.Files("state").size() == 2;
    });
    EXPECT_TRUE(behind.Files("incoming/finished").empty());
    // What it has now is also what it finds when it starts.
    behind.Close();
    behind.Open();
    group.WaitUntilEqual();
    group.Write(5);
    group.WaitUntilEqual();
  }
  // It is as good as any other.
  WaitUntil("the switchover", [&] {
    Node& primary = group.WaitForPrimary();
    if (primary.id() == behind.id()) return true;
    Ask(primary, replication::SwitchoverRequested{behind.id()});
    return false;
  });
  group.Write(5);
  group.WaitUntilEqual();
}

TEST(GroupTest, WhatADeposedPrimaryHadAloneIsRolledBack) {
  Group group(3);
  group.OpenAll();
  group.Write(20);
  group.WaitUntilEqual();
  Node& deposed = group.WaitForPrimary();
  group.network().Isolate(deposed.id(), true);
  // Journalled there, and nowhere else.
  const auto lost = deposed.CreateAccount(1'000'000);
  EXPECT_EQ(ReasonOf(lost.status()), Reason::kOutcomeUnknown) << lost.status();
  WaitUntil("another primary",
            [&] { return group.WaitForPrimary().id() != deposed.id(); });
  group.Write(20);
  EXPECT_GT(deposed.status().journal_last, deposed.status().commit.sequence);
  group.network().Isolate(deposed.id(), false);
  group.WaitUntilEqual();
  EXPECT_FALSE(deposed.Files("rolled_back").empty());
  EXPECT_EQ(deposed.status().applied, group.WaitForPrimary().status().applied);
}

TEST(GroupTest, StandbysReadAndRefuseToWrite) {
  Group group(3);
  group.OpenAll();
  group.Write(10);
  Node& standby = group.WaitForStandby();
  const Sequence written = group.WaitForPrimary().status().commit.sequence;
  WaitUntil("a linearizable read", [&] {
    const auto linearizable =
        Read(standby, replication::Freshness::Level::kLinearizable);
    if (!linearizable.ok()) return false;
    EXPECT_GE(*linearizable, written);
    return true;
  });
  WaitUntil("a heartbeat", [&] {
    return Read(standby, replication::Freshness::Level::kMaxStaleness).ok();
  });
  const auto refused = standby.CreateAccount(77);
  EXPECT_EQ(ReasonOf(refused.status()), Reason::kNotPrimary)
      << refused.status();
  EXPECT_EQ(standby.status().primary, group.WaitForPrimary().id());
  // Cut off, what it has asked for is not answered: it says so, soon.
  group.network().Isolate(standby.id(), true);
  const auto alone =
      Read(standby, replication::Freshness::Level::kLinearizable);
  EXPECT_EQ(ReasonOf(alone.status()), Reason::kNoPrimary) << alone.status();
}

TEST(GroupTest, AReplicaIsAddedAndBecomesAVoter) {
  Group group(3);
  group.OpenAll();
  group.Write(10);
  Node& added = group.AddNode();
  replication::MembershipRequested change;
  change.change = replication::MembershipChange::kAddLearner;
  change.id = added.id();
  change.incarnation = Incarnation(1);
  WaitUntil("a learner", [&] {
    return Ask(group.WaitForPrimary(), change) == replication::Refusal::kNone;
  });
  group.WaitUntilEqual();
  EXPECT_EQ(added.status().role, Role::kLearner);
  change.change = replication::MembershipChange::kMakeVoter;
  WaitUntil("a vote", [&] {
    return Ask(group.WaitForPrimary(), change) == replication::Refusal::kNone;
  });
  WaitUntil("a voter", [&] {
    return added.status().role == Role::kStandby &&
           added.status().membership.voter_count() == 4;
  });
  WaitUntil("all are heard", [&] {
    const auto peers = group.WaitForPrimary().status().peers;
    return peers.size() == 3 &&
           std::all_of(peers.begin(), peers.end(), [](const auto& peer) {
             return peer.connected && peer.since_heard.has_value();
           });
  });
  group.Write(5);
  group.WaitUntilEqual();
}

}  // namespace
}  // namespace ledgerd::group
