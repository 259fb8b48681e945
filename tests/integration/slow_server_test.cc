// ledgerctl and a server that takes its time to take a connection, as one that
// is busy or far away does: it is waited for.
#include <chrono>
#include <string>

#include "gtest/gtest.h"

#include "tests/integration/daemon_process.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/subprocess.h"
#include "tests/integration/tcp_proxy.h"

namespace ledgerd::integration {
namespace {

// More than a connection on a quiet machine takes, by far; less than ledgerctl
// waits.
constexpr std::chrono::milliseconds kSlow(500);

TEST(SlowServerTest, LedgerctlWaitsForItsConnection) {
  LiveLedger ledger;
  const absl::Status started = ledger.Start();
  ASSERT_TRUE(started.ok()) << started;
  const std::string& address = ledger.daemon().admin_address();
  TcpProxy proxy(std::stoi(address.substr(address.rfind(':') + 1)));
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

}  // namespace
}  // namespace ledgerd::integration
