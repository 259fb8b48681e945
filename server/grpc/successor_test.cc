#include "server/grpc/successor.h"

#include <string>

#include "gtest/gtest.h"

#include "proto/membership.h"

namespace ledgerd::server {
namespace {

using replication::ReplicaStatus;

constexpr Timestamp kNow(1'000);

// Replica 1 is the primary of voters.
ReplicaStatus Group(uint64_t voters) {
  ReplicaStatus status;
  status.role = replication::Role::kPrimary;
  status.replica = status.primary = ReplicaId(1);
  for (uint64_t id = 1; id <= voters; ++id) {
    status.membership.members.push_back(
        {ReplicaId(id), Incarnation(1), MemberRole::kVoter});
    if (id == 1) continue;
    replication::PeerStatus peer;
    peer.id = ReplicaId(id);
    peer.connected = true;
    peer.acknowledged = Sequence(100 - id);
    peer.since_heard = std::chrono::milliseconds(20);
    status.peers.push_back(peer);
  }
  return status;
}

TEST(SuccessorTest, TheVoterThatIsFurthestAhead) {
  ReplicaStatus status = Group(3);
  EXPECT_EQ(SuccessorOf(status), ReplicaId(2));
  status.peers[1].acknowledged = Sequence(99);
  EXPECT_EQ(SuccessorOf(status), ReplicaId(3));
}

TEST(SuccessorTest, WhoStillReplaysComesLast) {
  ReplicaStatus status = Group(3);
  status.peers[0].replaying = true;
  EXPECT_EQ(SuccessorOf(status), ReplicaId(3));
  status.peers[1].connected = false;
  EXPECT_EQ(SuccessorOf(status), ReplicaId(2));
}

TEST(SuccessorTest, NobodyThatIsGoneOrSilentOrNeverPrimary) {
  ReplicaStatus status = Group(3);
  // A process that was stopped is connected still.
  status.peers[0].since_heard = kAlive;
  EXPECT_EQ(SuccessorOf(status), ReplicaId(3));
  status.peers[0].connected = false;
  EXPECT_EQ(SuccessorOf(status), ReplicaId(3));
  status.membership.members[2].role = MemberRole::kWitness;
  EXPECT_EQ(SuccessorOf(status), ReplicaId(0));
  status.membership.members[2].role = MemberRole::kLearner;
  EXPECT_EQ(SuccessorOf(status), ReplicaId(0));
}

TEST(SuccessorTest, TheRoleGoesWhenTheOthersCanGoOnWithoutThisOne) {
  EXPECT_EQ(WhyRoleIsKept(Group(3), kNow), "");
  ReplicaStatus five = Group(5);
  five.peers[3].connected = false;
  EXPECT_EQ(WhyRoleIsKept(five, kNow), "");
  five.peers[2].since_heard = kAlive;
  EXPECT_NE(WhyRoleIsKept(five, kNow), "") << "2 of 5 are left";
}

TEST(SuccessorTest, TheRoleStaysInAGroupThatWouldCommitNothing) {
  EXPECT_NE(WhyRoleIsKept(Group(1), kNow), "");
  EXPECT_NE(WhyRoleIsKept(Group(2), kNow).find("cannot go on"),
            std::string::npos);
  ReplicaStatus status = Group(3);
  status.peers[1].connected = false;
  EXPECT_NE(WhyRoleIsKept(status, kNow).find("1 of the other voters answer"),
            std::string::npos);
  // A witness counts, and is never primary.
  status = Group(3);
  status.membership.members[1].role = MemberRole::kWitness;
  EXPECT_EQ(WhyRoleIsKept(status, kNow), "");
  // A learner does not.
  status.membership.members[1].role = MemberRole::kLearner;
  EXPECT_NE(WhyRoleIsKept(status, kNow), "");
}

TEST(SuccessorTest, TheRoleStaysWhileFailoverIsPaused) {
  ReplicaStatus status = Group(3);
  status.membership.paused = true;
  EXPECT_NE(WhyRoleIsKept(status, kNow).find("paused"), std::string::npos);
  status.membership.paused_until = Timestamp(1'001);
  EXPECT_NE(WhyRoleIsKept(status, kNow), "");
  status.membership.paused_until = kNow;
  EXPECT_EQ(WhyRoleIsKept(status, kNow), "") << "it is over";
}

}  // namespace
}  // namespace ledgerd::server
