#include "client/ledgerctl/reversal.h"

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace ledgerd::client {
namespace {

const Transfer kPaid = {.id = TransferId(9),
                        .debit_account_id = AccountId(1),
                        .credit_account_id = AccountId(2),
                        .amount = Amount(995),
                        .user_data_128 = 7,
                        .user_data_64 = 8,
                        .user_data_32 = 5,
                        .ledger = 978,
                        .code = 11,
                        .timestamp = Timestamp(77)};

TEST(ReversalTest, IsTheExactOppositeAndNamesWhatItReverts) {
  const auto reversal = ReversalOf(kPaid, PendingState::kNone, /*attempt=*/0);
  ASSERT_TRUE(reversal.ok()) << reversal.status();
  EXPECT_EQ(*reversal, (Transfer{.id = ReversalId(TransferId(9), 0),
                                 .debit_account_id = AccountId(2),
                                 .credit_account_id = AccountId(1),
                                 .amount = Amount(995),
                                 .user_data_128 = 9,
                                 .user_data_64 = 8,
                                 .user_data_32 = 5,
                                 .ledger = 978,
                                 .code = 11}));
}

TEST(ReversalTest, ItsIdIsAUuidThatIsDerived) {
  std::set<Uint128> ids;
  for (uint64_t id = 1; id <= 100; ++id) {
    for (uint32_t attempt = 0; attempt < 3; ++attempt) {
      const Uint128 derived = ReversalId(TransferId(id), attempt).value();
      EXPECT_EQ(High(derived) >> 12 & 0xf, 8u) << "the version";
      EXPECT_EQ(Low(derived) >> 62, 2u) << "the variant";
      EXPECT_EQ(derived, ReversalId(TransferId(id), attempt).value());
      ids.insert(derived);
    }
  }
  EXPECT_EQ(ids.size(), 300u);
}

// What moved money in part, or at the end of two steps, is reverted as such.
TEST(ReversalTest, WhatItsFlagsAskedForIsNotAskedForAgain) {
  for (const uint16_t flags :
       {transfer_flags::kLinked, transfer_flags::kPostPending,
        transfer_flags::kBalancingDebit, transfer_flags::kBalancingCredit,
        transfer_flags::kImported}) {
    Transfer paid = kPaid;
    paid.flags = flags;
    paid.pending_id = TransferId(flags == transfer_flags::kPostPending ? 8 : 0);
    const auto reversal = ReversalOf(paid, PendingState::kNone, /*attempt=*/0);
    ASSERT_TRUE(reversal.ok()) << reversal.status();
    EXPECT_EQ(reversal->flags, 0);
    EXPECT_EQ(reversal->pending_id, TransferId(0));
    EXPECT_EQ(reversal->amount, Amount(995));
  }
}

TEST(ReversalTest, WhatMovedNoMoneyIsRefusedWithWhatToDo) {
  Transfer paid = kPaid;
  paid.flags = transfer_flags::kPending;
  const std::vector<std::pair<PendingState, std::string>> words = {
      {PendingState::kPending, "--void"},
      {PendingState::kPosted, "revert that one"},
      {PendingState::kVoided, "was voided"},
      {PendingState::kExpired, "has expired"}};
  for (const auto& [state, word] : words) {
    const absl::Status status = ReversalOf(paid, state, 0).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "transfer 9 ")) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), word)) << status;
  }
  paid.flags = transfer_flags::kVoidPending;
  const absl::Status status = ReversalOf(paid, PendingState::kNone, 0).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
}

}  // namespace
}  // namespace ledgerd::client
