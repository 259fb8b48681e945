// verify, from the command line to what is printed.
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "client/fake_ledger.h"
#include "client/ledgerctl/command_test_base.h"
#include "client/ledgerctl/exit_code.h"
#include "client/ledgerctl/fake_admin.h"
#include "proto/errors.h"

namespace ledgerd::client {
namespace {

namespace v1 = ::admin::v1;

class VerifyCommandTest : public CommandTest {
 protected:
  // What each replica's state hash is; an empty one could not be asked.
  void Answer(const std::vector<std::string>& states) {
    v1::VerifyReplicasResponse answer;
    answer.set_sequence(41);
    bool match = true;
    for (const std::string& state : states) {
      auto& replica = *answer.add_hashes();
      replica.set_replica_id(static_cast<uint64_t>(answer.hashes_size()));
      replica.set_state_hash(state);
      replica.set_journal_hash(state.empty() ? "" : "j");
      if (state.empty()) replica.set_error("it is off");
      match = match && state == states.front() && !state.empty();
    }
    answer.set_match(match);
    admin_.SetVerified(std::move(answer));
  }

  ExitCode Run(std::vector<std::string> arguments) {
    arguments.push_back("--admin-address=" + admin_.address());
    return RunCommand(std::move(arguments));
  }

  FakeAdmin admin_;
};

TEST_F(VerifyCommandTest, EqualReplicas) {
  Answer({"a", "a", "a"});
  EXPECT_EQ(Run({"verify", "-o", "json"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Printed(R"("replica":3,"sequence":41,"state_hash":"61",)"
                      R"("journal_hash":"6a","verdict":"equal")"))
      << out_;
  EXPECT_TRUE(Said("All replicas have the same state at sequence 41")) << err_;
}

TEST_F(VerifyCommandTest, TheOneThatDiffersIsNamed) {
  Answer({"a", "b", "a"});
  EXPECT_EQ(Run({"verify"}), ExitCode::kCorruption) << err_;
  EXPECT_TRUE(Said("At sequence 41 replicas differ: 2.")) << err_;
}

TEST_F(VerifyCommandTest, OfTwoNobodyKnowsWhichIsRight) {
  Answer({"a", "b"});
  EXPECT_EQ(Run({"verify"}), ExitCode::kCorruption) << err_;
  EXPECT_TRUE(Said("replicas differ: 1, 2.")) << err_;
}

TEST_F(VerifyCommandTest, OneThatIsOffIsNoMismatch) {
  Answer({"a", "", "a"});
  EXPECT_EQ(Run({"verify"}), ExitCode::kUnhealthy) << err_;
  EXPECT_TRUE(Printed("it is off")) << out_;
  EXPECT_TRUE(Said("not all did")) << err_;
}

TEST_F(VerifyCommandTest, ARefusalIsSaid) {
  admin_.Refuse(MakeGrpcError(Reason::kNoPrimary, "a witness keeps no state"));
  EXPECT_NE(Run({"verify"}), ExitCode::kOk);
  EXPECT_TRUE(Said("a witness keeps no state")) << err_;
}

}  // namespace
}  // namespace ledgerd::client
