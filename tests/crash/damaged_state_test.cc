// What a daemon does whose state has a damaged table. A query that meets it is
// refused, and the log names the file once; what needs nothing of it goes on.
// Where an entry's own read meets it, the replica halts and the daemon ends.
#include <chrono>
#include <filesystem>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

#include "client/ledger_client.h"
#include "tests/crash/flip_targets.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/subprocess.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::crash {
namespace {

constexpr int kCorruption = 6;
// In the fixture.
constexpr AccountId kWithHistory{5};

class DamagedStateTest : public testing::Test {
 protected:
  void SetUp() override { UnpackFlipFixture(directory_.path()); }

  std::string data() const { return directory_.Path("data"); }

  // The beginning of each table of a kind; the name of the last of them.
  std::string Damage(const std::string& kind) {
    std::string name;
    const auto targets = FlipTargetsIn(data());
    for (const FlipPlace& place : targets.at(kind)) {
      FlipBit({.kind = kind, .file = place.file, .offset = place.begin},
              data());
      name = place.file.filename().string();
    }
    return name;
  }

  // What an operator sees.
  std::string Status() {
    const integration::Finished status = integration::Ledgerctl(
        {"status", "--admin-address=" + live_.daemon().admin_address()});
    EXPECT_EQ(status.exit_code, 0) << status.errors;
    return status.output;
  }

  // Lines of the log that say both.
  int LinesWith(const std::string& what, const std::string& name) {
    int count = 0;
    for (const absl::string_view line :
         absl::StrSplit(live_.daemon().Log(), '\n')) {
      count += absl::StrContains(line, what) && absl::StrContains(line, name);
    }
    return count;
  }

  const integration::TestDirectory directory_{"damaged"};
  integration::LiveLedger live_;
};

TEST_F(DamagedStateTest, AQueryIsRefusedAndTheRestGoesOn) {
  const std::string name = Damage("history data");
  const absl::Status started = live_.StartOn(data());
  ASSERT_TRUE(started.ok()) << started;
  client::LedgerClient client({.addresses = {live_.address()},
                               .timeout = std::chrono::milliseconds(1'000)});
  for (int i = 0; i < 2; ++i) {
    const auto found = client.GetAccountBalances({.account = kWithHistory});
    EXPECT_TRUE(absl::IsDataLoss(found.status())) << found.status();
    EXPECT_TRUE(absl::StrContains(found.status().message(), ".sst"))
        << found.status();
  }
  EXPECT_EQ(LinesWith("a read of the state failed", ".sst"), 1)
      << name << "\n"
      << live_.daemon().Log();
  // Who asks later is told, until the next start.
  EXPECT_TRUE(absl::StrContains(Status(), "STATE_DAMAGED")) << Status();
  EXPECT_TRUE(absl::StrContains(Status(), ".sst")) << Status();
  // Or until an operator has seen to it; who meets it then raises it again.
  const integration::Finished cleared = integration::Ledgerctl(
      {"alarms", "clear", "STATE_DAMAGED",
       "--admin-address=" + live_.daemon().admin_address()});
  EXPECT_EQ(cleared.exit_code, 0) << cleared.errors;
  EXPECT_FALSE(absl::StrContains(Status(), "STATE_DAMAGED")) << Status();
  EXPECT_FALSE(client.GetAccountBalances({.account = kWithHistory}).ok());
  EXPECT_TRUE(absl::StrContains(Status(), "STATE_DAMAGED")) << Status();
  EXPECT_EQ(LinesWith("a read of the state failed", ".sst"), 2)
      << live_.daemon().Log();
  const auto accounts = client.LookupAccounts({AccountId(1), AccountId(90)});
  ASSERT_TRUE(accounts.ok()) << accounts.status();
  EXPECT_EQ(accounts->accounts.size(), 2U);
  const auto created =
      client.CreateAccounts({{.id = AccountId(7'000), .ledger = 1, .code = 1}});
  EXPECT_TRUE(created.ok()) << created.status();
  ASSERT_TRUE(live_.daemon().Kill9().ok());
  ASSERT_TRUE(live_.StartOn(data()).ok());
  EXPECT_FALSE(absl::StrContains(Status(), "STATE_DAMAGED")) << Status();
}

TEST_F(DamagedStateTest, WhatAnEntryNeedsHaltsTheReplica) {
  const std::string name = Damage("accounts data");
  ASSERT_TRUE(live_.LaunchOn(data()).ok());
  // The entries after the checkpoint move money of accounts on the disk.
  EXPECT_EQ(live_.daemon().process().Wait(), kCorruption);
  EXPECT_EQ(LinesWith("replica halted", ".sst"), 1) << name << "\n"
                                                    << live_.daemon().Log();
}

}  // namespace
}  // namespace ledgerd::crash
