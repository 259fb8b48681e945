#include "client/ledgerctl/import_batch.h"

#include <utility>

#include "gtest/gtest.h"

namespace ledgerd::client {
namespace {

TransferLine Line(uint64_t id, uint64_t debit, uint64_t credit,
                  uint16_t flags = 0) {
  return {.transfer = {.id = TransferId(id),
                       .debit_account_id = AccountId(debit),
                       .credit_account_id = AccountId(credit),
                       .flags = flags}};
}

Checkpoints StatedAfter(
    const std::vector<std::pair<uint64_t, uint64_t>>& transfer_and_account) {
  Checkpoints checkpoints;
  for (const auto& [transfer, account] : transfer_and_account) {
    checkpoints[TransferId(transfer)].push_back(
        {.account = AccountId(account), .net = {}});
  }
  return checkpoints;
}

// The ids of each batch, as the importer cuts them.
std::vector<std::vector<uint64_t>> Cut(
    ImportBatch batch, const std::vector<std::vector<TransferLine>>& units) {
  std::vector<std::vector<uint64_t>> batches;
  const auto flush = [&] {
    std::vector<uint64_t> ids;
    for (const TransferLine& line : batch.lines()) {
      ids.push_back(Low(line.transfer.id.value()));
    }
    if (!ids.empty()) batches.push_back(ids);
    batch.Clear();
  };
  for (const auto& unit : units) {
    if (batch.MustEndBefore(unit)) flush();
    batch.Add(unit);
  }
  flush();
  return batches;
}

using Batches = std::vector<std::vector<uint64_t>>;

TEST(ImportBatchTest, FullBatches) {
  EXPECT_EQ(Cut(ImportBatch({.batch_max = 2}),
                {{Line(1, 1, 2)}, {Line(2, 1, 2)}, {Line(3, 1, 2)}}),
            (Batches{{1, 2}, {3}}));
}

TEST(ImportBatchTest, AChainIsNeverSplit) {
  EXPECT_EQ(Cut(ImportBatch({.batch_max = 3}),
                {{Line(1, 1, 2)},
                 {Line(2, 1, 2), Line(3, 1, 2), Line(4, 1, 2)},
                 {Line(5, 1, 2)}}),
            (Batches{{1}, {2, 3, 4}, {5}}));
}

TEST(ImportBatchTest, ABalanceIsSeenBeforeItsAccountMovesAgain) {
  const Checkpoints checkpoints = StatedAfter({{1, 10}, {2, 20}});
  const ImportBatch batch({.batch_max = 100, .checkpoints = &checkpoints});
  // 3 touches neither account, 4 touches 20.
  EXPECT_EQ(Cut(batch, {{Line(1, 1, 10)},
                        {Line(2, 1, 20)},
                        {Line(3, 1, 30)},
                        {Line(4, 20, 1)},
                        {Line(5, 10, 1)}}),
            (Batches{{1, 2, 3}, {4, 5}}));
}

TEST(ImportBatchTest, APostMayTouchAnyAccount) {
  const Checkpoints checkpoints = StatedAfter({{1, 10}});
  const ImportBatch batch({.batch_max = 100, .checkpoints = &checkpoints});
  EXPECT_EQ(Cut(batch, {{Line(1, 1, 10)},
                        {Line(2, 0, 0, transfer_flags::kPostPending)}}),
            (Batches{{1}, {2}}));
}

TEST(ImportBatchTest, ImportedTransfersTravelAlone) {
  EXPECT_EQ(Cut(ImportBatch({.batch_max = 100}),
                {{Line(1, 1, 2)},
                 {Line(2, 1, 2, transfer_flags::kImported)},
                 {Line(3, 1, 2, transfer_flags::kImported)},
                 {Line(4, 1, 2)}}),
            (Batches{{1}, {2, 3}, {4}}));
}

TEST(ImportBatchTest, ChecksSayAfterWhichTransfer) {
  const Checkpoints checkpoints = StatedAfter({{2, 10}, {3, 10}});
  ImportBatch batch({.batch_max = 100, .checkpoints = &checkpoints});
  EXPECT_EQ(batch.Add({Line(1, 1, 10)}), 0);
  // Within a chain, the balance after 2 can never be seen: 3 moves it on.
  EXPECT_EQ(batch.Add({Line(2, 1, 10), Line(3, 1, 10)}), 1);
  ASSERT_EQ(batch.checks().size(), 1);
  EXPECT_EQ(batch.checks()[0].index, 2);
  EXPECT_EQ(batch.checks()[0].stated.account, AccountId(10));
}

}  // namespace
}  // namespace ledgerd::client
