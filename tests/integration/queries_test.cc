// Queries over a real daemon, while checkpoints are taken and after a kill -9:
// page by page, all of an account's transfers and no other.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

#include "client/ledger_client.h"
#include "proto/errors.h"
#include "tests/integration/live_ledger.h"

namespace ledgerd::integration {
namespace {

constexpr uint64_t kTransfers = 6000;
constexpr uint64_t kBatch = 500;

// Number n, from 1, pays from account 1 to account 2 or 3.
Transfer TransferNumber(uint64_t n) {
  return {.id = TransferId(n),
          .debit_account_id = AccountId(1),
          .credit_account_id = AccountId(2 + n % 2),
          .amount = Amount(1),
          .user_data_64 = n % 10,
          .ledger = 1,
          .code = static_cast<uint16_t>(1 + n % 3),
          .flags = n % 100 == 0 ? transfer_flags::kPending : uint16_t{0}};
}

class QueriesTest : public testing::Test {
 protected:
  void SetUp() override {
    const absl::Status started = ledger_.Start();
    ASSERT_TRUE(started.ok()) << started;
    const auto accounts = client_.CreateAccounts(
        {{.id = AccountId(1), .ledger = 1, .code = 7},
         {.id = AccountId(2),
          .user_data_64 = 5,
          .ledger = 1,
          .code = 8,
          .flags = account_flags::kHistory},
         {.id = AccountId(3), .user_data_64 = 5, .ledger = 1, .code = 7}});
    ASSERT_TRUE(accounts.ok()) << accounts.status();
    for (uint64_t n = 1; n <= kTransfers; n += kBatch) {
      std::vector<Transfer> batch;
      for (uint64_t i = n; i < n + kBatch; ++i) {
        batch.push_back(TransferNumber(i));
      }
      const auto created = client_.CreateTransfers(std::move(batch));
      ASSERT_TRUE(created.ok()) << created.status();
      for (const TransferResult& result : created->results) {
        ASSERT_EQ(result.status, TransferStatus::kCreated);
      }
    }
  }

  // All of an account's transfers that match, in pages of 700.
  std::vector<uint64_t> Pages(client::AccountFilter filter) {
    std::vector<uint64_t> ids;
    filter.limit = 700;
    for (;;) {
      const auto page = client_.GetAccountTransfers(filter);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok() || page->transfers.empty()) return ids;
      for (const Transfer& transfer : page->transfers) {
        ids.push_back(static_cast<uint64_t>(transfer.id.value()));
      }
      const uint64_t last = page->transfers.back().timestamp.value();
      if (filter.reversed) {
        filter.timestamp_max = Timestamp(last - 1);
      } else {
        filter.timestamp_min = Timestamp(last + 1);
      }
    }
  }

  void ExpectAllFound() {
    std::vector<uint64_t> expected;
    for (uint64_t n = 1; n <= kTransfers; ++n) {
      if (n % 2 == 0 && n % 3 == 1) expected.push_back(n);
    }
    client::AccountFilter filter = {
        .account = AccountId(2), .debits = false, .code = 2};
    EXPECT_EQ(Pages(filter), expected);
    filter.reversed = true;
    std::reverse(expected.begin(), expected.end());
    EXPECT_EQ(Pages(filter), expected);
    ExpectIntersection();
    ExpectAccounts();
    ExpectBalances();
  }

  void ExpectIntersection() {
    const auto found = client_.QueryTransfers(
        {.user_data_64 = 5, .ledger = 1, .code = 1, .limit = 8190});
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->transfers.size(), kTransfers / 30);
    for (const Transfer& transfer : found->transfers) {
      const auto n = static_cast<uint64_t>(transfer.id.value());
      EXPECT_TRUE(n % 10 == 5 && n % 3 == 0) << n;
    }
    const auto newest = client_.QueryTransfers({.reversed = true, .limit = 1});
    ASSERT_TRUE(newest.ok()) << newest.status();
    ASSERT_EQ(newest->transfers.size(), 1u);
    EXPECT_EQ(newest->transfers[0].id, TransferId(kTransfers));
    EXPECT_EQ(newest->pending_states[0], PendingState::kPending);
  }

  void ExpectAccounts() {
    const auto found =
        client_.QueryAccounts({.user_data_64 = 5, .code = uint16_t{7}});
    ASSERT_TRUE(found.ok()) << found.status();
    ASSERT_EQ(found->accounts.size(), 1u);
    EXPECT_EQ(found->accounts[0].id, AccountId(3));
    EXPECT_EQ(found->accounts[0].credits_posted, Amount(kTransfers / 2));
  }

  // Account 2 has the even transfers, of one unit each.
  void ExpectBalances() {
    const auto found = client_.GetAccountBalances(
        {.account = AccountId(2), .debits = false, .limit = 8190});
    ASSERT_TRUE(found.ok()) << found.status();
    ASSERT_EQ(found->balances.size(), kTransfers / 2);
    for (uint64_t i = 1; i <= kTransfers / 2; ++i) {
      const uint64_t pending = i / 50;
      ASSERT_EQ(found->balances[i - 1].credits_pending, Amount(pending)) << i;
      ASSERT_EQ(found->balances[i - 1].credits_posted, Amount(i - pending));
    }
    const auto none = client_.GetAccountBalances({.account = AccountId(3)});
    EXPECT_EQ(ReasonOf(none.status()), Reason::kNoHistory) << none.status();
  }

  LiveLedger ledger_{SmallLimits()};
  client::LedgerClient client_{{.addresses = {ledger_.address()}}};
};

TEST_F(QueriesTest, FindAllThatMatchesAlsoAfterAKill) {
  ExpectAllFound();
  ASSERT_TRUE(ledger_.daemon().Kill9().ok());
  ASSERT_TRUE(ledger_.Start().ok());
  ExpectAllFound();
}

TEST_F(QueriesTest, AFilterThatNothingMatchesNamesItsField) {
  const auto none = client_.GetAccountTransfers({.account = AccountId(0)});
  EXPECT_TRUE(absl::IsInvalidArgument(none.status())) << none.status();
  EXPECT_EQ(FieldOf(none.status()), "filter.account_id");
  const auto never = client_.QueryTransfers(
      {.timestamp_min = Timestamp(2), .timestamp_max = Timestamp(1)});
  EXPECT_EQ(FieldOf(never.status()), "filter.timestamp_min");
}

TEST_F(QueriesTest, AFullPageFitsIntoAMessage) {
  const auto found =
      client_.GetAccountTransfers({.account = AccountId(1), .limit = 8190});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->transfers.size(), kTransfers);
}

}  // namespace
}  // namespace ledgerd::integration
