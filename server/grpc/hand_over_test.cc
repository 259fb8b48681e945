// What a primary does before a clean stop, over a replica that does as it is
// told.
#include "server/grpc/hand_over.h"

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gtest/gtest.h"

#include "proto/membership.h"
#include "replication/replica_handle.h"
#include "server/fake_replica.h"
#include "server/logging.h"
#include "server/served_group.h"

namespace ledgerd::server {
namespace {

using replication::OperatorRequest;
using replication::ReplicaStatus;
using replication::RequestResult;
using replication::Role;
using replication::SwitchoverRequested;
using std::chrono::milliseconds;

constexpr milliseconds kLong{60'000};

class HandOverTest : public ::testing::Test {
 protected:
  // Replica 1 is the primary of three voters; 3 is furthest ahead.
  HandOverTest() {
    ReplicaStatus status = replica_.status();
    for (uint64_t id = 1; id <= 3; ++id) {
      status.membership.members.push_back(
          {ReplicaId(id), Incarnation(1), MemberRole::kVoter});
      if (id == 1) continue;
      replication::PeerStatus peer;
      peer.id = ReplicaId(id);
      peer.connected = true;
      peer.acknowledged = Sequence(90 + id);
      peer.since_heard = milliseconds(20);
      status.peers.push_back(peer);
    }
    replica_.SetStatus(status);
  }

  void Change(const std::function<void(ReplicaStatus&)>& change) {
    ReplicaStatus status = replica_.status();
    change(status);
    replica_.SetStatus(status);
  }

  // Each request is begun, and then this is so.
  void Begins(std::function<void(ReplicaStatus&)> change) {
    replica_.OnRequest(
        [change = std::move(change)](
            const OperatorRequest&,
            ReplicaStatus& status) -> absl::StatusOr<RequestResult> {
          change(status);
          return RequestResult{};
        });
  }

  void Run(const HandOverTerms& terms = {.patience = kLong}) {
    HandOverBeforeStop(replica_, addresses_, Timestamp(1'000), terms, logger_);
  }

  std::string Log() const {
    std::string all;
    for (const std::string& line : lines_) all += line + "\n";
    return all;
  }

  bool Said(const std::string& words) const {
    return Log().find(words) != std::string::npos;
  }

  FakeReplica replica_;
  SharedAddresses addresses_;
  std::vector<std::string> lines_;
  Logger logger_{LogLevel::kInfo, LogFormat::kText,
                 [this](absl::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(HandOverTest, TheVoterThatIsFurthestAheadTakesOver) {
  Begins([](ReplicaStatus& status) { status.handing_over = true; });
  // Not at once: it is waited for.
  replica_.AfterEachLook([looks = 0](ReplicaStatus& status) mutable {
    if (status.handing_over && ++looks == 10) {
      status.handing_over = false;
      status.role = Role::kStandby;
      status.epoch = Epoch(4);
      status.primary = ReplicaId(0);
    } else if (status.epoch == Epoch(4) && ++looks == 20) {
      status.primary = ReplicaId(3);
    }
  });
  Run();
  ASSERT_EQ(replica_.requests().size(), 1u);
  const auto asked = std::get<SwitchoverRequested>(replica_.requests()[0]);
  EXPECT_EQ(asked.target, ReplicaId(3));
  EXPECT_FALSE(asked.failed);
  EXPECT_TRUE(Said("role handed over to=3 epoch=4 pause_ms=")) << Log();
}

TEST_F(HandOverTest, ADiskThatFailsIsNamedAsTheReason) {
  Begins([](ReplicaStatus& status) {
    status.role = Role::kStandby;
    status.epoch = status.epoch.Next();
    status.primary = ReplicaId(3);
  });
  Run({.patience = kLong, .disk_fails = true});
  ASSERT_EQ(replica_.requests().size(), 1u);
  EXPECT_TRUE(std::get<SwitchoverRequested>(replica_.requests()[0]).failed);
  EXPECT_TRUE(Said("role handed over to=3")) << Log();
}

TEST_F(HandOverTest, WhoIsNoPrimaryOrAloneDoesAndSaysNothing) {
  for (const Role role : {Role::kStandby, Role::kRecovering, Role::kHalted}) {
    Change([role](ReplicaStatus& status) { status.role = role; });
    Run();
  }
  Change([](ReplicaStatus& status) {
    status.role = Role::kPrimary;
    status.membership.members.resize(1);
    status.peers.clear();
  });
  Run();
  EXPECT_TRUE(replica_.requests().empty());
  EXPECT_EQ(Log(), "");
}

TEST_F(HandOverTest, WhoKeepsItsRoleSaysWhy) {
  Change([](ReplicaStatus& status) { status.membership.paused = true; });
  Run();
  EXPECT_TRUE(Said("info    role kept why=\"failover is paused")) << Log();
  Change([](ReplicaStatus& status) {
    status.membership.paused = false;
    status.peers[0].connected = false;
  });
  Run();
  EXPECT_TRUE(Said("the group cannot go on")) << Log();
  EXPECT_TRUE(replica_.requests().empty());
}

TEST_F(HandOverTest, ATargetThatIsTooSlowIsLeft) {
  Begins([](ReplicaStatus& status) { status.handing_over = true; });
  replica_.AfterEachLook([looks = 0](ReplicaStatus& status) mutable {
    if (status.handing_over && ++looks == 10) status.handing_over = false;
  });
  Run();
  EXPECT_TRUE(
      Said("warning hand-over failed error=\"switchover: replica 3 did "
           "not take over"))
      << Log();
}

TEST_F(HandOverTest, ItEndsWithItsPatience) {
  Begins([](ReplicaStatus& status) { status.handing_over = true; });
  Run({.patience = milliseconds(0)});
  EXPECT_TRUE(Said("hand-over failed")) << Log();
}

// The long patience would outlast the test.
TEST_F(HandOverTest, ItEndsWithTheReplica) {
  Begins([](ReplicaStatus& status) { status.role = Role::kHalted; });
  Run();
  EXPECT_TRUE(Said("hand-over failed")) << Log();
}

TEST_F(HandOverTest, ItEndsWhenTheOthersStopToo) {
  Begins([](ReplicaStatus& status) {
    status.handing_over = true;
    status.peers[0].connected = false;
  });
  Run();
  EXPECT_TRUE(Said("hand-over failed")) << Log();
}

}  // namespace
}  // namespace ledgerd::server
