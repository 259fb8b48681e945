// The real ledger over the real store against the naive one: the same worlds,
// with checkpoints, restarts and merges of ids in between.
//
//   bazel run //tests/model:rocksdb_property_test -- --seed=7 --batches=40
#include <memory>

#include "gtest/gtest.h"

#include "tests/model/stores.h"
#include "tests/model/worlds.h"

namespace ledgerd::model {
namespace {

TEST(RocksDbProperty, AgreesWithTheNaiveModel) {
  RunWorlds("rocksdb_property_test",
            [](uint64_t) { return std::make_unique<LedgerInRocksDb>(); });
}

}  // namespace
}  // namespace ledgerd::model
