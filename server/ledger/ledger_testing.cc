#include "server/ledger/ledger_testing.h"

#include <memory>
#include <utility>

#include <gtest/gtest.h>

#include "proto/base/check.h"
#include "server/ledger/books_testing.h"
#include "server/ledger/ledger.h"

namespace ledgerd::server {
namespace {

void Install(const Entry& entry, storage::StateStore& store) {
  storage::Plan plan = store.MakePlan(NeedsOf(entry));
  std::unique_ptr<storage::Fetched> fetched;
  if (!plan.complete) {
    auto result = store.Fetch(plan.missing);
    LEDGERD_CHECK_OK(result.status());
    fetched = *std::move(result);
  }
  LEDGERD_CHECK(store.Install(std::move(plan), std::move(fetched)));
}

EntryResult ApplyTo(const Entry& entry, storage::StateStore& store) {
  Install(entry, store);
  EntryResult result = Apply(entry, store.view());
  store.FinishEntry({entry.id(), entry.timestamp()});
  return result;
}

}  // namespace

EntryResult LedgerTester::CreateAccounts(absl::Span<const Account> accounts,
                                         Timestamp timestamp) {
  return Run(MakeCommand(EntryKind::kCreateAccounts, accounts), timestamp);
}

EntryResult LedgerTester::CreateTransfers(absl::Span<const Transfer> transfers,
                                          Timestamp timestamp) {
  return Run(MakeCommand(EntryKind::kCreateTransfers, transfers), timestamp);
}

void LedgerTester::Expire(Timestamp timestamp) {
  Run(MakeExpireCommand(), timestamp);
}

void LedgerTester::CheckReplay() const {
  storage::MemoryStateStore replayed;
  for (const Entry& entry : journal_) ApplyTo(entry, replayed);
  EXPECT_TRUE(replayed.state_hash() == store_.state_hash())
      << "a replay gives another state";
}

EntryResult LedgerTester::Run(Command command, Timestamp timestamp) {
  const EntryId previous = journal_.empty() ? EntryId{} : journal_.back().id();
  if (!journal_.empty()) {
    LEDGERD_CHECK(journal_.back().timestamp().value() +
                      command.timestamp_count <=
                  timestamp.value())
        << "the primary never assigns this time: " << timestamp;
  }
  journal_.push_back(
      Entry::Seal(std::move(command), Epoch(1), timestamp, previous));
  EntryResult result = ApplyTo(journal_.back(), store_);
  EXPECT_EQ(result.sequence, journal_.back().sequence());

  Books books = BooksOf(store_.state());
  EXPECT_EQ(CheckBooks(books).ToString(), "OK");
  EXPECT_EQ(CheckSuccession(books_, books).ToString(), "OK");
  EXPECT_EQ(store_.state().Verify().ToString(), "OK");
  books_ = std::move(books);
  return result;
}

}  // namespace ledgerd::server
