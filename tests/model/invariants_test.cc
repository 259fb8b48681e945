// Each rule of invariants.h can fail: a sound state passes, and the same state
// with one thing wrong is refused with the rule's name.
#include "tests/model/invariants.h"

#include <functional>
#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "proto/results.h"
#include "proto/types.h"
#include "tests/model/step.h"

namespace ledgerd::model {
namespace {

using testing::HasSubstr;
using testing::Optional;

// Two accounts; a hold of 5 that is open, one of 7 of which 3 were posted.
Rows Sound() {
  Rows rows;
  Account debit;
  debit.id = AccountId(1);
  debit.ledger = 1;
  debit.timestamp = Timestamp(1);
  debit.debits_pending = Amount(5);
  debit.debits_posted = Amount(3);
  Account credit;
  credit.id = AccountId(2);
  credit.ledger = 1;
  credit.timestamp = Timestamp(2);
  credit.credits_pending = Amount(5);
  credit.credits_posted = Amount(3);
  rows.accounts = {{debit.id, debit}, {credit.id, credit}};
  const auto add = [&](uint64_t id, uint64_t amount, uint16_t flags,
                       uint64_t pending_id, PendingState state) {
    Transfer transfer;
    transfer.id = TransferId(id);
    transfer.debit_account_id = AccountId(1);
    transfer.credit_account_id = AccountId(2);
    transfer.amount = Amount(amount);
    transfer.flags = flags;
    transfer.pending_id = TransferId(pending_id);
    transfer.timestamp = Timestamp(10 + id);
    rows.transfers[transfer.id] = transfer;
    rows.pending_states[transfer.id] = state;
  };
  add(1, 5, transfer_flags::kPending, 0, PendingState::kPending);
  add(2, 7, transfer_flags::kPending, 0, PendingState::kPosted);
  add(3, 3, transfer_flags::kPostPending, 2, PendingState::kNone);
  return rows;
}

using Change = std::function<void(Rows&)>;

// What is said of the sound state with a change, on its own.
std::optional<std::string> Of(const Change& change) {
  Rows rows = Sound();
  change(rows);
  Invariants invariants;
  return invariants.Check({}, {}, rows);
}

// What is said of a change that comes after the sound state (with `before`).
std::optional<std::string> After(const Change& before, const Change& change) {
  Rows rows = Sound();
  before(rows);
  Invariants invariants;
  EXPECT_EQ(invariants.Check({}, {}, rows), std::nullopt);
  change(rows);
  return invariants.Check({}, {}, rows);
}

void Nothing(Rows&) {}

TEST(Invariants, HoldForASoundState) {
  EXPECT_EQ(After(Nothing, Nothing), std::nullopt);
}

TEST(Invariants, SumsOfALedger) {
  EXPECT_THAT(Of([](Rows& rows) {
                rows.accounts[AccountId(1)].debits_posted = Amount(4);
              }),
              Optional(HasSubstr("rule 1")));
  // The sums are equal modulo 2^128, and differ.
  EXPECT_THAT(Of([](Rows& rows) {
                rows.accounts[AccountId(2)].debits_posted = kAmountMax;
                Account third;
                third.id = AccountId(3);
                third.ledger = 1;
                third.timestamp = Timestamp(3);
                third.debits_posted = Amount(1);
                rows.accounts[third.id] = third;
              }),
              Optional(HasSubstr("rule 1")));
}

TEST(Invariants, HoldsAddUp) {
  EXPECT_THAT(
      Of([](Rows& rows) { rows.transfers[TransferId(1)].amount = Amount(6); }),
      Optional(HasSubstr("rule 2")));
}

TEST(Invariants, PostedTotalsNeverGoDown) {
  EXPECT_THAT(After(Nothing,
                    [](Rows& rows) {
                      rows.accounts[AccountId(1)].debits_posted = Amount(2);
                      rows.accounts[AccountId(2)].credits_posted = Amount(2);
                    }),
              Optional(HasSubstr("rule 3")));
}

TEST(Invariants, Limits) {
  EXPECT_THAT(Of([](Rows& rows) {
                rows.accounts[AccountId(1)].flags =
                    account_flags::kDebitsMustNotExceedCredits;
              }),
              Optional(HasSubstr("rule 4")));
  EXPECT_THAT(Of([](Rows& rows) {
                rows.accounts[AccountId(2)].flags =
                    account_flags::kCreditsMustNotExceedDebits;
              }),
              Optional(HasSubstr("rule 4")));
}

TEST(Invariants, OneResolution) {
  EXPECT_THAT(Of([](Rows& rows) {
                Transfer again = rows.transfers[TransferId(3)];
                again.id = TransferId(4);
                again.timestamp = Timestamp(14);
                rows.transfers[again.id] = again;
                rows.pending_states[again.id] = PendingState::kNone;
              }),
              Optional(HasSubstr("rule 5: resolved twice")));
  EXPECT_THAT(Of([](Rows& rows) {
                rows.pending_states[TransferId(2)] = PendingState::kExpired;
              }),
              Optional(HasSubstr("rule 5")));
  EXPECT_THAT(After(
                  [](Rows& rows) {
                    rows.transfers.erase(TransferId(3));
                    rows.pending_states.erase(TransferId(3));
                    rows.pending_states[TransferId(2)] = PendingState::kExpired;
                  },
                  [](Rows& rows) {
                    rows.pending_states[TransferId(2)] = PendingState::kPending;
                    rows.accounts[AccountId(1)].debits_pending = Amount(12);
                    rows.accounts[AccountId(2)].credits_pending = Amount(12);
                  }),
              Optional(HasSubstr("rule 5: an end was not the end")));
}

TEST(Invariants, TimestampsAreUniqueAndIncrease) {
  EXPECT_THAT(Of([](Rows& rows) {
                rows.transfers[TransferId(1)].timestamp = Timestamp(2);
              }),
              Optional(HasSubstr("rule 6: a timestamp twice")));
  EXPECT_THAT(After(Nothing,
                    [](Rows& rows) {
                      Transfer late;
                      late.id = TransferId(9);
                      late.timestamp = Timestamp(5);
                      rows.transfers[late.id] = late;
                      rows.pending_states[late.id] = PendingState::kNone;
                    }),
              Optional(HasSubstr("rule 6: a timestamp of the past")));
}

TEST(Invariants, AClosedAccountDoesNotChange) {
  const Change close = [](Rows& rows) {
    rows.accounts[AccountId(1)].flags = account_flags::kClosed;
  };
  EXPECT_THAT(After(close,
                    [](Rows& rows) {
                      rows.accounts[AccountId(1)].debits_posted = Amount(4);
                      rows.accounts[AccountId(2)].credits_posted = Amount(4);
                    }),
              Optional(HasSubstr("rule 7")));
}

TEST(Invariants, NothingIsLost) {
  EXPECT_THAT(
      After(Nothing, [](Rows& rows) { rows.accounts[AccountId(1)].code = 9; }),
      Optional(HasSubstr("an account was lost or changed")));
  EXPECT_THAT(After(Nothing,
                    [](Rows& rows) { rows.transfers[TransferId(3)].code = 9; }),
              Optional(HasSubstr("a transfer was lost or changed")));
}

// What is said when one id is answered so, and then so.
std::optional<std::string> Answered(TransferResult first,
                                    TransferResult second) {
  Step step{.kind = EntryKind::kCreateTransfers};
  step.transfers.push_back(Sound().transfers[TransferId(1)]);
  EntryResult result;
  Invariants invariants;
  result.transfers = {first};
  EXPECT_EQ(invariants.Check(step, result, Sound()), std::nullopt);
  result.transfers = {second};
  return invariants.Check(step, result, Sound());
}

TEST(Invariants, TheFateOfAnIdIsFinal) {
  const TransferResult created{.status = TransferStatus::kCreated};
  const TransferResult exists{.status = TransferStatus::kExists};
  const TransferResult failed{.status = TransferStatus::kExceedsCredits};
  TransferResult kept{.status = TransferStatus::kIdAlreadyFailed,
                      .original_status = TransferStatus::kExceedsCredits};
  EXPECT_EQ(Answered(created, exists), std::nullopt);
  EXPECT_EQ(Answered(failed, kept), std::nullopt);
  EXPECT_THAT(Answered(created, created), Optional(HasSubstr("rule 9")));
  EXPECT_THAT(Answered(created, kept), Optional(HasSubstr("rule 9")));
  EXPECT_THAT(Answered(failed, created), Optional(HasSubstr("rule 9")));
  EXPECT_THAT(Answered(failed, failed), Optional(HasSubstr("rule 9")));
  kept.original_status = TransferStatus::kExceedsDebits;
  EXPECT_THAT(Answered(failed, kept), Optional(HasSubstr("rule 9")));
}

}  // namespace
}  // namespace ledgerd::model
