// A disk whose writes take too long, again and again: they are counted, and
// after as many as were configured the daemon stops by itself, with nothing
// lost, and it is counted as a disk error.
#include <chrono>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"

#include "client/ledger_client.h"
#include "tests/crash/injection.h"
#include "tests/integration/counted_incidents.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::crash {
namespace {

using integration::LiveLedger;

constexpr std::chrono::seconds kLimit(120);
constexpr int kStorageFault = 7;

TEST(SlowDiskTest, TooManySlowWritesInARowEndTheDaemon) {
  LiveLedger ledger(
      {"--journal-slow-write-ms=500", "--journal-slow-writes-max=4"});
  ASSERT_TRUE(ledger.Start().ok());
  ASSERT_TRUE(ledger.daemon().Kill9().ok());
  // Three times as slow as is allowed.
  const Injection injection({.calls = "fdatasync",
                             .what = "delay_enter=1500000",
                             .when = 1,
                             .last = 60'000});
  ledger.RunUnder(injection.Command());
  ASSERT_TRUE(ledger.Launch().ok());
  // The start is slow, too.
  client::LedgerClient client(
      {.addresses = {ledger.address()}, .timeout = std::chrono::seconds(30)});
  AccountId last(0);
  while (!ledger.daemon().process().WaitFor(std::chrono::milliseconds(0))) {
    const auto created = client.CreateAccounts(
        {{.id = AccountId(last.value() + 1), .ledger = 1, .code = 1}});
    if (!created.ok()) break;
    last = AccountId(last.value() + 1);
  }
  EXPECT_EQ(ledger.daemon().process().WaitFor(kLimit), kStorageFault)
      << ledger.daemon().Log();
  EXPECT_TRUE(absl::StrContains(ledger.daemon().Log(),
                                " writes of the journal in a row took longer "
                                "than 500 ms"))
      << ledger.daemon().Log();

  // Without that limit, which a busy machine's disk may reach by itself.
  LiveLedger after;
  const absl::Status started = after.StartOn(ledger.data_directory());
  ASSERT_TRUE(started.ok()) << started;
  if (last > AccountId(0)) {
    client::LedgerClient reader({.addresses = {after.address()}});
    const auto found = reader.LookupAccounts({last});
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->accounts.size(), 1u) << "acknowledged, and lost";
  }
  std::string errors;
  std::string stalls;
  const std::string error = R"("kind":"disk_error")";
  EXPECT_TRUE(integration::WaitUntil(
      kLimit,
      [&] {
        errors = integration::IncidentsOf(after.daemon(), "disk_error");
        stalls = integration::IncidentsOf(after.daemon(), "stall");
        return absl::StrContains(errors, error) &&
               !absl::StrContains(errors, "in_progress") &&
               absl::StrContains(stalls, R"("kind":"stall")");
      }))
      << errors << stalls << after.daemon().Log();
  EXPECT_EQ(errors.find(error), errors.rfind(error)) << "twice: " << errors;
  EXPECT_FALSE(absl::StrContains(stalls, "aborted")) << stalls;
}

}  // namespace
}  // namespace ledgerd::crash
