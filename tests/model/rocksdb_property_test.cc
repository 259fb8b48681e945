// The real ledger over the real store against the naive one: the same worlds,
// with checkpoints, restarts and merges of ids in between.
//
//   bazel run //tests/model:rocksdb_property_test -- --seed=7 --batches=40
#include <cstdint>
#include <memory>
#include <optional>

#include "gtest/gtest.h"

#include "proto/incident.h"
#include "tests/model/checker.h"
#include "tests/model/stores.h"
#include "tests/model/worlds.h"

namespace ledgerd::model {
namespace {

TEST(RocksDbProperty, AgreesWithTheNaiveModel) {
  RunWorlds("rocksdb_property_test",
            [](uint64_t) { return std::make_unique<LedgerInRocksDb>(); });
}

// Also when they are in a checkpoint, and when they are replayed.
TEST(RocksDbProperty, IncidentsAreOfTheState) {
  LedgerInRocksDb ledger;
  Checker checker(ledger, Compare::kEverything);
  uint64_t kept = 0;
  for (uint64_t i = 1; i <= 200; ++i) {
    Step step{.timestamp = Timestamp(i * kNanosPerSecond + i)};
    if (i % 3 != 0) {
      step.kind = EntryKind::kIncidents;
      step.incidents.resize(i % 5 + 1);
      for (Incident& incident : step.incidents) {
        incident.id = {ReplicaId(1), Timestamp(7), ++kept};
      }
    }
    ASSERT_EQ(checker.Check(step), std::nullopt) << "entry " << i;
  }
  EXPECT_EQ(checker.state().incidents.size(), 134u);
  LedgerInMemory replayed(/*cold=*/true);
  EXPECT_EQ(checker.CheckReplay(replayed), std::nullopt);
}

}  // namespace
}  // namespace ledgerd::model
