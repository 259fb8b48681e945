#include "client/chains.h"

#include <vector>

#include "gtest/gtest.h"

namespace ledgerd::client {
namespace {

using Status = TransferStatus;

// 'L' is a linked transfer, '.' one that is not.
std::vector<Transfer> Rows(absl::string_view text) {
  std::vector<Transfer> rows;
  for (const char c : text) {
    rows.push_back({.flags = c == 'L' ? transfer_flags::kLinked : uint16_t{0}});
  }
  return rows;
}

std::vector<Status> Marked(absl::string_view text,
                           const std::vector<Status>& statuses) {
  std::vector<TransferResult> results;
  for (const Status status : statuses) {
    results.push_back({.status = status, .timestamp = Timestamp(9)});
  }
  MarkExistingChains<Transfer>(Rows(text), absl::MakeSpan(results));
  std::vector<Status> marked;
  for (const TransferResult& result : results) marked.push_back(result.status);
  return marked;
}

TEST(ChainsTest, AUnitIsAChainOrOneRow) {
  const auto rows = Rows(".LL..L");
  EXPECT_EQ(ChainEnd<Transfer>(rows, 0), 1);
  EXPECT_EQ(ChainEnd<Transfer>(rows, 1), 4);
  EXPECT_EQ(ChainEnd<Transfer>(rows, 4), 5);
  EXPECT_EQ(ChainEnd<Transfer>(rows, 5), 6) << "left open: ends with the rows";
}

TEST(ChainsTest, ExistsOnTheFirstMeansAllOfTheChain) {
  const auto exists = Status::kExists;
  const auto failed = Status::kLinkedEventFailed;
  EXPECT_EQ(Marked("LL.", {exists, failed, failed}),
            (std::vector{exists, exists, exists}));
}

TEST(ChainsTest, AChainBrokenOtherwiseStaysAsItIs) {
  const auto failed = Status::kLinkedEventFailed;
  const std::vector broken = {failed, Status::kExists, failed};
  EXPECT_EQ(Marked("LL.", broken), broken);
  const std::vector refused = {failed, Status::kExceedsCredits, failed};
  EXPECT_EQ(Marked("LL.", refused), refused);
}

TEST(ChainsTest, NeighboursOfAChainAreNotTouched) {
  const auto exists = Status::kExists;
  const auto failed = Status::kLinkedEventFailed;
  EXPECT_EQ(Marked(".L..L.", {exists, exists, failed, exists, failed, failed}),
            (std::vector{exists, exists, exists, exists, failed, failed}));
}

TEST(ChainsTest, AnExistingMemberWithoutTimestampIsToldApart) {
  std::vector<TransferResult> results = {
      {.status = Status::kExists, .timestamp = Timestamp(5)},
      {.status = Status::kLinkedEventFailed, .timestamp = Timestamp(9)}};
  MarkExistingChains<Transfer>(Rows("L."), absl::MakeSpan(results));
  EXPECT_EQ(results[0].timestamp, Timestamp(5));
  EXPECT_EQ(results[1].timestamp, Timestamp(0));
}

TEST(ChainsTest, AccountsFollowTheSameRule) {
  const std::vector<Account> rows = {{.flags = account_flags::kLinked}, {}};
  std::vector<AccountResult> results = {
      {.status = AccountStatus::kExists},
      {.status = AccountStatus::kLinkedEventFailed}};
  MarkExistingChains<Account>(rows, absl::MakeSpan(results));
  EXPECT_EQ(results[1].status, AccountStatus::kExists);
}

}  // namespace
}  // namespace ledgerd::client
