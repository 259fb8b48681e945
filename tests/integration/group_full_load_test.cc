// Three replicas under all the load that the machine can take, for a while, and
// nothing goes wrong: all that was answered is there, on each. Whether somebody
// has taken over from who was busy, and not gone, is a figure: on a machine
// that does something else too, it may have to.
//
// LEDGERD_LOAD_SECONDS sets for how long (5 by default; 600 in tests/long.sh).
#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "tests/integration/bulk_payments.h"
#include "tests/integration/group_under_load.h"

namespace ledgerd::integration {
namespace {

constexpr uint64_t kBulkPayers = 3;
// More would take longer to read from the disks, row by row, than to pay.
constexpr uint64_t kRecomputedMax = 2'000'000;

class GroupFullLoadTest : public GroupUnderLoad {
 protected:
  // Only the payers note each payment: the others make too many of them.
  GroupFullLoadTest()
      : GroupUnderLoad(3, /*last_is_witness=*/false, {}, nullptr,
                       /*clients=*/0) {
    const std::vector<std::string> addresses = group_.addresses();
    for (uint64_t i = 0; i < kBulkPayers; ++i) bulk_.emplace_back(addresses, i);
  }

  void SetUp() override {
    Start();
    ASSERT_FALSE(HasFatalFailure());
    for (BulkPayments& bulk : bulk_) ASSERT_TRUE(bulk.Prepare().ok());
    load_.Start();
  }

  std::deque<BulkPayments> bulk_;
};

TEST_F(GroupFullLoadTest, WhatWasAnsweredIsThere) {
  const std::chrono::seconds duration(
      NumberFromEnvironment("LEDGERD_LOAD_SECONDS", 5));
  ASSERT_NO_FATAL_FAILURE(Progress(100));
  const auto end = Clock::now() + duration;
  std::vector<std::thread> payers;
  for (BulkPayments& bulk : bulk_) {
    payers.emplace_back([&bulk, end] {
      while (Clock::now() < end) EXPECT_TRUE(bulk.Pay(1).ok());
    });
  }
  for (std::thread& payer : payers) payer.join();
  uint64_t paid = 0;
  for (const BulkPayments& bulk : bulk_) paid += bulk.paid();
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  figures_.Add("s of full load", duration.count());
  figures_.Add("payments in batches", static_cast<int64_t>(paid));
  TellFigures({});
  recomputes_ = paid <= kRecomputedMax;
  ASSERT_NO_FATAL_FAILURE(CompareStates(3, [this](OfflineLedger& ledger) {
    for (const BulkPayments& bulk : bulk_) {
      const auto balance = bulk.BalanceIn(ledger);
      ASSERT_TRUE(balance.ok()) << balance.status();
      EXPECT_EQ(*balance, bulk.paid());
    }
  }));
}

}  // namespace
}  // namespace ledgerd::integration
