// bench, from the command line to what is printed.
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "client/fake_ledger.h"
#include "client/ledgerctl/command_test_base.h"
#include "client/ledgerctl/exit_code.h"
#include "proto/errors.h"

namespace ledgerd::client {
namespace {

class BenchCommandTest : public CommandTest {
 protected:
  ExitCode Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"bench", "-o", "json", "--accounts=7",
                                         "--address=" + ledger_.address()});
    return RunCommand(std::move(arguments));
  }

  FakeLedger ledger_;
};

TEST_F(BenchCommandTest, WhatWasSentIsCountedAndFoundThere) {
  EXPECT_EQ(Run({"--yes", "--transfers=1000", "--batch=100"}), ExitCode::kOk)
      << err_;
  EXPECT_TRUE(Printed(R"("mode":"batches","batch":100,"clients":2)")) << out_;
  EXPECT_TRUE(Printed(R"("transfers":1000,)")) << out_;
  EXPECT_TRUE(Printed(R"("requests":10,)")) << out_;
  EXPECT_TRUE(Printed(R"("failed":0,"verified":true)")) << out_;
}

TEST_F(BenchCommandTest, SingleTransfersAreOneARequest) {
  EXPECT_EQ(Run({"--yes", "--mode=unary", "--transfers=20", "--clients=1"}),
            ExitCode::kOk)
      << err_;
  EXPECT_TRUE(Printed(R"("mode":"unary","batch":1,"clients":1)")) << out_;
  EXPECT_TRUE(Printed(R"("requests":20,)")) << out_;
}

TEST_F(BenchCommandTest, SeveralRunsDoNotMeet) {
  EXPECT_EQ(Run({"--yes", "--transfers=100", "--batch=50"}), ExitCode::kOk)
      << err_;
  EXPECT_EQ(Run({"--yes", "--transfers=100", "--batch=50"}), ExitCode::kOk)
      << err_;
  EXPECT_TRUE(Printed(R"("verified":true)")) << out_;
}

TEST_F(BenchCommandTest, NothingIsDoneUnlessItIsWanted) {
  EXPECT_EQ(Run({"--transfers=100"}), ExitCode::kPrecondition);
  EXPECT_TRUE(Said("stay there for ever")) << err_;
  EXPECT_TRUE(ledger_.batches().empty());
  EXPECT_EQ(Run({"--yes", "--transfers=9", "--duration=1s"}), ExitCode::kUsage)
      << "one or the other";
}

TEST_F(BenchCommandTest, WhatFailsIsNoFigure) {
  ledger_.Hold();
  std::thread fault([&] {
    ledger_.WaitForBatches(1);
    ledger_.Script({FakeLedger::Fails(Reason::kNoQuorum)});
    ledger_.Release();
  });
  EXPECT_EQ(Run({"--yes", "--transfers=100", "--batch=50", "--clients=1",
                 "--in-flight=1"}),
            ExitCode::kError)
      << err_;
  fault.join();
  EXPECT_TRUE(Printed(R"("failed":50,"verified":false)")) << out_;
  EXPECT_TRUE(Said("50 transfers failed")) << err_;
}

}  // namespace
}  // namespace ledgerd::client
