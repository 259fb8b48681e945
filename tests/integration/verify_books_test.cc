// ledgerctl verify --books on a ledger that has been used: more accounts than
// fit a page, payments all the while, and a journal whose beginning is gone.
#include <atomic>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "client/ledger_client.h"
#include "proto/system_limits.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

constexpr uint64_t kAccounts = 2 * kMaxBatchSize + 100;
// At 128 bytes each: three segments of SmallLimits.
constexpr uint64_t kPayments = 200'000;

class VerifyBooksTest : public testing::Test {
 protected:
  void SetUp() override {
    const absl::Status started = ledger_.Start();
    ASSERT_TRUE(started.ok()) << started;
    std::vector<Account> accounts;
    for (uint64_t id = 1; id <= kAccounts; ++id) {
      accounts.push_back({.id = AccountId(id), .ledger = 1, .code = 1});
      if (accounts.size() < kMaxBatchSize && id < kAccounts) continue;
      const auto created = client_.CreateAccounts(std::move(accounts));
      ASSERT_TRUE(created.ok()) << created.status();
      accounts.clear();
    }
  }

  // From and to accounts of all pages; some stay pending.
  absl::Status Pay(uint64_t count) {
    std::vector<Transfer> batch;
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t n = ++last_;
      batch.push_back(
          {.id = TransferId(n),
           .debit_account_id = AccountId(1 + n % kAccounts),
           .credit_account_id = AccountId(1 + (n * 7919 + 1) % kAccounts),
           .amount = Amount(n),
           .ledger = 1,
           .code = 1,
           .flags = n % 10 == 0 ? transfer_flags::kPending : uint16_t{0}});
    }
    return client_.CreateTransfers(std::move(batch)).status();
  }

  Finished Verify() {
    return Ledgerctl({"--address=" + ledger_.address(),
                      "--admin-address=" + ledger_.daemon().admin_address(),
                      "--output=json", "verify", "--books"});
  }

  LiveLedger ledger_{SmallLimits()};
  client::LedgerClient client_{{.addresses = {ledger_.address()}}};
  uint64_t last_ = 0;
};

TEST_F(VerifyBooksTest, ManyAccountsUnderLoad) {
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> batches = 0;
  std::thread payer([&] {
    while (!stop) {
      const absl::Status paid = Pay(100);
      EXPECT_TRUE(paid.ok()) << paid;
      ++batches;
    }
  });
  const uint64_t before = batches;
  const Finished verified = Verify();
  EXPECT_GT(batches, before + 2) << "nothing happened meanwhile";
  stop = true;
  payer.join();
  EXPECT_EQ(verified.exit_code, 0) << verified.output << verified.errors;
  const std::string accounts = "\"accounts\":" + std::to_string(kAccounts);
  EXPECT_NE(verified.output.find(accounts), std::string::npos)
      << verified.output;
  std::cout << verified.output << verified.errors;
}

TEST_F(VerifyBooksTest, TheFirstSegmentIsReleased) {
  for (uint64_t i = 0; i < kPayments; i += 8000) {
    const absl::Status paid = Pay(8000);
    ASSERT_TRUE(paid.ok()) << paid;
  }
  Finished verified;
  // It goes after the next checkpoint, which the payments bring about.
  ASSERT_TRUE(WaitUntil(std::chrono::minutes(1), [&] {
    EXPECT_TRUE(Pay(1000).ok());
    verified = Verify();
    return verified.exit_code != 0 ||
           verified.output.find("\"journal_first\":1,") == std::string::npos;
  })) << verified.output;
  EXPECT_EQ(verified.exit_code, 0) << verified.output << verified.errors;
  EXPECT_NE(verified.errors.find("(the first that is kept)"), std::string::npos)
      << verified.errors;
  std::cout << verified.output << verified.errors;
}

}  // namespace
}  // namespace ledgerd::integration
