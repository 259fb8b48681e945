#include "client/ledgerctl/books.h"

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

// A journal of accounts, and what reading it does meanwhile.
class BookAuditTest : public testing::Test {
 protected:
  BookAuditTest() : client_({.addresses = {fake_.address()}}) {}

  void Journal(std::vector<Account> accounts) {
    journal_.push_back(
        Entry::Seal(MakeCommand<Account>(EntryKind::kCreateAccounts, accounts),
                    Epoch(1), Timestamp(journal_.size() + 1),
                    journal_.empty() ? EntryId{} : journal_.back().id()));
  }

  void Create(uint64_t id) {
    const Account account{.id = AccountId(id), .ledger = 1, .code = 1};
    Journal({account});
    ASSERT_TRUE(client_.CreateAccounts({account}).ok());
  }

  absl::StatusOr<BookAudit::Result> Run(size_t batch_max) {
    BookAudit audit(client_, {.batch_max = batch_max, .rounds_max = 5},
                    [this](Sequence from, Sequence,
                           const std::function<void(const Entry&)>& on_entry) {
                      for (const Entry& entry : journal_) {
                        if (entry.sequence() >= from) on_entry(entry);
                      }
                      if (meanwhile_) meanwhile_();
                      return absl::OkStatus();
                    });
    return audit.Run();
  }

  FakeLedger fake_;
  LedgerClient client_;
  std::vector<Entry> journal_;
  std::function<void()> meanwhile_;
};

TEST_F(BookAuditTest, AllAccountsOfTheJournalOnceEach) {
  for (uint64_t id = 1; id <= 5; ++id) Create(id);
  Create(3);
  const auto result = Run(2);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->accounts, 5);
  EXPECT_EQ(result->entries, 6);
  EXPECT_EQ(result->sequence, Sequence(6));
}

TEST_F(BookAuditTest, AnAccountThatIsCreatedMeanwhileIsCounted) {
  Create(1);
  int created = 0;
  meanwhile_ = [&] {
    if (created++ < 2) Create(static_cast<uint64_t>(10 + created));
  };
  const auto result = Run(100);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->accounts, 3);
}

TEST_F(BookAuditTest, ALedgerThatNeverRestsIsSaidSo) {
  Create(1);
  uint64_t next = 10;
  meanwhile_ = [&] { Create(next++); };
  EXPECT_TRUE(absl::IsAborted(Run(100).status()));
}

}  // namespace
}  // namespace ledgerd::client
