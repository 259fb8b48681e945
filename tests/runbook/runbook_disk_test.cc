// The sections of deploy/RUNBOOK.md about a disk: one that is full, one with a
// damaged file.
#include <chrono>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "client/ledger_client.h"
#include "tests/crash/flip_targets.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/small_disk.h"
#include "tests/integration/test_directory.h"
#include "tests/runbook/runner.h"

namespace ledgerd::runbook {
namespace {

constexpr size_t kBatch = 4'000;
constexpr int kBatchesMax = 1'000;
// As disk_full_test.
constexpr char kDiskSize[] = "size=640m";

class RunbookDiskTest : public testing::Test {
 protected:
  void TearDown() override {
    if (HasFailure() && ledger_.has_value()) {
      std::cout << ledger_->daemon().Log();
    }
  }

  // Once a test.
  void StartOn(const std::string& data, const std::string& host,
               const std::vector<std::string>& flags) {
    const absl::Status started = ledger_.emplace(flags).StartOn(data);
    ASSERT_TRUE(started.ok()) << started;
    runner_.AddHost(host, {.client_address = ledger_->address(),
                           .admin_address = ledger_->daemon().admin_address(),
                           .data_directory = data});
  }

  // Pays until that is refused.
  absl::Status PayUntilRefused(client::LedgerClient& client) {
    for (int batch = 0; batch < kBatchesMax; ++batch) {
      std::vector<Transfer> transfers;
      for (size_t i = 0; i < kBatch; ++i) {
        transfers.push_back({.id = TransferId(++ids_),
                             .debit_account_id = AccountId(1),
                             .credit_account_id = AccountId(2),
                             .amount = Amount(1),
                             .ledger = 1,
                             .code = 1});
      }
      const auto paid = client.CreateTransfers(transfers);
      if (!paid.ok()) return paid.status();
    }
    return absl::OkStatus();
  }

  const integration::TestDirectory directory_{"disk"};
  std::optional<integration::LiveLedger> ledger_;
  Runner runner_;
  uint64_t ids_ = 0;
};

TEST_F(RunbookDiskTest, AFullDisk) {
  const integration::SmallDisk disk(directory_.path(), kDiskSize);
  ASSERT_NO_FATAL_FAILURE(
      StartOn(disk.Path("data"), "ledger-a", integration::SmallLimits()));
  client::LedgerClient client({.addresses = {ledger_->address()},
                               .timeout = std::chrono::milliseconds(1'000)});
  ASSERT_TRUE(
      client
          .CreateAccounts({{.id = AccountId(1), .ledger = 1, .code = 1},
                           {.id = AccountId(2), .ledger = 1, .code = 1}})
          .ok());
  disk.FillUp();
  ASSERT_FALSE(PayUntilRefused(client).ok());
  RunbookSection section = Sections().at("DISK_FULL");
  ASSERT_LT(1u, section.commands.size());
  // The document has space made before it.
  const RunbookCommand last = section.commands.back();
  section.commands.pop_back();
  EXPECT_EQ(runner_.RunSection(section), "");
  disk.MakeSpace();
  EXPECT_EQ(last.exit_code, 0);
  EXPECT_EQ(runner_.Run(last), "");
  // The disk goes after it.
  EXPECT_TRUE(ledger_->daemon().Kill9().ok());
}

TEST_F(RunbookDiskTest, ADamagedTable) {
  crash::UnpackFlipFixture(directory_.path());
  const std::string data = directory_.Path("data");
  const std::string kind = "history data";
  const crash::FlipTargets targets = crash::FlipTargetsIn(data);
  for (const crash::FlipPlace& place : targets.at(kind)) {
    crash::FlipBit({.kind = kind, .file = place.file, .offset = place.begin},
                   data);
  }
  // No checkpoint begins that would meet the table before the query does.
  ASSERT_NO_FATAL_FAILURE(StartOn(data, "ledger-c", {}));
  client::LedgerClient client({.addresses = {ledger_->address()},
                               .timeout = std::chrono::milliseconds(1'000)});
  // Its account with a history.
  const auto found = client.GetAccountBalances({.account = AccountId(5)});
  ASSERT_TRUE(absl::IsDataLoss(found.status())) << found.status();
  EXPECT_EQ(runner_.RunSection(Sections().at("STATE_DAMAGED")), "");
}

}  // namespace
}  // namespace ledgerd::runbook
