// Clients that nobody here wrote can use the ledger: `buf curl`, which knows of
// it only what reflection tells, and Node's gRPC with the contract's proto
// file.
//
// Both come from tests/tools (npm ci there; deploy/setup.sh does it). Where
// they are missing this test fails.
#include <string>

#include "gtest/gtest.h"

#include "client/ledger_client.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/subprocess.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::integration {
namespace {

constexpr char kNode[] = "/usr/bin/node";

class SecondClientTest : public testing::Test {
 protected:
  void SetUp() override {
    const absl::Status started = ledger_.Start();
    ASSERT_TRUE(started.ok()) << started;
  }

  // `buf curl`, by reflection alone.
  Finished Curl(const std::string& address,
                const std::vector<std::string>& arguments) {
    const std::string buf = WorkspaceDirectory() +
                            "/tests/tools/node_modules/@bufbuild/buf/bin/buf";
    std::vector<std::string> command = {
        kNode, buf, "curl", "--protocol", "grpc", "--http2-prior-knowledge"};
    for (const std::string& argument : arguments) {
      command.push_back(argument[0] == '/' ? "http://" + address + argument
                                           : argument);
    }
    Finished finished = RunToEnd(command);
    EXPECT_EQ(finished.exit_code, 0) << finished.errors;
    return finished;
  }

  // A call's answer as JSON, without white space.
  std::string Call(const std::string& address, const std::string& method,
                   const std::string& request) {
    std::string json = Curl(address, {"-d", request, "/" + method}).output;
    std::erase_if(json, [](char c) { return c == ' ' || c == '\n'; });
    return json;
  }

  void ExpectServing(const std::string& address, const std::string& service) {
    EXPECT_EQ(Call(address, "grpc.health.v1.Health/Check",
                   "{\"service\": \"" + service + "\"}"),
              "{\"status\":\"SERVING\"}")
        << service;
  }

  LiveLedger ledger_;
};

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(SecondClientTest, ReflectionListsTheServices) {
  const std::string client_side =
      Curl(ledger_.address(), {"--list-services", "/"}).output;
  EXPECT_TRUE(Contains(client_side, "ledger.v1.LedgerService")) << client_side;
  EXPECT_TRUE(Contains(client_side, "grpc.health.v1.Health")) << client_side;
  const std::string operators =
      Curl(ledger_.daemon().admin_address(), {"--list-services", "/"}).output;
  EXPECT_TRUE(Contains(operators, "admin.v1.AdminService")) << operators;
  EXPECT_TRUE(Contains(operators, "grpc.health.v1.Health")) << operators;
}

TEST_F(SecondClientTest, HealthIsToldByName) {
  ExpectServing(ledger_.address(), "");
  ExpectServing(ledger_.address(), "ledger.v1.LedgerService");
  ExpectServing(ledger_.address(), "ledger.v1.reads");
  ExpectServing(ledger_.daemon().admin_address(), "");
}

TEST_F(SecondClientTest, BufCurlPays) {
  const std::string accounts =
      Call(ledger_.address(), "ledger.v1.LedgerService/CreateAccounts",
           R"({"accounts": [{"id": {"low": "1"}, "ledger": 700, "code": 10},
                            {"id": {"low": "2"}, "ledger": 700, "code": 10}]})");
  EXPECT_TRUE(Contains(accounts, "CREATE_ACCOUNT_STATUS_CREATED")) << accounts;
  const std::string paid =
      Call(ledger_.address(), "ledger.v1.LedgerService/CreateTransfers",
           R"({"transfers": [{"id": {"low": "7"}, "amount": {"low": "250"},
                "debitAccountId": {"low": "1"}, "creditAccountId": {"low": "2"},
                "ledger": 700, "code": 1}]})");
  EXPECT_TRUE(Contains(paid, "CREATE_TRANSFER_STATUS_CREATED")) << paid;
  const std::string found =
      Call(ledger_.address(), "ledger.v1.LedgerService/LookupAccounts",
           R"({"ids": [{"low": "2"}]})");
  EXPECT_TRUE(Contains(found, R"("creditsPosted":{"high":"0","low":"250"})") ||
              Contains(found, R"("creditsPosted":{"low":"250"})"))
      << found;
}

TEST_F(SecondClientTest, NodePaysAndOursSeesIt) {
  const std::string script =
      WorkspaceDirectory() + "/tests/integration/second_client.js";
  const Finished finished =
      RunToEnd({kNode, script, WorkspaceDirectory(), ledger_.address()});
  EXPECT_EQ(finished.exit_code, 0) << finished.output << finished.errors;
  client::LedgerClient ours({.addresses = {ledger_.address()}});
  const auto found =
      ours.LookupTransfers({TransferId(11), TransferId(12), TransferId(13)});
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->transfers.size(), 2u);
  EXPECT_EQ(found->transfers[1].amount, Amount(250));
  EXPECT_EQ(found->missing, std::vector<TransferId>{TransferId(13)});
}

}  // namespace
}  // namespace ledgerd::integration
