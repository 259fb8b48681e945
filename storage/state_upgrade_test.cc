#include "storage/state_upgrade.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "rocksdb/file_system.h"

#include "proto/base/check.h"
#include "storage/checkpoint_record.h"
#include "storage/state_format_testing.h"
#include "storage/state_store_harness.h"
#include "storage/state_store_operations.h"
#include "storage/state_store_testing.h"

namespace ledgerd::storage {
namespace {

// A store, and beside it a model of the same content.
class StateUpgradeTest : public testing::Test {
 protected:
  StateUpgradeTest() : tested_(MakeOptions()) {
    for (int i = 0; i < 200; ++i) {
      const auto entry = operations_.Next(model_.memory.state());
      const auto change = [&](StateView& view) { entry.change(view); };
      EntryApplier(tested_).Apply(entry.needs, change);
      EntryApplier(model_).Apply(entry.needs, change);
      if (i % 20 == 19) {
        LEDGERD_CHECK_OK(EntryApplier(tested_).Checkpoint());
      }
    }
    tested_.Close();
  }

  RocksDbStateStore::Options MakeOptions() {
    RocksDbStateStore::Options options = TinyStateOptions();
    options.database.free_bytes =
        [this](const std::string&) -> absl::StatusOr<uint64_t> {
      return free_bytes_;
    };
    options.say = [this](const std::string& line) { said_.push_back(line); };
    return options;
  }

  void MakeFormat(uint32_t version) {
    MakeStateFormat(rocksdb::FileSystem::Default(), tested_.path(), version);
  }

  void ExpectWhole() {
    EXPECT_TRUE(tested_.get().state_hash() == model_.get().state_hash());
    EXPECT_TRUE(tested_.get().VerifyCheckpoint().ok())
        << tested_.get().VerifyCheckpoint();
    size_t found = 0;
    for (int i = 0; i < 100; ++i) {
      const AccountFilter filter =
          operations_.SomeAccountFilter(model_.memory.state());
      const auto expected = EntryApplier(model_).GetAccountTransfers(filter);
      EXPECT_EQ(EntryApplier(tested_).GetAccountTransfers(filter).rows,
                expected.rows);
      found += expected.rows.size();
    }
    EXPECT_GT(found, 20u);
  }

  uint64_t free_bytes_ = uint64_t{1} << 40;
  std::vector<std::string> said_;
  RandomOperations operations_{1, {}};
  TestedRocksDbStore tested_;
  TestedMemoryStore model_{{}};
};

TEST_F(StateUpgradeTest, FormatOneGetsItsIndexAndGoesOn) {
  MakeFormat(1);
  ASSERT_TRUE(tested_.Open().ok());
  ASSERT_EQ(said_.size(), 2u);
  EXPECT_NE(said_[0].find("from format 1 to 3"), std::string::npos);
  ExpectWhole();
  ASSERT_TRUE(EntryApplier(tested_).Checkpoint().ok());
  tested_.Crash();
  EXPECT_EQ(said_.size(), 2u) << "it is upgraded once";
  ExpectWhole();
}

TEST_F(StateUpgradeTest, WithTooLittleSpaceItStaysAsItWas) {
  MakeFormat(1);
  free_bytes_ = 1;
  EXPECT_TRUE(absl::IsResourceExhausted(tested_.Open()));
  free_bytes_ = uint64_t{1} << 40;
  said_.clear();
  ASSERT_TRUE(tested_.Open().ok());
  EXPECT_EQ(said_.size(), 2u);
  ExpectWhole();
}

TEST_F(StateUpgradeTest, FormatTwoGoesOnAsThree) {
  MakeFormat(2);
  ASSERT_TRUE(tested_.Open().ok());
  EXPECT_TRUE(said_.empty());
  ExpectWhole();
  const auto append = [](StateView& view) {
    view.AppendIncidents(Sequence(201), "an incident");
  };
  EntryApplier(tested_).Apply({}, append);
  EntryApplier(model_).Apply({}, append);
  ASSERT_TRUE(EntryApplier(tested_).Checkpoint().ok());
  {
    // Which keeps the database open.
    const auto exported = tested_.get().ExportCheckpoint();
    ASSERT_TRUE(exported.ok()) << exported.status();
    EXPECT_EQ((*exported)->manifest().format_version, 3u);
  }
  tested_.Crash();
  ExpectWhole();
}

TEST_F(StateUpgradeTest, ThisBuildsFormatIsLeftAlone) {
  ASSERT_TRUE(tested_.Open().ok());
  EXPECT_TRUE(said_.empty());
  ExpectWhole();
}

TEST_F(StateUpgradeTest, ANewerFormatIsRefused) {
  MakeFormat(kStateFormatVersion + 1);
  const absl::Status refused = tested_.Open();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_NE(refused.message().find("reads up to"), absl::string_view::npos);
  EXPECT_TRUE(said_.empty());
}

// A state without its index is not taken for one that has it.
TEST_F(StateUpgradeTest, TheVerifierMissesTheIndex) {
  MakeFormat(1);
  MakeFormat(kStateFormatVersion);
  ASSERT_TRUE(tested_.Open().ok());
  const absl::Status damaged = tested_.get().VerifyCheckpoint();
  EXPECT_TRUE(absl::IsDataLoss(damaged)) << damaged;
  EXPECT_NE(damaged.message().find("index"), absl::string_view::npos);
}

}  // namespace
}  // namespace ledgerd::storage
