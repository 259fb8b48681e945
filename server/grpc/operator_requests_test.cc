// What operators ask of a group, through gRPC, over a replica that does as it
// is told.
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>

#include "google/protobuf/util/time_util.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

#include "proto/errors.h"
#include "proto/membership.h"
#include "server/grpc/error_details.h"
#include "server/grpc/services_harness.h"
#include "storage/journal_testing.h"

namespace ledgerd::server {
namespace {

using google::protobuf::util::TimeUtil;
using replication::MembershipChange;
using replication::MembershipRequested;
using replication::OperatorRequest;
using replication::ReplicaStatus;
using replication::RequestResult;
using replication::Role;

Member MakeMember(uint64_t id, MemberRole role = MemberRole::kVoter,
                  uint32_t incarnation = 1) {
  return {ReplicaId(id), Incarnation(incarnation), role};
}

replication::PeerStatus MakePeer(uint64_t id, uint64_t acknowledged,
                                 bool connected = true) {
  replication::PeerStatus peer;
  peer.id = ReplicaId(id);
  peer.connected = connected;
  peer.acknowledged = Sequence(acknowledged);
  peer.since_heard = std::chrono::milliseconds(20);
  return peer;
}

class OperatorRequestsTest : public ::testing::Test {
 protected:
  // Replica 1 is the primary of three voters.
  OperatorRequestsTest() {
    Change([](ReplicaStatus& status) {
      status.journal_last = Sequence(100);
      status.commit.sequence = Sequence(90);
      status.membership.members = {MakeMember(1), MakeMember(2), MakeMember(3)};
      status.peers = {MakePeer(2, 80), MakePeer(3, 95)};
    });
  }

  void Change(const std::function<void(ReplicaStatus&)>& change) {
    ReplicaStatus status = harness_.replica().status();
    change(status);
    harness_.replica().SetStatus(status);
  }

  // A standby of replica 2's, or of nobody's.
  void BecomeStandby(uint64_t primary) {
    Change([primary](ReplicaStatus& status) {
      status.role = Role::kStandby;
      status.primary = ReplicaId(primary);
    });
  }

  // Each request does this, and is begun.
  void Begins(std::function<void(ReplicaStatus&)> change,
              uint64_t sequence = 0) {
    harness_.replica().OnRequest(
        [change = std::move(change), sequence](
            const OperatorRequest&,
            ReplicaStatus& status) -> absl::StatusOr<RequestResult> {
          change(status);
          return RequestResult{replication::Refusal::kNone, Sequence(sequence)};
        });
  }

  template <typename T>
  T Requested() {
    const auto requests = harness_.replica().requests();
    EXPECT_EQ(requests.size(), 1u);
    if (requests.empty()) return T();
    EXPECT_TRUE(std::holds_alternative<T>(requests.front()));
    return std::get<T>(requests.front());
  }

  absl::Status Switchover(
      uint64_t target,
      std::optional<google::protobuf::Duration> hold = std::nullopt) {
    grpc::ClientContext context;
    admin::v1::SwitchoverRequest request;
    request.set_target_replica_id(target);
    if (hold.has_value()) *request.mutable_timeout() = *hold;
    wire_ = harness_.admin().Switchover(&context, request, &moved_);
    return FromGrpcStatus(wire_);
  }

  absl::Status ForcePromote(bool accept_loss) {
    grpc::ClientContext context;
    admin::v1::ForcePromoteRequest request;
    request.set_accept_loss(accept_loss);
    request.set_reason("rack 3 has burnt down");
    return FromGrpcStatus(
        harness_.admin().ForcePromote(&context, request, &forced_));
  }

  absl::Status Pause(int64_t seconds) {
    grpc::ClientContext context;
    admin::v1::PauseFailoverRequest request;
    admin::v1::PauseFailoverResponse response;
    request.set_reason("new switch in rack 3");
    if (seconds != 0) {
      *request.mutable_expires_after() = TimeUtil::SecondsToDuration(seconds);
    }
    return FromGrpcStatus(
        harness_.admin().PauseFailover(&context, request, &response));
  }

  absl::Status Add(admin::v1::AddReplicaRequest request) {
    grpc::ClientContext context;
    admin::v1::AddReplicaResponse response;
    return FromGrpcStatus(
        harness_.admin().AddReplica(&context, request, &response));
  }

  absl::Status Remove(uint64_t id) {
    grpc::ClientContext context;
    admin::v1::RemoveReplicaRequest request;
    request.set_replica_id(id);
    admin::v1::RemoveReplicaResponse response;
    return FromGrpcStatus(
        harness_.admin().RemoveReplica(&context, request, &response));
  }

