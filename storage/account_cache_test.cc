#include "storage/account_cache.h"

#include <map>
#include <random>

#include "gtest/gtest.h"

#include "proto/base/test_seed.h"

namespace ledgerd::storage {
namespace {

constexpr uint64_t kBytes = 100 * 140;

Account MakeAccount(uint64_t id, uint64_t debits = 0) {
  Account account;
  account.id = AccountId(id);
  account.debits_posted = Amount(debits);
  return account;
}

TEST(AccountCache, HoldsWhatWasPutLast) {
  AccountCache cache(kBytes);
  EXPECT_EQ(cache.Find(AccountId(7)), nullptr);
  cache.Put(MakeAccount(7, 1));
  cache.Put(MakeAccount(7, 2));
  ASSERT_NE(cache.Find(AccountId(7)), nullptr);
  EXPECT_EQ(cache.Find(AccountId(7))->debits_posted, Amount(2));
  EXPECT_EQ(cache.size(), 1u);
}

TEST(AccountCache, HoldsNothingWithoutMemory) {
  AccountCache cache(0);
  cache.Put(MakeAccount(7));
  EXPECT_EQ(cache.Find(AccountId(7)), nullptr);
}

TEST(AccountCache, WhatIsAskedForStays) {
  AccountCache cache(kBytes);
  const uint64_t count = cache.capacity();
  ASSERT_GT(count, 50u);
  for (uint64_t id = 1; id <= count; ++id) cache.Put(MakeAccount(id));
  for (uint64_t other = 1; other <= 10 * count; ++other) {
    ASSERT_NE(cache.Find(AccountId(5)), nullptr) << "after " << other;
    cache.Put(MakeAccount(1'000'000 + other));
  }
  EXPECT_EQ(cache.size(), count);
  EXPECT_EQ(cache.Find(AccountId(6)), nullptr);
}

TEST(AccountCache, NeverTellsAnythingButTheNewest) {
  std::mt19937_64 random(TestSeed());
  AccountCache cache(kBytes);
  std::map<uint64_t, uint64_t> newest;
  size_t found = 0;
  for (int step = 0; step < 100'000; ++step) {
    const uint64_t id = 1 + random() % (3 * cache.capacity());
    if (random() % 2 == 0) {
      newest[id] = random();
      cache.Put(MakeAccount(id, newest[id]));
    } else if (const Account* account = cache.Find(AccountId(id))) {
      ++found;
      ASSERT_EQ(account->id, AccountId(id));
      ASSERT_EQ(account->debits_posted, Amount(newest.at(id)));
    }
    ASSERT_LE(cache.size(), cache.capacity());
  }
  EXPECT_GT(found, 1000u);
}

}  // namespace
}  // namespace ledgerd::storage
