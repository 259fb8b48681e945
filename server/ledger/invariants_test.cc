// Each check is shown what it must find.
#include "server/ledger/invariants.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include <gtest/gtest.h>

namespace ledgerd::server {
namespace {

Account MakeAccount(uint64_t id, uint16_t flags = 0) {
  Account account;
  account.id = AccountId(id);
  account.ledger = 1;
  account.code = 1;
  account.flags = flags;
  account.timestamp = Timestamp(id);
  return account;
}

// Debits account 1, credits account 2; its timestamp is 100 above its id.
Transfer MakeTransfer(uint64_t id, uint64_t amount, uint16_t flags = 0,
                      uint64_t pending_id = 0) {
  Transfer transfer;
  transfer.id = TransferId(id);
  transfer.debit_account_id = AccountId(1);
  transfer.credit_account_id = AccountId(2);
  transfer.amount = Amount(amount);
  transfer.pending_id = TransferId(pending_id);
  transfer.ledger = 1;
  transfer.code = 1;
  transfer.flags = flags;
  transfer.timestamp = Timestamp(id + 100);
  return transfer;
}

// A payment of 10; holds of 20 (still pending, and closing account 2), of 30
// (posted in part, 25), of 40 (voided) and of 50 (expired).
Books GoodBooks() {
  using transfer_flags::kClosingCredit;
  using transfer_flags::kPending;
  using transfer_flags::kPostPending;
  using transfer_flags::kVoidPending;
  Books books;
  books.accounts = {MakeAccount(1, account_flags::kCreditsMustNotExceedDebits),
                    MakeAccount(2, account_flags::kClosed),
                    MakeAccount(3, account_flags::kClosed), MakeAccount(4)};
  books.accounts[0].debits_pending = Amount(20);
  books.accounts[0].debits_posted = Amount(35);
  books.accounts[1].credits_pending = Amount(20);
  books.accounts[1].credits_posted = Amount(35);
  books.transfers = {
      MakeTransfer(1, 10),
      MakeTransfer(2, 30, kPending),
      MakeTransfer(3, 40, kPending),
      MakeTransfer(4, 50, kPending),
      MakeTransfer(5, 25, kPostPending, 2),
      MakeTransfer(6, 40, kVoidPending, 3),
      MakeTransfer(7, 20, kPending | kClosingCredit),
  };
  books.pending_states = {PendingState::kNone,   PendingState::kPosted,
                          PendingState::kVoided, PendingState::kExpired,
                          PendingState::kNone,   PendingState::kNone,
                          PendingState::kPending};
  books.failed_ids = {{TransferId(90), TransferStatus::kExceedsCredits}};
  return books;
}

TEST(Invariants, GoodBooksHold) {
  EXPECT_EQ(CheckBooks(GoodBooks()).ToString(), "OK");
  EXPECT_EQ(CheckBooks(Books()).ToString(), "OK");
  EXPECT_EQ(CheckSuccession(GoodBooks(), GoodBooks()).ToString(), "OK");
  EXPECT_EQ(CheckSuccession(Books(), GoodBooks()).ToString(), "OK");
}

// A way to spoil the books, and the sentence that must name it.
struct Damage {
  std::string found;
  std::function<void(Books&)> damage;
};

std::vector<Damage> DamagedObjects() {
  return {
      {"an id names one account",
       [](Books& b) { b.accounts[3].id = AccountId(1); }},
      {"an id names one transfer",
       [](Books& b) { b.transfers[1].id = TransferId(1); }},
      {"both accounts exist",
       [](Books& b) { b.transfers[0].debit_account_id = AccountId(77); }},
      {"both accounts exist", [](Books& b) { b.transfers[0].ledger = 2; }},
      {"timestamps are unique",
       [](Books& b) { b.accounts[3].timestamp = Timestamp(1); }},
      {"timestamps are unique",
       [](Books& b) { b.accounts[3].timestamp = Timestamp(0); }},
      {"timestamps are unique",
       [](Books& b) { b.accounts[3].timestamp = Timestamp(101); }},
      {"timestamps are unique and increase",
       [](Books& b) { b.transfers[1].timestamp = Timestamp(101); }},
      {"timestamps are unique and increase",
       [](Books& b) { b.transfers[6].timestamp = kTimestampMax.Next(); }},
  };
}

std::vector<Damage> DamagedBalances() {
  return {
      {"what was debited is what was credited",
       [](Books& b) { b.accounts[0].debits_posted = Amount(36); }},
      {"what was debited is what was credited",
       [](Books& b) { b.accounts[0].debits_pending = Amount(21); }},
      {"pending balances are the sum",
       [](Books& b) {
         b.accounts[0].debits_pending = Amount(21);
         b.accounts[3].credits_pending = Amount(1);
       }},
      {"pending balances are the sum",
       [](Books& b) { b.pending_states[3] = PendingState::kPending; }},
      {"posted balances are the sum",
       [](Books& b) { b.transfers[0].amount = Amount(11); }},
      {"fit 128 bits",
       [](Books& b) {
         // Consistent, but for the sums: 2^128 - 5 more is pending.
         b.transfers[6].amount = Amount(kUint128Max - 4);
         b.accounts[0].debits_pending = Amount(kUint128Max - 4);
         b.accounts[1].credits_pending = Amount(kUint128Max - 4);
       }},
      {"debits do not exceed credits",
       [](Books& b) {
         b.accounts[0].flags = account_flags::kDebitsMustNotExceedCredits;
       }},
      {"credits do not exceed debits",
       [](Books& b) {
         b.accounts[1].flags |= account_flags::kCreditsMustNotExceedDebits;
       }},
      {"a closing transfer closes", [](Books& b) { b.accounts[1].flags = 0; }},
      {"an account created closed never moves",
       [](Books& b) { b.accounts[0].flags |= account_flags::kClosed; }},
  };
}

std::vector<Damage> DamagedResolutions() {
  return {
      {"pending transfers have a state",
       [](Books& b) { b.pending_states[0] = PendingState::kPosted; }},
      {"pending transfers have a state",
       [](Books& b) { b.pending_states[3] = PendingState::kNone; }},
      {"at most one resolution",
       [](Books& b) { b.transfers[5].pending_id = TransferId(2); }},
      {"at most one resolution",
       [](Books& b) { b.pending_states[1] = PendingState::kExpired; }},
      {"a resolution has a pending transfer",
       [](Books& b) {
         b.transfers[5].pending_id = TransferId(77);
         b.pending_states[2] = PendingState::kExpired;
       }},
      {"a resolution fits what was pending",
       [](Books& b) { b.transfers[5].amount = Amount(39); }},
      {"a resolution fits what was pending",
       [](Books& b) { b.pending_states[1] = PendingState::kVoided; }},
      {"a resolution inherits", [](Books& b) { b.transfers[5].code = 9; }},
      {"an id that failed never succeeds",
       [](Books& b) { b.failed_ids[0].id = TransferId(1); }},
      {"each transfer has its state",
       [](Books& b) { b.pending_states.pop_back(); }},
  };
}

TEST(Invariants, EachDamageIsFoundAndNamed) {
  for (const auto& damages :
       {DamagedObjects(), DamagedBalances(), DamagedResolutions()}) {
    for (const Damage& damage : damages) {
      Books books = GoodBooks();
      damage.damage(books);
      const absl::Status status = CheckBooks(books);
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
      EXPECT_TRUE(absl::StrContains(status.message(), damage.found))
          << damage.found << ": " << status;
    }
  }
}

std::vector<Damage> WrongSuccessors() {
  return {
      {"a transfer is immutable", [](Books& b) { b.transfers[0].code = 9; }},
      {"a transfer is immutable",
       [](Books& b) {
         b.transfers.pop_back();
         b.pending_states.pop_back();
       }},
      {"a pending transfer is resolved once",
       [](Books& b) { b.pending_states[1] = PendingState::kPending; }},
      {"a pending transfer is resolved once",
       [](Books& b) { b.pending_states[2] = PendingState::kExpired; }},
      {"a pending transfer is resolved once",
       [](Books& b) { b.pending_states[6] = PendingState::kNone; }},
      {"an account is never deleted", [](Books& b) { b.accounts.pop_back(); }},
      {"an account is immutable", [](Books& b) { b.accounts[3].code = 2; }},
      {"an account is immutable",
       [](Books& b) { b.accounts[3].flags = account_flags::kHistory; }},
      {"posted totals never go down",
       [](Books& b) { b.accounts[0].debits_posted = Amount(34); }},
      {"posted totals never go down",
       [](Books& b) { b.accounts[1].credits_posted = Amount(34); }},
      {"a closed account changes only",
       [](Books& b) { b.accounts[1].credits_posted = Amount(36); }},
      {"a closed account changes only",
       [](Books& b) { b.accounts[1].debits_pending = Amount(1); }},
      {"an id that failed stays failed",
       [](Books& b) { b.failed_ids.clear(); }},
      {"an id that failed stays failed",
       [](Books& b) {
         b.failed_ids[0].status = TransferStatus::kExceedsDebits;
       }},
      {"each transfer has its state",
       [](Books& b) { b.pending_states.pop_back(); }},
  };
}

TEST(Invariants, EachWrongSuccessorIsFoundAndNamed) {
  for (const Damage& damage : WrongSuccessors()) {
    Books later = GoodBooks();
    damage.damage(later);
    const absl::Status status = CheckSuccession(GoodBooks(), later);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_TRUE(absl::StrContains(status.message(), damage.found))
        << damage.found << ": " << status;
  }
}

TEST(Invariants, AClosedAccountMayBeReleasedAndOpened) {
  Books released = GoodBooks();
  released.accounts[0].debits_pending = Amount(0);
  released.accounts[1].credits_pending = Amount(0);
  released.accounts[1].flags = 0;
  released.pending_states[6] = PendingState::kExpired;
  EXPECT_EQ(CheckBooks(released).ToString(), "OK");
  EXPECT_EQ(CheckSuccession(GoodBooks(), released).ToString(), "OK");
}

}  // namespace
}  // namespace ledgerd::server