  bool Logged(const std::string& words) const {
    return harness_.log().find(words) != std::string::npos;
  }

  ServicesHarness harness_;
  grpc::Status wire_;
  admin::v1::SwitchoverResponse moved_;
  admin::v1::ForcePromoteResponse forced_;
};

void HandedOver(ReplicaStatus& status) {
  status.role = Role::kStandby;
  status.primary = ReplicaId(3);
  status.epoch = Epoch(4);
}

TEST_F(OperatorRequestsTest, ASwitchoverGoesToTheVoterThatIsFurthestAhead) {
  Begins(HandedOver);
  ASSERT_TRUE(Switchover(0).ok()) << wire_.error_message();
  EXPECT_EQ(Requested<replication::SwitchoverRequested>().target, ReplicaId(3));
  EXPECT_EQ(moved_.primary_id(), 3u);
  EXPECT_EQ(moved_.epoch(), 4u);
  EXPECT_GT(TimeUtil::DurationToNanoseconds(moved_.write_pause()), 0);
  EXPECT_TRUE(Logged("operator asks call=Switchover who=")) << harness_.log();
  EXPECT_TRUE(Logged("outcome=done")) << harness_.log();
}

TEST_F(OperatorRequestsTest, AVoterThatFellSilentIsNoTarget) {
  Change([](ReplicaStatus& status) {
    status.peers[1].since_heard = std::chrono::seconds(5);
  });
  EXPECT_TRUE(absl::IsFailedPrecondition(Switchover(3)));
  EXPECT_TRUE(Logged("outcome=\"switchover: replica 3 does not answer"))
      << harness_.log();
  Begins(HandedOver);
  EXPECT_TRUE(Switchover(0).ok()) << wire_.error_message();
  EXPECT_EQ(Requested<replication::SwitchoverRequested>().target, ReplicaId(2));
}

TEST_F(OperatorRequestsTest, ATargetThatIsTooSlowLeavesThePrimary) {
  Begins([](ReplicaStatus& status) { status.handing_over = true; });
  harness_.replica().AfterEachLook([looks = 0](ReplicaStatus& status) mutable {
    if (status.handing_over && ++looks == 10) status.handing_over = false;
  });
  const absl::Status error = Switchover(2);
  EXPECT_TRUE(absl::IsFailedPrecondition(error)) << error;
  EXPECT_EQ(ReasonOf(error), Reason::kTooStale);
  EXPECT_NE(error.message().find("replica 1 goes on as the primary"),
            absl::string_view::npos);
}

TEST_F(OperatorRequestsTest, ATargetThatCannotTakeOverHoldsNoWrites) {
  Change([](ReplicaStatus& status) {
    status.membership.members.push_back(MakeMember(4, MemberRole::kWitness));
    status.peers[0].connected = false;
  });
  EXPECT_EQ(ReasonOf(Switchover(1)), Reason::kInvalidField) << "the primary";
  EXPECT_EQ(ReasonOf(Switchover(4)), Reason::kInvalidField) << "a witness";
  EXPECT_EQ(ReasonOf(Switchover(9)), Reason::kInvalidField) << "no member";
  EXPECT_TRUE(absl::IsFailedPrecondition(Switchover(2))) << "does not answer";
  Change([](ReplicaStatus& status) { status.peers.clear(); });
  EXPECT_TRUE(absl::IsFailedPrecondition(Switchover(0))) << "nobody does";
  EXPECT_TRUE(harness_.replica().requests().empty());
}

TEST_F(OperatorRequestsTest, WritesAreHeldForAsLongAsIsAsked) {
  Begins([](ReplicaStatus& status) { status.handing_over = true; });
  harness_.replica().AfterEachLook([looks = 0](ReplicaStatus& status) mutable {
    if (status.handing_over && ++looks == 10) status.handing_over = false;
  });
  const absl::Status error =
      Switchover(2, TimeUtil::MillisecondsToDuration(4'995));
  EXPECT_EQ(Requested<replication::SwitchoverRequested>().ticks, 500u);
  EXPECT_NE(error.message().find("were held for 4995 ms"),
            absl::string_view::npos)
      << error;
}

TEST_F(OperatorRequestsTest, AHoldThatIsNoneOrEndlessIsRefused) {
  for (const int64_t ms : {-1, 0, 9, 60'001}) {
    const absl::Status error =
        Switchover(2, TimeUtil::MillisecondsToDuration(ms));
    EXPECT_EQ(FieldOf(error), "timeout") << error;
  }
  EXPECT_TRUE(harness_.replica().requests().empty());
}

TEST_F(OperatorRequestsTest, AStandbyNamesThePrimaryToOperators) {
  BecomeStandby(2);
  harness_.addresses().Learn(ReplicaId(2),
                             {"ledger-b:7300", "ledger-b:7301", "", {}});
  EXPECT_EQ(ReasonOf(Switchover(0)), Reason::kNotPrimary);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(wire_.error_details()));
  ledger::v1::PrimaryHint hint;
  for (const auto& detail : details.details()) detail.UnpackTo(&hint);
  EXPECT_EQ(hint.address(), "ledger-b:7300");
  EXPECT_EQ(hint.admin_address(), "ledger-b:7301");
}

TEST_F(OperatorRequestsTest, AStandbyWithoutAPrimaryIsPromotedByMajority) {
  BecomeStandby(0);
  EXPECT_EQ(ReasonOf(Switchover(2)), Reason::kInvalidField)
      << "that one must be asked itself";
  Begins([](ReplicaStatus& status) {
    status.role = Role::kPrimary;
    status.epoch = Epoch(5);
  });
  ASSERT_TRUE(Switchover(1).ok()) << wire_.error_message();
  Requested<replication::PromotionRequested>();
  EXPECT_EQ(moved_.primary_id(), 1u);
  EXPECT_EQ(moved_.epoch(), 5u);
}

TEST_F(OperatorRequestsTest, ARefusalOfTheProtocolIsAnError) {
  harness_.replica().OnRequest([](const OperatorRequest&, ReplicaStatus&) {
    return RequestResult{replication::Refusal::kChangePending, {}};
  });
  const absl::Status error = Pause(0);
  EXPECT_TRUE(absl::IsFailedPrecondition(error)) << error;
  EXPECT_EQ(ReasonOf(error), Reason::kNoQuorum);
  EXPECT_FALSE(MayHaveBeenExecuted(error));
}

TEST_F(OperatorRequestsTest, WhoWaitsWhenTheDaemonStopsDoesNotKnow) {
  Begins([](ReplicaStatus&) {}, 101);
  std::thread stopper([this] {
    harness_.replica().WaitForRequests(1);
    harness_.admin_service().Drain();
  });
  EXPECT_EQ(ReasonOf(Pause(0)), Reason::kOutcomeUnknown);
  stopper.join();
}

// ---- forced promotion

TEST_F(OperatorRequestsTest, AForcedPromotionNeedsThatLossIsAccepted) {
  BecomeStandby(0);
  EXPECT_EQ(FieldOf(ForcePromote(false)), "accept_loss");
  EXPECT_TRUE(harness_.replica().requests().empty());
  Begins([](ReplicaStatus& status) {
    status.role = Role::kPrimary;
    status.epoch = Epoch(9);
    status.journal_last = Sequence(101);
  });
  ASSERT_TRUE(ForcePromote(true).ok());
  EXPECT_EQ(forced_.epoch(), 9u);
  EXPECT_EQ(forced_.last_sequence(), 101u);
  EXPECT_TRUE(Logged("what=\"loss accepted\" why=\"rack 3 has burnt down\""))
      << harness_.log();
}

TEST_F(OperatorRequestsTest, BesideALivingPrimaryNothingIsForced) {
  BecomeStandby(2);
  const absl::Status error = ForcePromote(true);
  EXPECT_TRUE(absl::IsFailedPrecondition(error)) << error;
  EXPECT_NE(error.message().find("replica 2 is primary and was heard 20 ms"),
            absl::string_view::npos)
      << error;
  EXPECT_TRUE(harness_.replica().requests().empty());
}

// ---- pause, members

TEST_F(OperatorRequestsTest, APauseHoldsOnceItIsCommitted) {
  Begins([](ReplicaStatus& status) { status.commit.sequence = Sequence(101); },
         101);
  ASSERT_TRUE(Pause(60).ok());
  const auto request = Requested<replication::PauseRequested>();
  EXPECT_TRUE(request.paused);
  EXPECT_GT(request.until, replication::SystemClock().WallNow());
  EXPECT_TRUE(Logged("what=\"for 60 s\" why=\"new switch in rack 3\""))
      << harness_.log();
  EXPECT_EQ(FieldOf(Pause(-1)), "expires_after");
}

TEST_F(OperatorRequestsTest, AResumptionIsAnEntryToo) {
  Begins([](ReplicaStatus& status) { status.commit.sequence = Sequence(101); },
         101);
  grpc::ClientContext context;
  admin::v1::ResumeFailoverResponse response;
  EXPECT_TRUE(harness_.admin().ResumeFailover(&context, {}, &response).ok());
  EXPECT_FALSE(Requested<replication::PauseRequested>().paused);
}

TEST_F(OperatorRequestsTest, AChangeThatItsPrimaryLostIsNotKnown) {
  Begins([](ReplicaStatus& status) { HandedOver(status); }, 101);
  EXPECT_EQ(ReasonOf(Remove(2)), Reason::kOutcomeUnknown);
}

TEST_F(OperatorRequestsTest, AReplicaThatWasHeardIsAddedAsItsIncarnation) {
  Begins([](ReplicaStatus& status) { status.commit.sequence = Sequence(101); },
         101);
  admin::v1::AddReplicaRequest request;
  request.set_replica_id(4);
  EXPECT_TRUE(absl::IsFailedPrecondition(Add(request))) << "not heard yet";
  ReplicaAddresses said;
  said.client = "d:7300";
  said.admin = "d:7301";
  said.incarnation = Incarnation(2);
  harness_.addresses().Learn(ReplicaId(4), said);
  request.set_client_address("ledger-d:7300");
  ASSERT_TRUE(Add(request).ok());
  const auto added = Requested<MembershipRequested>();
  EXPECT_EQ(added.change, MembershipChange::kAddLearner);
  EXPECT_EQ(added.id, ReplicaId(4));
  EXPECT_EQ(added.incarnation, Incarnation(2));
  const ReplicaAddresses known = harness_.addresses().Of(ReplicaId(4));
  EXPECT_EQ(known.client, "ledger-d:7300") << "as the operator says";
  EXPECT_EQ(known.admin, "d:7301");
  EXPECT_EQ(FieldOf(Add({})), "replica_id");
}

TEST_F(OperatorRequestsTest, AWitnessIsAddedAsOne) {
  Begins([](ReplicaStatus& status) { status.commit.sequence = Sequence(101); },
         101);
  ReplicaAddresses said;
  said.incarnation = Incarnation(1);
  harness_.addresses().Learn(ReplicaId(4), said);
  admin::v1::AddReplicaRequest request;
  request.set_replica_id(4);
  request.set_witness(true);
  ASSERT_TRUE(Add(request).ok());
  EXPECT_EQ(Requested<MembershipRequested>().change,
            MembershipChange::kAddWitness);
}

TEST_F(OperatorRequestsTest, AReplicaIsRemoved) {
  Begins([](ReplicaStatus& status) { status.commit.sequence = Sequence(101); },
         101);
  ASSERT_TRUE(Remove(3).ok());
  const auto removed = Requested<MembershipRequested>();
  EXPECT_EQ(removed.change, MembershipChange::kRemove);
  EXPECT_EQ(removed.id, ReplicaId(3));
}

TEST_F(OperatorRequestsTest, ALearnerIsGivenItsVoteByItself) {
  harness_.replica().OnRequest([](const OperatorRequest&, ReplicaStatus&) {
    return RequestResult{replication::Refusal::kNotCaughtUp, {}};
  });
  Change([](ReplicaStatus& status) {
    status.membership.members.push_back(MakeMember(4, MemberRole::kLearner, 2));
  });
  // A refusal is asked again.
  harness_.replica().WaitForRequests(2);
  const auto request =
      std::get<MembershipRequested>(harness_.replica().requests().back());
  EXPECT_EQ(request.change, MembershipChange::kMakeVoter);
  EXPECT_EQ(request.id, ReplicaId(4));
}

// ---- status

class GroupStatusTest : public OperatorRequestsTest {
 protected:
  admin::v1::GetStatusResponse Get() {
    grpc::ClientContext context;
    admin::v1::GetStatusResponse response;
    EXPECT_TRUE(harness_.admin().GetStatus(&context, {}, &response).ok());
    return response;
  }
};

TEST_F(GroupStatusTest, TellsOfEveryMember) {
  harness_.addresses().Learn(ReplicaId(3), {"c:7300", "c:7301", "c:7302", {}});
  Change([](ReplicaStatus& status) {
    status.membership.members.push_back(MakeMember(4, MemberRole::kWitness));
    status.membership.members.push_back(MakeMember(5, MemberRole::kLearner, 2));
    status.membership.paused = true;
  });
  const auto status = Get();
  EXPECT_TRUE(status.failover_paused());
  ASSERT_EQ(status.alarms_size(), 1);
  EXPECT_EQ(status.alarms(0).name(), "FAILOVER_PAUSED");
  EXPECT_EQ(status.alarms(0).blocks(), "");
  ASSERT_EQ(status.replicas_size(), 5);
  EXPECT_EQ(status.replicas(0).role(), admin::v1::ROLE_PRIMARY);
  EXPECT_EQ(status.replicas(0).client_address(),
            harness_.client_port().address());
  EXPECT_EQ(status.replicas(1).role(), admin::v1::ROLE_STANDBY);
  EXPECT_EQ(status.replicas(1).lag_entries(), 20u);
  const auto& third = status.replicas(2);
  EXPECT_EQ(third.replica_id(), 3u);
  EXPECT_EQ(third.acknowledged_sequence(), 95u);
  EXPECT_EQ(third.lag_entries(), 5u);
  EXPECT_TRUE(third.connected());
  EXPECT_EQ(TimeUtil::DurationToMilliseconds(third.since_heartbeat()), 20);
  EXPECT_EQ(third.client_address(), "c:7300");
  EXPECT_EQ(third.admin_address(), "c:7301");
  EXPECT_EQ(third.peer_address(), "c:7302");
  EXPECT_EQ(status.replicas(3).role(), admin::v1::ROLE_WITNESS);
  EXPECT_FALSE(status.replicas(3).connected());
  EXPECT_EQ(status.replicas(4).role(), admin::v1::ROLE_LEARNER);
  EXPECT_EQ(status.replicas(4).incarnation(), 2u);
}

TEST_F(GroupStatusTest, TheLagIsTheAgeOfTheOldestEntryThatIsLacked) {
  // Entries of 1 ns and later: they have waited since 1970.
  EntryId last;
  ASSERT_TRUE(harness_.journal()
                  .Append(storage::MakeEntries(10, 1, last), Sequence(0))
                  .ok());
  Change([](ReplicaStatus& status) {
    status.journal_last = Sequence(10);
    status.peers[0].acknowledged = Sequence(10);
    status.peers[1].acknowledged = Sequence(4);
  });
  const auto status = Get();
  EXPECT_EQ(status.replicas(1).lag_entries(), 0u);
  EXPECT_EQ(status.replicas(1).lag().seconds(), 0);
  EXPECT_EQ(status.replicas(2).lag_entries(), 6u);
  EXPECT_GT(status.replicas(2).lag().seconds(), 50 * 365 * 86'400L);
  BecomeStandby(2);
  EXPECT_FALSE(Get().replicas(2).has_lag()) << "the primary alone knows";
}

TEST_F(GroupStatusTest, TheMarginCountsTheVotersThatAreThere) {
  EXPECT_EQ(Get().fault_margin(), 1);
  Change([](ReplicaStatus& status) { status.peers[0].connected = false; });
  EXPECT_EQ(Get().fault_margin(), 0);
  Change([](ReplicaStatus& status) {
    status.peers[1].since_heard = std::chrono::seconds(5);
  });
  EXPECT_EQ(Get().fault_margin(), -1) << "connected, and silent";
  Change([](ReplicaStatus& status) { status.peers.clear(); });
  EXPECT_EQ(Get().fault_margin(), -1);
  BecomeStandby(2);
  EXPECT_EQ(Get().fault_margin(), 0);
  BecomeStandby(0);
  EXPECT_EQ(Get().fault_margin(), -1);
}

TEST_F(GroupStatusTest, AStandbyTellsWhoThePrimaryIsAndNotHowFarOthersAre) {
  harness_.addresses().Learn(ReplicaId(2), {"b:7300", "b:7301", "", {}});
  BecomeStandby(2);
  const auto status = Get();
  EXPECT_EQ(status.role(), admin::v1::ROLE_STANDBY);
  EXPECT_EQ(status.primary_id(), 2u);
  EXPECT_EQ(status.primary_address(), "b:7300");
  EXPECT_EQ(status.primary_admin_address(), "b:7301");
  EXPECT_EQ(status.replicas(1).role(), admin::v1::ROLE_PRIMARY);
  EXPECT_EQ(status.replicas(2).lag_entries(), 0u);
}

TEST_F(GroupStatusTest, TheProtocolsAlarmsSayWhatToDo) {
  Change([](ReplicaStatus& status) {
    status.alarms = {replication::Alarm::kPairWithoutPrimary,
                     replication::Alarm::kFourVoters};
  });
  const auto status = Get();
  ASSERT_EQ(status.alarms_size(), 2);
  EXPECT_EQ(status.alarms(0).name(), "PAIR_WITHOUT_PRIMARY");
  EXPECT_EQ(status.alarms(0).blocks(), "writes");
  EXPECT_NE(status.alarms(0).message().find("promote --accept-loss"),
            std::string::npos);
  EXPECT_EQ(status.alarms(1).blocks(), "");
}

}  // namespace
}  // namespace ledgerd::server
