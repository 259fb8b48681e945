#include "server/grpc/refusals.h"

#include <string>

#include "gtest/gtest.h"

#include "proto/errors.h"

namespace ledgerd::server {
namespace {

using replication::Refusal;

const AskedFor kAboutTwo{"addition of replica 2", ReplicaId(2)};

replication::ReplicaStatus Standby(ReplicaId primary) {
  replication::ReplicaStatus status;
  status.role = replication::Role::kStandby;
  status.replica = ReplicaId(1);
  status.primary = primary;
  status.membership.since.sequence = Sequence(77);
  status.membership.members = {
      {ReplicaId(1), Incarnation(1), MemberRole::kVoter},
      {ReplicaId(2), Incarnation(3), MemberRole::kWitness}};
  return status;
}

struct Case {
  Refusal refusal;
  absl::StatusCode code;
  Reason reason;
  // Said among others.
  const char* words;
};

TEST(Refusals, EachSaysWhatAndWhyAndWhatToDo) {
  const Case cases[] = {
      {Refusal::kNotPrimary, absl::StatusCode::kUnavailable,
       Reason::kNotPrimary,
       "addition of replica 2: replica 1 is not the primary, replica 3 is"},
      {Refusal::kAsksFirst, absl::StatusCode::kUnavailable, Reason::kNoQuorum,
       "Try again"},
      {Refusal::kHasPrimary, absl::StatusCode::kUnavailable,
       Reason::kNotPrimary, "ask that one for a switchover"},
      {Refusal::kChangePending, absl::StatusCode::kFailedPrecondition,
       Reason::kNoQuorum, "entry 77, is not committed yet"},
      {Refusal::kNotCaughtUp, absl::StatusCode::kFailedPrecondition,
       Reason::kTooStale, "See its lag"},
      {Refusal::kNoSuchMember, absl::StatusCode::kInvalidArgument,
       Reason::kInvalidField, "the members are 1 (voter), 2 (witness)"},
      {Refusal::kIdInUse, absl::StatusCode::kInvalidArgument,
       Reason::kInvalidField, "the next incarnation"},
      {Refusal::kTooManyMembers, absl::StatusCode::kInvalidArgument,
       Reason::kInvalidField, "16 members already"},
      {Refusal::kLastVoter, absl::StatusCode::kInvalidArgument,
       Reason::kInvalidField,
       "the members are 1 (voter), 2 (witness). Add another voter first"},
      {Refusal::kNoLivingMajority, absl::StatusCode::kFailedPrecondition,
       Reason::kNoQuorum, "Wait until they answer first"},
      {Refusal::kNotAVoter, absl::StatusCode::kInvalidArgument,
       Reason::kInvalidField, "replica 2 is a witness, which is never primary"},
      {Refusal::kHalted, absl::StatusCode::kFailedPrecondition,
       Reason::kNoPrimary, "See the alarms"},
  };
  for (const Case& one : cases) {
    const absl::Status error =
        RefusalError(one.refusal, kAboutTwo, Standby(ReplicaId(3)));
    EXPECT_EQ(error.code(), one.code) << error;
    EXPECT_EQ(ReasonOf(error), one.reason) << error;
    EXPECT_NE(std::string(error.message()).find(one.words), std::string::npos)
        << error;
    EXPECT_FALSE(MayHaveBeenExecuted(error)) << error;
  }
  EXPECT_TRUE(
      RefusalError(Refusal::kNone, kAboutTwo, Standby(ReplicaId(3))).ok());
}

TEST(Refusals, WithoutAPrimaryThereIsNobodyToAsk) {
  const absl::Status error =
      RefusalError(Refusal::kNotPrimary, kAboutTwo, Standby(ReplicaId(0)));
  EXPECT_EQ(ReasonOf(error), Reason::kNoPrimary);
}

TEST(Refusals, ARemovalNamesTheVotersThatAreSilent) {
  auto status = Standby(ReplicaId(1));
  for (const uint64_t id : {3, 4}) {
    status.membership.members.push_back(
        {ReplicaId(id), Incarnation(1), MemberRole::kVoter});
  }
  replication::PeerStatus alive;
  alive.id = ReplicaId(3);
  alive.connected = true;
  alive.since_heard = std::chrono::milliseconds(20);
  status.peers = {alive};
  const absl::Status error =
      RefusalError(Refusal::kNoLivingMajority,
                   {"removal of replica 2", ReplicaId(2)}, status);
  EXPECT_NE(std::string(error.message())
                .find("Silent: 4. Start them, or remove those that are lost"),
            std::string::npos)
      << error;
}

TEST(Refusals, WhoMayJoin) {
  const auto status = Standby(ReplicaId(0));
  EXPECT_TRUE(CheckJoiner(ReplicaId(4), Incarnation(1), status).ok());
  EXPECT_EQ(ReasonOf(CheckJoiner(ReplicaId(4), Incarnation(0), status)),
            Reason::kTooStale)
      << "nobody has heard it";
  for (const uint32_t incarnation : {0, 3, 4}) {
    const absl::Status error =
        CheckJoiner(ReplicaId(2), Incarnation(incarnation), status);
    EXPECT_EQ(ReasonOf(error), Reason::kInvalidField);
    EXPECT_EQ(std::string(error.message()).find("replica remove 2") !=
                  std::string::npos,
              incarnation == 4)
        << error;
  }
}

}  // namespace
}  // namespace ledgerd::server
