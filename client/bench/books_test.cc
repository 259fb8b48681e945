#include "client/bench/books.h"

#include <vector>

#include "gtest/gtest.h"

#include "client/bench/workload.h"

namespace ledgerd::bench {
namespace {

constexpr uint64_t kAccounts = 5;

// A ledger as it should be: what it would be without its rules.
class TinyLedger {
 public:
  explicit TinyLedger(const Workload& workload) {
    for (uint64_t i = 0; i < kAccounts; ++i) {
      accounts_.push_back(workload.NewAccount(i));
      accounts_.back().debits_posted = Amount(Uint128{i} * 100);
    }
  }

  void Execute(const Transfer& transfer) {
    Account& debit = At(transfer.debit_account_id);
    Account& credit = At(transfer.credit_account_id);
    const bool pending = (transfer.flags & transfer_flags::kPending) != 0;
    Move(transfer, pending ? debit.debits_pending : debit.debits_posted);
    Move(transfer, pending ? credit.credits_pending : credit.credits_posted);
    if ((transfer.flags & transfer_flags::kPostPending) == 0) return;
    MoveBack(transfer, debit.debits_pending);
    MoveBack(transfer, credit.credits_pending);
  }

  Account& At(AccountId id) {
    return accounts_[static_cast<size_t>(id.value() -
                                         accounts_.front().id.value())];
  }

  const std::vector<Account>& accounts() const { return accounts_; }

 private:
  static void Move(const Transfer& transfer, Amount& sum) {
    sum = Amount(sum.value() + transfer.amount.value());
  }

  static void MoveBack(const Transfer& transfer, Amount& sum) {
    sum = Amount(sum.value() - transfer.amount.value());
  }

  std::vector<Account> accounts_;
};

class BooksTest : public testing::Test {
 protected:
  // Both see the workload's first `count` transfers.
  void Execute(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      books_.Add(workload_.Get(i));
      ledger_.Execute(workload_.Get(i));
    }
  }

  const Workload workload_{{.accounts = kAccounts,
                            .first_account = AccountId(MakeUint128(7, 1)),
                            .two_phase_percent = 40,
                            .batch = 10}};
  TinyLedger ledger_{workload_};
  const std::vector<Account> before_ = ledger_.accounts();
  Books books_{workload_.AccountAt(0), kAccounts};
};

TEST_F(BooksTest, WhatWasSentIsThere) {
  Execute(1000);
  const absl::Status status = books_.Compare(before_, ledger_.accounts());
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(BooksTest, HoldsThatAreOpenAreThere) {
  Execute(1003);
  EXPECT_TRUE(books_.Compare(before_, ledger_.accounts()).ok());
}

TEST_F(BooksTest, OneThatIsMissingShows) {
  Execute(1000);
  books_.Add(workload_.Get(1000));
  EXPECT_EQ(books_.Compare(before_, ledger_.accounts()).code(),
            absl::StatusCode::kDataLoss);
}

TEST_F(BooksTest, OneThatWasExecutedTwiceShows) {
  Execute(1000);
  ledger_.Execute(workload_.Get(999));
  EXPECT_FALSE(books_.Compare(before_, ledger_.accounts()).ok());
}

TEST_F(BooksTest, MoneyInAnotherAccountShows) {
  Execute(1000);
  ledger_.At(AccountId(1)).credits_posted =
      Amount(ledger_.At(AccountId(1)).credits_posted.value() + 1);
  ledger_.At(AccountId(2)).credits_posted =
      Amount(ledger_.At(AccountId(2)).credits_posted.value() - 1);
  const absl::Status status = books_.Compare(before_, ledger_.accounts());
  EXPECT_NE(status.message().find("2 accounts differ"), std::string::npos)
      << status;
}

TEST_F(BooksTest, AnAccountThatIsGoneShows) {
  Execute(10);
  std::vector<Account> after = ledger_.accounts();
  after.pop_back();
  EXPECT_FALSE(books_.Compare(before_, after).ok());
}

}  // namespace
}  // namespace ledgerd::bench
