#include <limits>

#include "gtest/gtest.h"

#include "proto/errors.h"
#include "proto/system_limits.h"
#include "server/request_parsing.h"
#include "server/responses.h"

namespace ledgerd::server {
namespace {

constexpr uint64_t kMax64 = std::numeric_limits<uint64_t>::max();

Entry Seal(Command command) {
  return Entry::Seal(std::move(command), Epoch(1), Timestamp(1'000), {});
}

void Fill(uint64_t seed, ledger::v1::Uint128& value) {
  value.set_high(seed);
  value.set_low(seed + 1);
}

ledger::v1::Transfer EveryFieldOfTransfer() {
  ledger::v1::Transfer transfer;
  Fill(10, *transfer.mutable_id());
  Fill(20, *transfer.mutable_debit_account_id());
  Fill(30, *transfer.mutable_credit_account_id());
  Fill(40, *transfer.mutable_amount());
  Fill(50, *transfer.mutable_pending_id());
  Fill(60, *transfer.mutable_user_data_128());
  transfer.set_user_data_64(70);
  transfer.set_user_data_32(80);
  transfer.set_timeout(90);
  transfer.set_ledger(100);
  transfer.set_code(65'535);
  transfer.set_flags(0x1ff);
  transfer.set_timestamp(120);
  return transfer;
}

ledger::v1::Account EveryFieldOfAccount() {
  ledger::v1::Account account;
  Fill(10, *account.mutable_id());
  Fill(20, *account.mutable_debits_pending());
  Fill(30, *account.mutable_debits_posted());
  Fill(40, *account.mutable_credits_pending());
  Fill(50, *account.mutable_credits_posted());
  Fill(60, *account.mutable_user_data_128());
  account.set_user_data_64(70);
  account.set_user_data_32(80);
  account.set_ledger(100);
  account.set_code(65'535);
  account.set_flags(0x3f);
  account.set_timestamp(120);
  return account;
}

TEST(MessagesTest, NoFieldOfATransferIsLost) {
  ledger::v1::CreateTransfersRequest request;
  *request.add_transfers() = EveryFieldOfTransfer();
  *request.add_transfers() = ledger::v1::Transfer();
  auto command = ParseTransfers(request.transfers());
  ASSERT_TRUE(command.ok()) << command.status();
  EXPECT_EQ(command->timestamp_count, 2u);
  const Entry entry = Seal(*std::move(command));
  EXPECT_EQ(entry.kind(), EntryKind::kCreateTransfers);
  ledger::v1::CreateTransfersRequest again;
  ASSERT_TRUE(again.ParseFromString(SerializeRequest(entry)));
  EXPECT_EQ(again.DebugString(), request.DebugString());
}

TEST(MessagesTest, NoFieldOfAnAccountIsLost) {
  ledger::v1::CreateAccountsRequest request;
  *request.add_accounts() = EveryFieldOfAccount();
  auto command = ParseAccounts(request.accounts());
  ASSERT_TRUE(command.ok()) << command.status();
  const Entry entry = Seal(*std::move(command));
  EXPECT_EQ(entry.kind(), EntryKind::kCreateAccounts);
  ledger::v1::CreateAccountsRequest again;
  ASSERT_TRUE(again.ParseFromString(SerializeRequest(entry)));
  EXPECT_EQ(again.DebugString(), request.DebugString());
}

TEST(MessagesTest, FieldsLandInTheRow) {
  ledger::v1::CreateTransfersRequest request;
  *request.add_transfers() = EveryFieldOfTransfer();
  const Entry entry = Seal(*ParseTransfers(request.transfers()));
  const Transfer& row = entry.rows<Transfer>()[0];
  EXPECT_EQ(row.id, TransferId(MakeUint128(10, 11)));
  EXPECT_EQ(row.credit_account_id, AccountId(MakeUint128(30, 31)));
  EXPECT_EQ(row.amount, Amount(MakeUint128(40, 41)));
  EXPECT_EQ(row.timeout_seconds, 90u);
  EXPECT_EQ(row.code, 65'535);
}

TEST(MessagesTest, AnUnknownFlagStaysUnknown) {
  ledger::v1::CreateTransfersRequest request;
  request.add_transfers()->set_flags(0x10001);
  const Entry entry = Seal(*ParseTransfers(request.transfers()));
  EXPECT_EQ(entry.rows<Transfer>()[0].flags, 0x8001);
}

TEST(MessagesTest, ABatchHas1To8190Events) {
  ledger::v1::CreateTransfersRequest transfers;
  EXPECT_EQ(FieldOf(ParseTransfers(transfers.transfers()).status()),
            "transfers");
  for (size_t i = 0; i < kMaxBatchSize; ++i) transfers.add_transfers();
  EXPECT_TRUE(ParseTransfers(transfers.transfers()).ok());
  transfers.add_transfers();
  const absl::Status status = ParseTransfers(transfers.transfers()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), Reason::kInvalidField);
  EXPECT_EQ(FieldOf(status), "transfers");

  ledger::v1::CreateAccountsRequest accounts;
  EXPECT_EQ(FieldOf(ParseAccounts(accounts.accounts()).status()), "accounts");
}

TEST(MessagesTest, ACodeAbove65535IsNamed) {
  ledger::v1::CreateTransfersRequest transfers;
  for (int i = 0; i < 5; ++i) transfers.add_transfers();
  transfers.mutable_transfers(3)->set_code(65'536);
  EXPECT_EQ(FieldOf(ParseTransfers(transfers.transfers()).status()),
            "transfers[3].code");
  ledger::v1::CreateAccountsRequest accounts;
  accounts.add_accounts()->set_code(70'000);
  EXPECT_EQ(FieldOf(ParseAccounts(accounts.accounts()).status()),
            "accounts[0].code");
}

TEST(MessagesTest, LookupsHave1To8190Ids) {
  ledger::v1::LookupAccountsRequest request;
  EXPECT_EQ(FieldOf(ParseAccountIds(request.ids()).status()), "ids");
  for (size_t i = 0; i < kMaxBatchSize; ++i) request.add_ids();
  EXPECT_EQ(ParseTransferIds(request.ids())->size(), kMaxBatchSize);
  request.add_ids();
  EXPECT_EQ(FieldOf(ParseTransferIds(request.ids()).status()), "ids");
}

TEST(MessagesTest, ConsistencyIsLinearizableUnlessSaidOtherwise) {
  using Level = replication::Freshness::Level;
  ledger::v1::ReadConsistency consistency;
  EXPECT_EQ(ParseConsistency(consistency)->level, Level::kLinearizable);
  consistency.set_at_least_sequence(7);
  EXPECT_EQ(ParseConsistency(consistency)->level, Level::kAtLeastSequence);
  EXPECT_EQ(ParseConsistency(consistency)->at_least, Sequence(7));
  consistency.set_max_staleness_ms(250);
  EXPECT_EQ(ParseConsistency(consistency)->level, Level::kMaxStaleness);
  EXPECT_EQ(ParseConsistency(consistency)->max_staleness,
            std::chrono::milliseconds(250));
  consistency.mutable_linearizable();
  EXPECT_EQ(ParseConsistency(consistency)->level, Level::kLinearizable);
}

TEST(MessagesTest, AConsistencyOfALaterContractIsRefused) {
  constexpr int kNobodysField = 99;
  ledger::v1::ReadConsistency consistency;
  consistency.GetReflection()
      ->MutableUnknownFields(&consistency)
      ->AddVarint(kNobodysField, 1);
  EXPECT_EQ(FieldOf(ParseConsistency(consistency).status()), "consistency");
  // Beside a level that is known it says something else, and is passed over.
  consistency.set_max_staleness_ms(250);
  EXPECT_TRUE(ParseConsistency(consistency).ok());
}

TEST(MessagesTest, WhatIsZeroCostsNothing) {
  ledger::v1::Account account;
  ToMessage(Account(), account);
  EXPECT_EQ(account.ByteSizeLong(), 0u);
  ledger::v1::CreateTransfersResponse response;
  AddResults({TransferResult()}, *response.mutable_results());
  EXPECT_EQ(response.results(0).ByteSizeLong(), 0u);
}

TEST(MessagesTest, AnAmountIsToldWhereItDiffersEvenIfItIsZero) {
  TransferResult as_asked;
  as_asked.amount = Amount(5);
  TransferResult nothing_moved;
  nothing_moved.amount_differs = true;
  ledger::v1::CreateTransfersResponse response;
  AddResults({as_asked, nothing_moved}, *response.mutable_results());
  EXPECT_FALSE(response.results(0).has_amount());
  ASSERT_TRUE(response.results(1).has_amount());
  EXPECT_EQ(response.results(1).amount().low(), 0u);
}

TEST(MessagesTest, MissingIdsAreThoseNotFound) {
  storage::Found<Transfer> found;
  found.rows.resize(2);
  found.rows[0].id = TransferId(2);
  found.rows[1].id = TransferId(kMax64);
  found.pending_states = {PendingState::kNone, PendingState::kPosted};
  ledger::v1::LookupTransfersResponse response;
  FillAnswer({TransferId(1), TransferId(2), TransferId(3), TransferId(kMax64)},
             found, Sequence(9), response);
  ASSERT_EQ(response.transfers_size(), 2);
  EXPECT_EQ(response.transfers(1).id().low(), kMax64);
  EXPECT_EQ(response.pending_states(1), ledger::v1::PENDING_STATE_POSTED);
  ASSERT_EQ(response.missing_ids_size(), 2);
  EXPECT_EQ(response.missing_ids(0).low(), 1u);
  EXPECT_EQ(response.missing_ids(1).low(), 3u);
  EXPECT_EQ(response.sequence(), 9u);
}

}  // namespace
}  // namespace ledgerd::server
