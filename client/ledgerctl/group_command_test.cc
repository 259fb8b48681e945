// What changes a group, from the command line to the exit code.
#include <iostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "client/fake_ledger.h"
#include "client/ledgerctl/command_test_base.h"
#include "client/ledgerctl/exit_code.h"
#include "client/ledgerctl/fake_admin.h"

namespace ledgerd::client {
namespace {

namespace v1 = ::admin::v1;
using Asked = std::vector<std::string>;

// Port 1 is nobody's.
constexpr char kNobody[] = "127.0.0.1:1";

void AddReplica(v1::GetStatusResponse& status, uint64_t id, v1::Role role) {
  auto& replica = *status.add_replicas();
  replica.set_replica_id(id);
  replica.set_role(role);
}

class GroupCommandTest : public CommandTest {
 protected:
  GroupCommandTest() {
    admin_.Change([](v1::GetStatusResponse& status) {
      status.set_replica_id(1);
      status.set_journal_last_sequence(77);
      AddReplica(status, 1, v1::ROLE_PRIMARY);
      AddReplica(status, 2, v1::ROLE_STANDBY);
      AddReplica(status, 3, v1::ROLE_WITNESS);
    });
  }

  // At admin_, unless the arguments say where; `typed` is on stdin.
  ExitCode Run(std::vector<std::string> arguments,
               const std::string& typed = "") {
    bool elsewhere = false;
    for (const std::string& argument : arguments) {
      elsewhere = elsewhere || argument.rfind("--admin-address", 0) == 0;
    }
    if (!elsewhere) arguments.push_back("--admin-address=" + admin_.address());
    std::istringstream in(typed);
    std::streambuf* const stdin_before = std::cin.rdbuf(in.rdbuf());
    std::cin.clear();
    const ExitCode code = RunCommand(std::move(arguments));
    std::cin.rdbuf(stdin_before);
    return code;
  }

