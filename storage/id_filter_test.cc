// A filter never denies an id that was added, and rarely affirms another.
#include "storage/id_filter.h"

#include <cstring>
#include <iostream>
#include <random>
#include <vector>

#include "gtest/gtest.h"

#include "proto/types.h"

namespace ledgerd::storage {
namespace {

constexpr size_t kIds = 100'000;

std::vector<TransferId> RandomIds(std::mt19937_64& random) {
  std::vector<TransferId> ids;
  ids.reserve(kIds);
  for (size_t i = 0; i < kIds; ++i) {
    ids.emplace_back(Uint128{random()} << 64 | random());
  }
  return ids;
}

class IdFilterTest : public testing::Test {
 protected:
  IdFilterTest() {
    const auto seed = std::random_device()();
    RecordProperty("seed", static_cast<int>(seed));
    std::cout << "seed " << seed << "\n";
    std::mt19937_64 random(seed);
    added_ = RandomIds(random);
    others_ = RandomIds(random);
    for (const TransferId id : added_) filter_.Add(id);
  }

  std::vector<TransferId> added_;
  std::vector<TransferId> others_;
  IdFilter filter_{kIds};
};

TEST_F(IdFilterTest, DeniesNothingThatWasAdded) {
  for (const TransferId id : added_) EXPECT_TRUE(filter_.MayContain(id));
}

TEST_F(IdFilterTest, AffirmsAboutOneInAThousandOthers) {
  size_t affirmed = 0;
  for (const TransferId id : others_) affirmed += filter_.MayContain(id);
  // 100 are expected; 250 would be 15 deviations away.
  EXPECT_LT(affirmed, kIds / 400);
}

TEST_F(IdFilterTest, SaysTheSameAfterItWasReadBack) {
  IdFilter read = IdFilter::OfBytes(filter_.bytes().size());
  std::memcpy(read.mutable_bytes(), filter_.bytes().data(),
              filter_.bytes().size());
  for (const auto* ids : {&added_, &others_}) {
    for (const TransferId id : *ids) {
      EXPECT_EQ(read.MayContain(id), filter_.MayContain(id));
    }
  }
}

}  // namespace
}  // namespace ledgerd::storage
