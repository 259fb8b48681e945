// ledgerctl transfer revert on a real ledger: once, whatever was refused
// before, and for what was posted in two steps.
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

#include "client/ledger_client.h"
#include "proto/types.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

constexpr int kRefused = 1;
constexpr int kPrecondition = 4;

constexpr AccountId kBank{1};
// May not overdraw.
constexpr AccountId kCustomer{2};
constexpr AccountId kShop{3};

class RevertTest : public testing::Test {
 protected:
  void SetUp() override {
    const absl::Status started = ledger_.Start();
    ASSERT_TRUE(started.ok()) << started;
    const auto created = client_.CreateAccounts(
        {{.id = kBank, .ledger = 1, .code = 1},
         {.id = kCustomer,
          .ledger = 1,
          .code = 1,
          .flags = account_flags::kDebitsMustNotExceedCredits},
         {.id = kShop, .ledger = 1, .code = 1}});
    ASSERT_TRUE(created.ok()) << created.status();
  }

  void Create(const Transfer& transfer) {
    const auto created = client_.CreateTransfers({transfer});
    ASSERT_TRUE(created.ok()) << created.status();
    ASSERT_EQ(created->results[0].status, TransferStatus::kCreated);
  }

  void Pay(uint64_t id, AccountId from, AccountId to, uint64_t amount,
           uint16_t flags = 0) {
    Create({.id = TransferId(id),
            .debit_account_id = from,
            .credit_account_id = to,
            .amount = Amount(amount),
            .ledger = 1,
            .code = 7,
            .flags = flags});
  }

  // JSON on stdout, words on stderr.
  Finished Revert(const std::string& id) {
    return Ledgerctl({"transfer", "revert", id, "-o", "json",
                      "--address=" + ledger_.address()});
  }

  std::vector<Transfer> RevertsOf(uint64_t id) {
    const auto found =
        client_.QueryTransfers({.user_data_128 = id, .limit = 100});
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? found->transfers : std::vector<Transfer>();
  }

  Amount Debits(AccountId id) {
    const auto found = client_.LookupAccounts({id});
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? found->accounts.at(0).debits_posted : Amount(0);
  }

  LiveLedger ledger_;
  client::LedgerClient client_{{.addresses = {ledger_.address()}}};
};

TEST_F(RevertTest, ItHappensOnceAlsoAfterRefusalsAndAKill) {
  Pay(9, kBank, kCustomer, 100);
  Pay(10, kCustomer, kShop, 60);
  // Each refusal uses an id up.
  for (int i = 0; i < 2; ++i) {
    const Finished refused = Revert("9");
    EXPECT_EQ(refused.exit_code, kRefused);
    EXPECT_TRUE(absl::StrContains(refused.errors, "exceeds_credits"))
        << refused.errors;
  }
  EXPECT_TRUE(RevertsOf(9).empty());
  Pay(11, kBank, kCustomer, 60);
  const Finished reverted = Revert("9");
  EXPECT_EQ(reverted.exit_code, 0) << reverted.errors;
  EXPECT_TRUE(absl::StrContains(reverted.output, R"("status":"created")"))
      << reverted.output;
  ASSERT_TRUE(ledger_.daemon().Kill9().ok());
  ASSERT_TRUE(ledger_.Start().ok());
  // It would be refused now, were it another one.
  const Finished again = Revert("9");
  EXPECT_EQ(again.exit_code, 0) << again.errors;
  EXPECT_TRUE(absl::StrContains(again.output, R"("status":"exists")"))
      << again.output;
  const std::vector<Transfer> reverts = RevertsOf(9);
  ASSERT_EQ(reverts.size(), 1u);
  EXPECT_EQ(reverts[0].debit_account_id, kCustomer);
  EXPECT_EQ(reverts[0].credit_account_id, kBank);
  EXPECT_EQ(reverts[0].amount, Amount(100));
  EXPECT_EQ(reverts[0].code, 7);
  EXPECT_EQ(Debits(kCustomer), Amount(160));
}

TEST_F(RevertTest, OfTwoStepsTheOneThatPostedIsReverted) {
  Pay(20, kBank, kCustomer, 100, transfer_flags::kPending);
  Finished refused = Revert("20");
  EXPECT_EQ(refused.exit_code, kPrecondition);
  EXPECT_TRUE(absl::StrContains(refused.errors, "--void")) << refused.errors;
  Create({.id = TransferId(21),
          .amount = Amount(30),
          .pending_id = TransferId(20),
          .flags = transfer_flags::kPostPending});
  refused = Revert("20");
  EXPECT_EQ(refused.exit_code, kPrecondition);
  EXPECT_TRUE(absl::StrContains(refused.errors, "revert that one"))
      << refused.errors;
  const Finished reverted = Revert("21");
  EXPECT_EQ(reverted.exit_code, 0) << reverted.errors;
  ASSERT_EQ(RevertsOf(21).size(), 1u);
  EXPECT_EQ(RevertsOf(21)[0].amount, Amount(30));
  EXPECT_EQ(Debits(kCustomer), Amount(30));
}

TEST_F(RevertTest, WhatIsNotThereIsNotReverted) {
  const Finished refused = Revert("9");
  EXPECT_EQ(refused.exit_code, kRefused);
  EXPECT_TRUE(absl::StrContains(refused.errors, "no transfer 9"))
      << refused.errors;
}

}  // namespace
}  // namespace ledgerd::integration
