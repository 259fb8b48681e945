// Three replicas under all the load that the machine can take, for a while, and
// nothing goes wrong: so nobody takes over. What is busy is not taken for what
// is gone.
//
// That is asserted where the machine is known to do nothing else
// (LEDGERD_CHECK_BOUNDS); elsewhere it is printed, and all that was answered is
// there.
//
// LEDGERD_LOAD_SECONDS sets for how long (5 by default; 600 in tests/long.sh).
#include <chrono>
#include <cstdint>
#include <deque>
#include <iostream>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/integration/bulk_payments.h"
#include "tests/integration/group_under_load.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

constexpr uint64_t kBulkPayers = 3;

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

  // Who is primary, of which epoch: by each replica.
  std::set<std::pair<uint64_t, uint64_t>> Primaries() {
    std::set<std::pair<uint64_t, uint64_t>> primaries;
    for (size_t i = 0; i < group_.size(); ++i) {
      const auto status = group_.WaitForStatus(i);
      primaries.emplace(status.epoch(), status.primary_id());
    }
    return primaries;
  }

  std::deque<BulkPayments> bulk_;
};

TEST_F(GroupFullLoadTest, NobodyTakesOverFromWhoIsBusy) {
  const std::chrono::seconds duration(
      NumberFromEnvironment("LEDGERD_LOAD_SECONDS", 5));
  ASSERT_NO_FATAL_FAILURE(Progress(100));
  ASSERT_TRUE(WaitUntil(kProgressLimit, [this] {
    return Primaries().size() == 1;
  })) << group_.Logs();
  const auto before = Primaries();
  const auto end = Clock::now() + duration;
  std::vector<std::thread> payers;
  for (BulkPayments& bulk : bulk_) {
    payers.emplace_back([&bulk, end] {
      while (Clock::now() < end) EXPECT_TRUE(bulk.Pay(1).ok());
    });
  }
  for (std::thread& payer : payers) payer.join();
  const bool somebody_took_over = Primaries() != before;
  if (ChecksBounds()) {
    EXPECT_FALSE(somebody_took_over) << group_.Logs();
  }
  uint64_t paid = 0;
  for (const BulkPayments& bulk : bulk_) paid += bulk.paid();
  std::cout << paid << " payments in batches, in " << duration.count() << " s; "
            << (somebody_took_over ? "somebody" : "nobody") << " took over\n";
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
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
