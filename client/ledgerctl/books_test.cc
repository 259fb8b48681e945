#include "client/ledgerctl/books.h"

#include <chrono>
#include <string>

#include "gtest/gtest.h"

#include "client/fake_ledger.h"
#include "client/ledgerctl/book_audit.h"

namespace ledgerd::client {
namespace {

TEST(BooksTest, BalancedBooksHaveNoProblems) {
  Books books;
  books.Add({.id = AccountId(1),
             .debits_pending = Amount(2),
             .debits_posted = Amount(7),
             .ledger = 1});
  books.Add({.id = AccountId(2),
             .credits_pending = Amount(2),
             .credits_posted = Amount(7),
             .ledger = 1});
  EXPECT_TRUE(books.problems().empty());
  EXPECT_EQ(books.ledgers().at(1).accounts, 2);
  EXPECT_EQ(books.ledgers().at(1).debits_posted.ToText(), "7");
}

TEST(BooksTest, LedgersAreSummedApart) {
  Books books;
  books.Add({.debits_posted = Amount(7), .ledger = 1});
  books.Add({.credits_posted = Amount(7), .ledger = 2});
  EXPECT_EQ(books.problems().size(), 2);
}

TEST(BooksTest, PendingIsSummedToo) {
  Books books;
  books.Add({.debits_pending = Amount(1), .ledger = 1});
  ASSERT_EQ(books.problems().size(), 1);
  EXPECT_EQ(books.problems()[0],
            "ledger 1: debits_pending sum to 1, credits_pending to 0");
}

TEST(BooksTest, SumsBeyond128BitsDoNotWrap) {
  Books books;
  books.Add({.debits_posted = kAmountMax, .ledger = 1});
  books.Add({.debits_posted = Amount(1), .ledger = 1});
  EXPECT_EQ(books.problems().size(), 1);
  EXPECT_EQ(books.ledgers().at(1).debits_posted.ToText(), "0 + 1 * 2^128");
}

TEST(BooksTest, LimitsHold) {
  const uint16_t debits = account_flags::kDebitsMustNotExceedCredits;
  const uint16_t credits = account_flags::kCreditsMustNotExceedDebits;
  Books books;
  // Both are exactly at their limit.
  books.Add({.id = AccountId(1),
             .debits_pending = Amount(1),
             .debits_posted = Amount(2),
             .credits_pending = Amount(1),
             .credits_posted = Amount(3),
             .ledger = 1,
             .flags = debits});
  books.Add({.id = AccountId(2),
             .debits_pending = Amount(1),
             .debits_posted = Amount(3),
             .credits_pending = Amount(1),
             .credits_posted = Amount(2),
             .ledger = 1,
             .flags = credits});
  EXPECT_TRUE(books.problems().empty()) << books.problems().front();
  books.Add({.id = AccountId(3),
             .debits_pending = Amount(1),
             .ledger = 1,
             .flags = debits});
  EXPECT_EQ(books.problems().front(),
            "account 3: debits exceed credits, which its flags forbid");
  Books others;
  others.Add({.id = AccountId(4),
              .credits_posted = Amount(1),
              .ledger = 1,
              .flags = credits});
  EXPECT_EQ(others.problems().front(),
            "account 4: credits exceed debits, which its flags forbid");
}

class BookAuditTest : public testing::Test {
 protected:
  BookAuditTest() : client_({.addresses = {fake_.address()}}) {}

  void Create(uint64_t id) {
    ASSERT_TRUE(
        client_.CreateAccounts({{.id = AccountId(id), .ledger = 1, .code = 1}})
            .ok());
  }

  void Pay(uint64_t debit, uint64_t credit) {
    const auto paid =
        client_.CreateTransfers({{.id = TransferId(++last_transfer_),
                                  .debit_account_id = AccountId(debit),
                                  .credit_account_id = AccountId(credit),
                                  .amount = Amount(7),
                                  .ledger = 1,
                                  .code = 1}});
    ASSERT_TRUE(paid.ok()) << paid.status();
    ASSERT_EQ(paid->results[0].status, TransferStatus::kCreated);
  }

  // Nobody asks for another page after it, and what was done before each is
  // seen.
  absl::StatusOr<BookAudit::Result> Run(
      std::chrono::milliseconds silence = std::chrono::minutes(1)) {
    auto result =
        BookAudit(client_, {.batch_max = 2, .silence = silence}).Run();
    fake_.set_before_query(nullptr);
    return result;
  }

  FakeLedger fake_;
  LedgerClient client_;
  uint64_t last_transfer_ = 0;
};

TEST_F(BookAuditTest, AllAccountsPageByPageOnceEach) {
  for (uint64_t id = 1; id <= 4; ++id) Create(id);
  Create(3);
  Pay(1, 4);
  const auto result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->accounts, 4);
  EXPECT_EQ(result->sequence, Sequence(6));
  EXPECT_TRUE(result->books.problems().empty());
  EXPECT_EQ(result->books.ledgers().at(1).debits_posted.ToText(), "7");
}

// Before each page an account of one that was read pays one that was not, and
// the other way round, and somebody new gets some.
TEST_F(BookAuditTest, ALedgerThatNeverRestsIsReadAsOfOneSequence) {
  for (uint64_t id = 1; id <= 5; ++id) Create(id);
  uint64_t next = 6;
  fake_.set_before_query([&] {
    Pay(1, 5);
    Pay(5, 2);
    if (next > 8) return;
    Create(next);
    Pay(1, next++);
  });
  const auto result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->accounts, 8);
  const auto problems = result->books.problems();
  EXPECT_TRUE(problems.empty()) << problems.front();
  const uint64_t paid = 7 * last_transfer_;
  EXPECT_EQ(result->books.ledgers().at(1).debits_posted.ToText(),
            std::to_string(paid));
}

// The last entry has no events, so that nobody tells of it.
TEST_F(BookAuditTest, ALedgerThatCameToRestIsReadAgain) {
  for (uint64_t id = 1; id <= 5; ++id) Create(id);
  int pages = 0;
  fake_.set_before_query([&] {
    if (++pages > 2) return;
    Pay(1, 5);
    Create(1);
  });
  const auto result = Run(std::chrono::milliseconds(50));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(pages, 6);
  EXPECT_EQ(result->sequence, Sequence(9));
  EXPECT_EQ(result->books.ledgers().at(1).credits_posted.ToText(), "14");
  EXPECT_TRUE(result->books.problems().empty());
}

TEST_F(BookAuditTest, WhatNoEventTellsIsFound) {
  for (uint64_t id = 1; id <= 5; ++id) Create(id);
  fake_.set_before_query([&] { Pay(1, 2); });
  fake_.set_account(
      {.id = AccountId(4), .debits_posted = Amount(9), .ledger = 1, .code = 1});
  const auto result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->books.problems().size(), 1);
}

TEST_F(BookAuditTest, AnEmptyLedgerHasBooksToo) {
  const auto result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->accounts, 0);
}

}  // namespace
}  // namespace ledgerd::client
