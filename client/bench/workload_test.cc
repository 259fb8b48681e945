#include "client/bench/workload.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "gtest/gtest.h"

namespace ledgerd::bench {
namespace {

constexpr uint64_t kMany = 100'000;

absl::flat_hash_map<uint64_t, int> Uses(const Workload& workload) {
  absl::flat_hash_map<uint64_t, int> uses;
  for (uint64_t i = 0; i < kMany; ++i) {
    const Transfer transfer = workload.Get(i);
    ++uses[Low(transfer.debit_account_id.value())];
    ++uses[Low(transfer.credit_account_id.value())];
  }
  return uses;
}

int MostUsed(const Workload& workload) {
  int most = 0;
  for (const auto& [account, uses] : Uses(workload))
    most = std::max(most, uses);
  return most;
}

TEST(WorkloadTest, ANumberIsAlwaysTheSameTransfer) {
  const Workload one({.full = true, .two_phase_percent = 50, .seed = 3});
  const Workload two({.full = true, .two_phase_percent = 50, .seed = 3});
  for (uint64_t i = 0; i < 1000; ++i) EXPECT_EQ(one.Get(i), two.Get(i));
}

TEST(WorkloadTest, NoIdComesTwice) {
  for (const bool random_ids : {false, true}) {
    std::set<Uint128> ids;
    for (const uint64_t seed : {uint64_t{1}, uint64_t{2}}) {
      const Workload workload({.random_ids = random_ids, .seed = seed});
      for (uint64_t i = 0; i < kMany; ++i) {
        ids.insert(workload.Get(i).id.value());
      }
    }
    EXPECT_EQ(ids.size(), 2 * kMany);
  }
}

TEST(WorkloadTest, OrderedIdsRiseAndRandomOnesDoNot) {
  const Workload ordered({.seed = 5});
  const Workload random({.random_ids = true, .seed = 5});
  int rises = 0;
  for (uint64_t i = 1; i < 1000; ++i) {
    EXPECT_GT(ordered.Get(i).id, ordered.Get(i - 1).id);
    rises += random.Get(i).id > random.Get(i - 1).id ? 1 : 0;
  }
  EXPECT_GT(rises, 400);
  EXPECT_LT(rises, 600);
}

TEST(WorkloadTest, AccountsMayBeginAnywhereAndInAnyLedger) {
  const AccountId first(MakeUint128(7, 1));
  const Workload workload({.accounts = 3, .first_account = first, .ledger = 9});
  EXPECT_EQ(workload.NewAccount(2).id, AccountId(MakeUint128(7, 3)));
  EXPECT_EQ(workload.NewAccount(2).ledger, 9u);
  for (uint64_t i = 0; i < 100; ++i) {
    const Transfer transfer = workload.Get(i);
    EXPECT_EQ(transfer.ledger, 9u);
    EXPECT_GE(transfer.debit_account_id, first);
    EXPECT_LE(transfer.credit_account_id, workload.AccountAt(2));
  }
}

TEST(WorkloadTest, AccountsAreTwoThatExist) {
  for (const auto distribution :
       {Distribution::kUniform, Distribution::kZipf, Distribution::kHot}) {
    for (const uint64_t accounts : {uint64_t{2}, uint64_t{1000}}) {
      const Workload workload(
          {.accounts = accounts, .distribution = distribution});
      for (uint64_t i = 0; i < 10'000; ++i) {
        const Transfer transfer = workload.Get(i);
        EXPECT_NE(transfer.debit_account_id, transfer.credit_account_id);
        EXPECT_GE(transfer.debit_account_id, workload.AccountAt(0));
        EXPECT_LE(transfer.debit_account_id, workload.AccountAt(accounts - 1));
        EXPECT_GE(transfer.credit_account_id, workload.AccountAt(0));
        EXPECT_LE(transfer.credit_account_id, workload.AccountAt(accounts - 1));
        EXPECT_NE(transfer.amount, Amount(0));
      }
    }
  }
}

TEST(WorkloadTest, DistributionsAreWhatTheyAreCalled) {
  const auto most = [](Distribution distribution) {
    return MostUsed(Workload({.accounts = 1000, .distribution = distribution}));
  };
  // 200 uses an account on average; the first of 1000 by Zipf has 13 %; the hot
  // one has half of the credits.
  EXPECT_LT(most(Distribution::kUniform), 300);
  EXPECT_GT(most(Distribution::kZipf), 20'000);
  EXPECT_LT(most(Distribution::kZipf), 35'000);
  EXPECT_GT(most(Distribution::kHot), 49'000);
  EXPECT_LT(most(Distribution::kHot), 52'000);
}

// In the order of their numbers, every post follows what it posts, within the
// block.
TEST(WorkloadTest, PairsArePendingThenPosted) {
  for (const uint64_t batch : {1, 7, 8, 8189}) {
    const Workload workload({.two_phase_percent = 30, .batch = batch});
    EXPECT_EQ(workload.block() % batch, 0);
    EXPECT_EQ(workload.block() % 2, 0);
    std::set<Uint128> pending;
    uint64_t posted = 0;
    const uint64_t count = kMany / workload.block() * workload.block();
    for (uint64_t i = 0; i < count; ++i) {
      const Transfer transfer = workload.Get(i);
      if ((transfer.flags & transfer_flags::kPending) != 0) {
        pending.insert(transfer.id.value());
      }
      if ((transfer.flags & transfer_flags::kPostPending) == 0) continue;
      EXPECT_EQ(pending.erase(transfer.pending_id.value()), 1);
      ++posted;
    }
    EXPECT_TRUE(pending.empty());
    EXPECT_NEAR(static_cast<double>(2 * posted) / static_cast<double>(count),
                0.3, 0.03)
        << batch;
  }
}

}  // namespace
}  // namespace ledgerd::bench
