// transfer revert, over a ledger in this process.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "client/fake_ledger.h"
#include "client/ledgerctl/command_test_base.h"
#include "client/ledgerctl/exit_code.h"
#include "client/ledgerctl/reversal.h"
#include "proto/types.h"

namespace ledgerd::client {
namespace {

class RevertCommandTest : public CommandTest {
 protected:
  RevertCommandTest() {
    for (const uint64_t id : {1, 2}) {
      ledger_.set_account({.id = AccountId(id), .ledger = 1, .code = 1});
    }
  }

  ExitCode Run(std::vector<std::string> arguments) {
    arguments.push_back("--address=" + ledger_.address());
    return RunCommand(std::move(arguments));
  }

  // Transfer 9: 995 from account 1 to account 2.
  void Pay() {
    EXPECT_EQ(Run({"transfer", "--id=9", "--debit=1", "--credit=2",
                   "--amount=995", "--code=7"}),
              ExitCode::kOk)
        << err_;
  }

  // What account 1 has got back.
  Amount Back() const { return ledger_.account(AccountId(1))->credits_posted; }

  FakeLedger ledger_;
};

TEST_F(RevertCommandTest, TheOppositeIsPaidOnce) {
  Pay();
  EXPECT_EQ(Run({"transfer", "revert", "9", "-o", "json"}), ExitCode::kOk)
      << err_;
  EXPECT_TRUE(Printed(R"("reverts":"9","status":"created","amount":"995")"))
      << out_;
  EXPECT_EQ(Back(), Amount(995));
  EXPECT_EQ(Run({"transfer", "revert", "9"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Printed("exists")) << out_;
  EXPECT_EQ(Back(), Amount(995));
  const auto batches = ledger_.batches();
  ASSERT_EQ(batches.size(), 3u) << "and no payment without --debit";
  EXPECT_EQ(batches[1], batches[2]);
  EXPECT_EQ(batches[1][0].id, ReversalId(TransferId(9), 0));
  EXPECT_EQ(batches[1][0].user_data_128, Uint128{9});
  EXPECT_EQ(batches[1][0].code, 7);
}

TEST_F(RevertCommandTest, AnAnswerThatIsLostIsAskedForAgain) {
  Pay();
  // None for GetServerInfo; that of CreateTransfers.
  ledger_.Script(
      {{},
       {.status = grpc::Status(grpc::StatusCode::UNAVAILABLE, "reset"),
        .executed = true}});
  EXPECT_EQ(Run({"transfer", "revert", "9"}), ExitCode::kOk) << err_;
  EXPECT_EQ(ledger_.batches().size(), 3u);
  EXPECT_EQ(Back(), Amount(995));
}

TEST_F(RevertCommandTest, OneThatWasRefusedIsTriedUnderTheNextId) {
  Pay();
  ledger_.FailFor(ReversalId(TransferId(9), 0));
  ledger_.FailFor(ReversalId(TransferId(9), 1));
  EXPECT_EQ(Run({"transfer", "revert", "9"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Printed("created")) << out_;
  EXPECT_EQ(Run({"transfer", "revert", "9"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Printed("exists")) << out_;
  EXPECT_EQ(Back(), Amount(995));
  EXPECT_EQ(ledger_.batches().back().front().id, ReversalId(TransferId(9), 2));
}

TEST_F(RevertCommandTest, WhatCannotBeMovedBackNowIsARefusal) {
  Pay();
  // Who received it may not overdraw, and has spent some of it.
  ledger_.set_account({.id = AccountId(2),
                       .debits_posted = Amount(5),
                       .credits_posted = Amount(995),
                       .ledger = 1,
                       .code = 1,
                       .flags = account_flags::kDebitsMustNotExceedCredits});
  EXPECT_EQ(Run({"transfer", "revert", "9"}), ExitCode::kError);
  EXPECT_TRUE(Said("transfer 9 was not reverted: exceeds_credits")) << err_;
  EXPECT_TRUE(Said("Run it again")) << err_;
  EXPECT_EQ(Back(), Amount(0));
}

TEST_F(RevertCommandTest, WhatIsNotThereOrHasMovedNothingIsSaid) {
  EXPECT_EQ(Run({"transfer", "revert", "9"}), ExitCode::kError);
  EXPECT_TRUE(Said("no transfer 9")) << err_;
  Run({"transfer", "--id=10", "--debit=1", "--credit=2", "--amount=5",
       "--pending"});
  EXPECT_EQ(Run({"transfer", "revert", "10"}), ExitCode::kPrecondition);
  EXPECT_TRUE(Said("--void")) << err_;
  EXPECT_EQ(ledger_.batches().size(), 1u);
}

TEST_F(RevertCommandTest, AllButTheIdIsTheFirstOnes) {
  Pay();
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{
           {"transfer", "revert"},
           {"transfer", "revert", "x"},
           {"transfer", "revert", "9", "--amount=5"},
           {"transfer", "--id=4", "revert", "9"},
           {"transfer", "revert", "9", "--pending"}}) {
    EXPECT_EQ(Run(arguments), ExitCode::kUsage)
        << testing::PrintToString(arguments);
  }
  EXPECT_EQ(ledger_.batches().size(), 1u);
}

}  // namespace
}  // namespace ledgerd::client