  FakeAdmin admin_;
};

TEST_F(GroupCommandTest, SwitchoverTellsThePause) {
  EXPECT_EQ(Run({"switchover", "--to=2", "--hold=2s", "-o", "json"}),
            ExitCode::kOk)
      << err_;
  EXPECT_EQ(out_, "{\"primary\":2,\"epoch\":4,\"write_pause_ms\":12.500}\n");
  EXPECT_EQ(admin_.asked(), Asked({"SwitchoverRequest: target_replica_id: 2 "
                                   "timeout { seconds: 2 }"}));
}

TEST_F(GroupCommandTest, ATargetThatCannotTakeOverIsAPrecondition) {
  admin_.Refuse(MakeGrpcError(Reason::kNoHistory, "replica 2 is too slow"));
  EXPECT_EQ(Run({"switchover"}), ExitCode::kPrecondition);
  EXPECT_TRUE(Said("replica 2 is too slow")) << err_;
  EXPECT_EQ(out_, "");
}

TEST_F(GroupCommandTest, ThePrimaryIsAskedWhereverOneBegins) {
  FakeAdmin standby;
  standby.Refuse(MakeGrpcError(Reason::kNotPrimary, "ask there", {},
                               "127.0.0.1:1", 3, admin_.address()));
  EXPECT_EQ(Run({"pause", std::string("--admin-address=") + kNobody + "," +
                              standby.address()}),
            ExitCode::kOk)
      << err_;
  EXPECT_EQ(standby.asked().size(), 1);
  EXPECT_EQ(admin_.asked(), Asked({"PauseFailoverRequest: "}));
}

TEST_F(GroupCommandTest, HintsInACircleEnd) {
  FakeAdmin other;
  other.Refuse(MakeGrpcError(Reason::kNotPrimary, "ask there", {}, "", 3,
                             admin_.address()));
  admin_.Refuse(MakeGrpcError(Reason::kNotPrimary, "ask there", {}, "", 3,
                              other.address()));
  EXPECT_EQ(Run({"resume"}), ExitCode::kUnhealthy);
  EXPECT_EQ(admin_.asked().size() + other.asked().size(), 4);
}

TEST_F(GroupCommandTest, PauseAndResume) {
  EXPECT_EQ(Run({"pause", "--for=10m", "--reason=rack 3"}), ExitCode::kOk)
      << err_;
  EXPECT_EQ(Run({"resume"}), ExitCode::kOk) << err_;
  EXPECT_EQ(admin_.asked(),
            Asked({"PauseFailoverRequest: reason: \"rack 3\" expires_after { "
                   "seconds: 600 }",
                   "ResumeFailoverRequest: "}));
}

// ---- promote

TEST_F(GroupCommandTest, PromoteAsksFirstAndSaysWhatIsLost) {
  EXPECT_EQ(Run({"promote", "--accept-loss"}, "yes\n"),
            ExitCode::kPrecondition);
  EXPECT_EQ(Run({"promote", "--accept-loss"}, ""), ExitCode::kPrecondition);
  EXPECT_TRUE(Said("Its journal ends at 77")) << err_;
  EXPECT_TRUE(Said("must be off for good: 2 (standby), 3 (witness)")) << err_;
  EXPECT_TRUE(Said("nothing was done")) << err_;
  EXPECT_TRUE(admin_.asked().empty());
  EXPECT_EQ(Run({"promote", "--accept-loss", "-o", "json"}, "1\n"),
            ExitCode::kOk)
      << err_;
  EXPECT_EQ(out_, "{\"primary\":1,\"epoch\":9,\"journal_last\":77}\n");
  EXPECT_EQ(admin_.asked(), Asked({"ForcePromoteRequest: accept_loss: true"}));
}

TEST_F(GroupCommandTest, PromoteForScripts) {
  EXPECT_EQ(
      Run({"promote", "--accept-loss", "--others-are-off", "--reason=fire"}),
      ExitCode::kOk)
      << err_;
  EXPECT_EQ(admin_.asked().back(),
            "ForcePromoteRequest: accept_loss: true reason: \"fire\"");
  EXPECT_EQ(Run({"promote", "--others-are-off"}), ExitCode::kUsage)
      << "the loss must be accepted";
  EXPECT_EQ(admin_.asked().size(), 1);
}

TEST_F(GroupCommandTest, PromoteNeverGoesToAnotherReplica) {
  FakeAdmin other;
  other.Refuse(MakeGrpcError(Reason::kNotPrimary, "ask there", {}, "", 3,
                             admin_.address()));
  EXPECT_EQ(Run({"promote", "--accept-loss", "--others-are-off",
                 "--admin-address=" + other.address()}),
            ExitCode::kUnhealthy);
  EXPECT_TRUE(admin_.asked().empty());
}

// ---- replica

TEST_F(GroupCommandTest, ReplicasAreAddedAndRemoved) {
  EXPECT_EQ(Run({"replica", "add", "4"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Said("as a learner")) << err_;
  EXPECT_EQ(Run({"replica", "add", "5", "--witness"}), ExitCode::kOk);
  EXPECT_EQ(Run({"replica", "remove", "3"}), ExitCode::kOk) << err_;
  EXPECT_EQ(admin_.asked(),
            Asked({"AddReplicaRequest: replica_id: 4",
                   "AddReplicaRequest: replica_id: 5 witness: true",
                   "RemoveReplicaRequest: replica_id: 3"}));
  EXPECT_EQ(Run({"replica", "add", "0"}), ExitCode::kUsage);
  EXPECT_EQ(Run({"replica", "add"}), ExitCode::kUsage);
}

TEST_F(GroupCommandTest, TheLastButOneVoterIsRemovedWhenThatIsConfirmed) {
  admin_.Change([](auto& status) { status.mutable_replicas()->RemoveLast(); });
  EXPECT_EQ(Run({"replica", "remove", "2"}, "\n"), ExitCode::kPrecondition);
  EXPECT_TRUE(Said("One voter is left")) << err_;
  EXPECT_TRUE(admin_.asked().empty());
  EXPECT_EQ(Run({"replica", "remove", "2"}, "2\n"), ExitCode::kOk) << err_;
  EXPECT_EQ(Run({"replica", "remove", "2", "--yes"}), ExitCode::kOk) << err_;
  EXPECT_EQ(admin_.asked().size(), 2);
}

TEST_F(GroupCommandTest, WhatAServerDoesNotServeSaysSo) {
  admin_.Refuse({grpc::StatusCode::UNIMPLEMENTED,
                 "AddReplica is not served by this version of ledgerd"});
  EXPECT_EQ(Run({"replica", "add", "4"}), ExitCode::kError);
  EXPECT_TRUE(Said("is not served by this version")) << err_;
}

TEST_F(GroupCommandTest, AnAnswerThatDoesNotComeIsUnknown) {
  admin_.Refuse({grpc::StatusCode::UNAVAILABLE, "connection reset"});
  EXPECT_EQ(Run({"replica", "remove", "3"}), ExitCode::kError);
  EXPECT_TRUE(Said("OUTCOME_UNKNOWN")) << err_;
  EXPECT_TRUE(Said("ledgerctl status")) << err_;
}

TEST_F(GroupCommandTest, NobodyThereIsNoConnection) {
  EXPECT_EQ(Run({"switchover", std::string("--admin-address=") + kNobody}),
            ExitCode::kNoConnection);
  EXPECT_TRUE(Said(kNobody)) << err_;
}

TEST_F(GroupCommandTest, HelpTeaches) {
  EXPECT_EQ(Run({"promote", "--help"}), ExitCode::kOk);
  EXPECT_NE(out_.find("The last resort"), std::string::npos) << out_;
}

// ---- rolled-back

TEST_F(GroupCommandTest, WhatWasRolledBackIsListed) {
  EXPECT_EQ(Run({"rolled-back"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Said("0 entries were cut off this replica's journal.")) << err_;
  admin_.Append({});
  admin_.Append(MakeCommand<Account>(EntryKind::kCreateAccounts,
                                     std::vector<Account>(1)));
  EXPECT_EQ(Run({"rolled-back", "-o", "json"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Said("1 entries were cut off")) << err_;
  EXPECT_EQ(out_.find("{\"sequence\":2,\"epoch\":1,"
                      "\"operation\":\"create_accounts\","),
            0u)
      << out_;
  EXPECT_NE(out_.find("\"new_epoch\":6,"), std::string::npos) << out_;
  EXPECT_NE(out_.find("\"rolled_back\":\"2027-01-15T08:00:00"),
            std::string::npos)
      << out_;
}

// ---- status

TEST_F(GroupCommandTest, StatusShowsMembersAndThePause) {
  admin_.Change([](v1::GetStatusResponse& status) {
    status.set_role(v1::ROLE_PRIMARY);
    status.set_failover_paused(true);
    status.set_fault_margin(0);
    status.mutable_last_scrub_at()->set_seconds(1'800'000'000);
    auto& standby = *status.mutable_replicas(1);
    standby.set_admin_address("b:7301");
    standby.set_incarnation(2);
    standby.set_lag_entries(5);
    standby.mutable_lag()->set_nanos(7'000'000);
    standby.mutable_since_heartbeat()->set_nanos(20'000'000);
  });
  EXPECT_EQ(Run({"status", "-o", "json"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Said("failover is paused")) << err_;
  EXPECT_TRUE(Said("replica 2 (standby) does not answer: start it")) << err_;
  EXPECT_NE(out_.find("\"failover_paused\":true"), std::string::npos) << out_;
  EXPECT_TRUE(Printed(R"("fault_margin":"0")")) << out_;
  EXPECT_TRUE(Printed(R"("last_scrub":"2027-01-15T08:00:00)")) << out_;
  EXPECT_NE(out_.find("{\"replica\":2,\"role\":\"standby\",\"address\":\"\","
                      "\"admin_address\":\"b:7301\",\"incarnation\":2,"
                      "\"connected\":false,\"heard_ms_ago\":\"20\","
                      "\"acknowledged\":0,\"lag_entries\":5,\"lag_ms\":7}"),
            std::string::npos)
      << out_;
}

TEST_F(GroupCommandTest, AStandbySaysWhoKnowsMore) {
  admin_.Change([](v1::GetStatusResponse& status) {
    status.set_replica_id(2);
    status.set_role(v1::ROLE_STANDBY);
    status.set_primary_id(1);
    status.set_primary_admin_address("a:7301");
    status.set_fault_margin(0);
  });
  EXPECT_EQ(Run({"status", "-o", "json"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Printed(R"("fault_margin":"-")")) << out_;
  EXPECT_TRUE(Printed(R"("last_scrub":"-")")) << out_;
  EXPECT_TRUE(Said("'ledgerctl status --admin-address a:7301'")) << err_;
  EXPECT_EQ(out_.find("lag_entries"), std::string::npos) << out_;
}

}  // namespace
}  // namespace ledgerd::client
