// ListRolledBack over a data directory whose journal was rolled back.
#include "server/grpc/rolled_back_message.h"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "proto/base/sha256.h"
#include "proto/system_limits.h"
#include "server/damage_alarms.h"
#include "server/fake_replica.h"
#include "server/grpc/admin_service.h"
#include "server/logging.h"
#include "server/served_group.h"
#include "storage/data_dir.h"
#include "storage/memory_journal.h"
#include "storage/memory_state_store.h"
#include "storage/superblock.h"

namespace ledgerd::server {
namespace {

constexpr uint64_t kSegmentBytes = uint64_t{8} << 20;

class RolledBackMessageTest : public ::testing::Test {
 protected:
  RolledBackMessageTest() {
    std::string pattern = ::testing::TempDir() + "/rolled_backXXXXXX";
    LEDGERD_CHECK(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern + "/data";
    LEDGERD_CHECK_OK(storage::DataDir::Format(
        path_, {.cluster = ClusterId(7),
                .replica = ReplicaId(1),
                .members = {{ReplicaId(1), Incarnation(1)}},
                .segment_bytes = kSegmentBytes,
                .reserve_bytes = uint64_t{1} << 20}));
    dir_ = *storage::DataDir::Open(path_, {});
    journal_ = *dir_->OpenJournal(
        {.segment_bytes = kSegmentBytes, .prepare_in_background = false});
  }

  // One entry more, of this epoch.
  Entry Append(uint64_t epoch, size_t transfers = 1) {
    std::vector<Transfer> rows(transfers);
    rows.front().id = TransferId(epoch);
    Entry entry = Entry::Seal(
        MakeCommand<Transfer>(EntryKind::kCreateTransfers, rows), Epoch(epoch),
        Timestamp(journal_->last().sequence.value() + 10'000),
        journal_->last());
    LEDGERD_CHECK_OK(journal_->Append({entry}, Sequence(0)));
    return entry;
  }

  void RollBack(uint64_t from) {
    LEDGERD_CHECK_OK(journal_->RollBack(Sequence(from)));
  }

  admin::v1::ListRolledBackResponse List() { return ListBeside(*journal_); }

  admin::v1::ListRolledBackResponse ListBeside(
      const storage::Journal& journal) {
    ServedGroup group{
        replica_, store_,       journal, addresses_,
        damage_,  ClusterId(7), path_,   std::chrono::system_clock::now()};
    AdminService service(group, logger_);
    admin::v1::ListRolledBackResponse response;
    const grpc::Status status =
        service.ListRolledBack(nullptr, nullptr, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  // Of each entry, in the order told.
  static std::vector<uint64_t> NewEpochs(
      const admin::v1::ListRolledBackResponse& response) {
    std::vector<uint64_t> epochs;
    for (const auto& cut : response.entries()) {
      epochs.push_back(cut.new_epoch());
    }
    return epochs;
  }

  std::string path_;
  std::unique_ptr<storage::DataDir> dir_;
  std::unique_ptr<storage::SegmentJournal> journal_;
  FakeReplica replica_;
  storage::MemoryStateStore store_{storage::MemoryStateStore::Options()};
  SharedAddresses addresses_;
  DamageAlarms damage_;
  Logger logger_{LogLevel::kError, LogFormat::kText};
};

TEST_F(RolledBackMessageTest, NothingAtFirst) {
  Append(1);
  EXPECT_EQ(List().entries_size(), 0);
}

TEST_F(RolledBackMessageTest, EntriesAreToldWhole) {
  Append(1);
  const Entry second = Append(1, 3);
  const Entry third = Append(1);
  RollBack(2);
  Append(2);
  const auto response = List();
  ASSERT_EQ(response.entries_size(), 2);
  const auto& cut = response.entries(0);
  EXPECT_EQ(cut.entry().sequence(), 2u);
  EXPECT_EQ(cut.entry().epoch(), 1u);
  EXPECT_EQ(cut.entry().operation(), "create_transfers");
  EXPECT_EQ(cut.entry().hash(), std::string(AsBytes(second.hash())));
  EXPECT_EQ(cut.entry().raw(), std::string(second.bytes()));
  EXPECT_NE(cut.entry().request(), "");
  EXPECT_GT(cut.rolled_back_at().seconds(), 0);
  EXPECT_EQ(response.entries(1).entry().raw(), std::string(third.bytes()));
  EXPECT_EQ(NewEpochs(response), (std::vector<uint64_t>{2, 2}));
}

// A tail that is longer than what came in its place, and one that was cut off
// what came in its place.
TEST_F(RolledBackMessageTest, EachIsOfTheEpochThatWentOnWithoutIt) {
  Append(1);
  Append(1);
  Append(1);
  Append(1);
  RollBack(2);
  Append(2);
  Append(3);
  RollBack(3);
  EXPECT_EQ(NewEpochs(List()), (std::vector<uint64_t>{0, 2, 2, 2}))
      << "nothing has come in its place yet";
  for (const uint64_t epoch : {5, 5, 7}) Append(epoch);
  EXPECT_EQ(NewEpochs(List()), (std::vector<uint64_t>{5, 2, 2, 2}));
}

// A new primary may bring an entry that is older than the one it takes the
// place of; its own epoch follows.
TEST_F(RolledBackMessageTest, AnOlderEntryInItsPlaceIsNotTheNewEpoch) {
  Append(1);
  Append(3);
  RollBack(2);
  for (const uint64_t epoch : {2, 2, 4, 6}) Append(epoch);
  EXPECT_EQ(NewEpochs(List()), (std::vector<uint64_t>{4}));
}

TEST_F(RolledBackMessageTest, WhereTheJournalHasLetGoItIsNotKnown) {
  Append(1);
  Append(1);
  RollBack(2);
  storage::MemoryJournalDisk disk;
  const auto later = *storage::MemoryJournal::Open(disk, {});
  storage::Superblock superblock = later->superblock();
  superblock.checkpoint = {Epoch(4), Sequence(100), Sha256("100")};
  LEDGERD_CHECK_OK(later->Install(superblock));
  EXPECT_EQ(NewEpochs(ListBeside(*later)), (std::vector<uint64_t>{0}));
}

TEST_F(RolledBackMessageTest, ManyGoWithoutTheirBytes) {
  Append(1);
  for (int i = 0; i < 3; ++i) Append(1, kMaxBatchSize);
  RollBack(2);
  const auto response = List();
  ASSERT_EQ(response.entries_size(), 3);
  EXPECT_NE(response.entries(0).entry().raw(), "");
  EXPECT_EQ(response.entries(2).entry().raw(), "");
  EXPECT_EQ(response.entries(2).entry().sequence(), 4u);
  EXPECT_LT(response.ByteSizeLong(), kMessageBytesMax);
}

}  // namespace
}  // namespace ledgerd::server
