// ledgerctl, the client library, and a server that takes its time to take a
// connection, as one that is busy or far away does: it is waited for.
#include <chrono>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "client/endpoints.h"
#include "client/ledger_client.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/subprocess.h"
#include "tests/integration/tcp_proxy.h"

namespace ledgerd::integration {
namespace {

// More than a connection on a quiet machine takes, by far; less than ledgerctl
// waits.
constexpr std::chrono::milliseconds kSlow(500);

TcpProxy To(const std::string& address) {
  return TcpProxy(std::stoi(address.substr(address.rfind(':') + 1)));
}

TEST(SlowServerTest, LedgerctlWaitsForItsConnection) {
  LiveLedger ledger;
  const absl::Status started = ledger.Start();
  ASSERT_TRUE(started.ok()) << started;
  TcpProxy proxy = To(ledger.daemon().admin_address());
  proxy.Block(true);
  const auto ledgerctl =
      Subprocess::Start({.command = {LedgerctlPath(), "status",
                                     "--admin-address=" + proxy.address()}});
  ASSERT_TRUE(ledgerctl.ok()) << ledgerctl.status();
  EXPECT_FALSE((*ledgerctl)->WaitFor(kSlow).has_value())
      << (*ledgerctl)->Errors();
  proxy.Block(false);
  EXPECT_EQ((*ledgerctl)->Wait(), 0) << (*ledgerctl)->Errors();
}

absl::Status CreateAccount(client::LedgerClient& client, uint64_t id) {
  return client.CreateAccounts({{.id = AccountId(id), .ledger = 1, .code = 1}})
      .status();
}

// A call gives a connection less time than this one takes.
TEST(SlowServerTest, AClientReachesAServerThatIsFarAway) {
  LiveLedger ledger;
  const absl::Status started = ledger.Start();
  ASSERT_TRUE(started.ok()) << started;
  TcpProxy proxy = To(ledger.address());
  proxy.SetFar(3 * client::Endpoint::kConnectPatience);
  client::LedgerClient client(
      {.addresses = {proxy.address()}, .timeout = std::chrono::seconds(60)});
  const absl::Status created = CreateAccount(client, 1);
  EXPECT_TRUE(created.ok()) << created;
}

// The first that is asked takes connections, and never says a word.
TEST(SlowServerTest, NobodyWaitsForAConnectionWhereAnotherServerIs) {
  LiveLedger ledger;
  const absl::Status started = ledger.Start();
  ASSERT_TRUE(started.ok()) << started;
  const std::string address = ledger.address();
  TcpProxy silent = To(address);
  silent.Block(true);
  client::LedgerClient client(
      {.addresses = {silent.address(), address},
       .timeout = client::Endpoint::kFarPatience * 4 / 5});
  const absl::Status created = CreateAccount(client, 1);
  EXPECT_TRUE(created.ok()) << created;
}

}  // namespace
}  // namespace ledgerd::integration
