#include "storage/data_dir.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

#include "storage/identity_file.h"
#include "storage/posix_file.h"

namespace ledgerd::storage {
namespace {

class DataDirTest : public testing::Test {
 protected:
  DataDirTest() {
    std::string pattern = testing::TempDir() + "/data_dirXXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    parent_ = pattern;
    path_ = parent_ + "/data";
  }

  static DataDir::FormatOptions Options() {
    return {.cluster = ClusterId(MakeUint128(0xAB, 0xCD)),
            .replica = ReplicaId(2),
            .members = {{ReplicaId(3), Incarnation(1), MemberRole::kWitness},
                        {ReplicaId(2), Incarnation(1)},
                        {ReplicaId(1), Incarnation(1)}},
            .segment_bytes = 16 * kBlockBytes,
            .reserve_bytes = 4 * kBlockBytes};
  }

  void Format() {
    const absl::Status status = DataDir::Format(path_, Options());
    ASSERT_TRUE(status.ok()) << status;
  }

  absl::Status OpenStatus(const DataDir::Expected& expected = {}) {
    return DataDir::Open(path_, expected).status();
  }

  static void ExpectSays(const absl::Status& status, absl::StatusCode code,
                         const std::string& words) {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_NE(std::string(status.message()).find(words), std::string::npos)
        << status;
  }

  // Changes IDENTITY's text and gives it a right checksum or not.
  void Replace(const std::string& from, const std::string& to) {
    std::ifstream in(path_ + "/IDENTITY");
    std::string text((std::istreambuf_iterator<char>(in)), {});
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    text.resize(kBlockBytes, '\n');
    std::ofstream(path_ + "/IDENTITY") << text;
  }

  std::string parent_;
  std::string path_;
};

TEST_F(DataDirTest, WhatFormatMakesOpens) {
  Format();
  const auto dir = DataDir::Open(path_, {});
  ASSERT_TRUE(dir.ok()) << dir.status();
  EXPECT_EQ((*dir)->identity().cluster, Options().cluster);
  EXPECT_EQ((*dir)->identity().replica, ReplicaId(2));
  EXPECT_EQ((*dir)->identity().incarnation, 1u);
  for (const char* name : {"state", "incoming", "journal", "rolled_back"}) {
    EXPECT_TRUE(std::filesystem::is_directory(path_ + "/" + name)) << name;
  }
  const auto journal = (*dir)->OpenJournal({.segment_bytes = 16 * kBlockBytes});
  ASSERT_TRUE(journal.ok()) << journal.status();
  EXPECT_EQ((*journal)->last(), EntryId());
  Membership expected =
      FirstMembership({ReplicaId(1), ReplicaId(2), ReplicaId(3)});
  expected.members[2].role = MemberRole::kWitness;
  EXPECT_EQ((*journal)->superblock().membership, expected);
}

TEST_F(DataDirTest, FormatTakesAnEmptyDirectory) {
  std::filesystem::create_directory(path_);
  Format();
  EXPECT_TRUE(OpenStatus().ok());
}

TEST_F(DataDirTest, FormatRefusesWhatIsThere) {
  Format();
  ExpectSays(DataDir::Format(path_, Options()),
             absl::StatusCode::kAlreadyExists, path_);
  EXPECT_TRUE(OpenStatus().ok()) << "and has not touched it";
}

TEST_F(DataDirTest, FormatRefusesAForeignFile) {
  std::ofstream(path_) << "mine";
  ExpectSays(DataDir::Format(path_, Options()),
             absl::StatusCode::kAlreadyExists, path_);
}

TEST_F(DataDirTest, NothingThereIsNotFound) {
  ExpectSays(OpenStatus(), absl::StatusCode::kNotFound, "ledgerd format");
}

TEST_F(DataDirTest, HalfMadeIsRefused) {
  Format();
  std::filesystem::remove(path_ + "/IDENTITY");
  ExpectSays(OpenStatus(), absl::StatusCode::kFailedPrecondition,
             "formatting was cut short");
}

TEST_F(DataDirTest, InUseIsRefusedUntilItIsClosed) {
  Format();
  {
    const auto dir = DataDir::Open(path_, {});
    ASSERT_TRUE(dir.ok());
    ExpectSays(OpenStatus(), absl::StatusCode::kAborted, "another process");
  }
  EXPECT_TRUE(OpenStatus().ok());
}

TEST_F(DataDirTest, AnotherClusterIsRefused) {
  Format();
  EXPECT_TRUE(OpenStatus({.cluster = Options().cluster}).ok());
  ExpectSays(OpenStatus({.cluster = ClusterId(7)}),
             absl::StatusCode::kFailedPrecondition,
             "belongs to cluster 00000000000000ab00000000000000cd");
}

TEST_F(DataDirTest, AnotherReplicaIsRefused) {
  Format();
  EXPECT_TRUE(OpenStatus({.replica = ReplicaId(2)}).ok());
  ExpectSays(OpenStatus({.replica = ReplicaId(3)}),
             absl::StatusCode::kFailedPrecondition, "belongs to replica 2");
}

TEST_F(DataDirTest, ANewerFormatIsRefusedWhateverElseItSays) {
  Format();
  Replace("format_version 1\n", "format_version 2\ncolour blue\n");
  ExpectSays(OpenStatus(), absl::StatusCode::kFailedPrecondition,
             "format version 2");
}

TEST_F(DataDirTest, ADamagedIdentityIsRefused) {
  Format();
  Replace("replica_id 2", "replica_id 3");
  ExpectSays(OpenStatus(), absl::StatusCode::kDataLoss, "IDENTITY");
}

TEST_F(DataDirTest, TheLockIsFreeAfterARefusal) {
  Format();
  EXPECT_FALSE(OpenStatus({.replica = ReplicaId(3)}).ok());
  EXPECT_TRUE(OpenStatus().ok());
}

TEST_F(DataDirTest, TheReserveIsGivenUpAndTakenAgain) {
  Format();
  const auto dir = DataDir::Open(path_, {});
  ASSERT_TRUE(dir.ok());
  const std::string reserve = path_ + "/reserve";
  EXPECT_EQ(std::filesystem::file_size(reserve), 4 * kBlockBytes);
  ASSERT_TRUE((*dir)->ReleaseReserve().ok());
  EXPECT_FALSE(std::filesystem::exists(reserve));
  ASSERT_TRUE((*dir)->ReleaseReserve().ok());
  ASSERT_TRUE((*dir)->RestoreReserve(8 * kBlockBytes).ok());
  ASSERT_TRUE((*dir)->RestoreReserve(8 * kBlockBytes).ok());
  EXPECT_EQ(std::filesystem::file_size(reserve), 8 * kBlockBytes);
}

TEST(IdentityFileTest, NoFlippedBitGetsThrough) {
  const JournalIdentity identity{.cluster = ClusterId(1),
                                 .replica = ReplicaId(2),
                                 .incarnation = 3,
                                 .salt = FrameSalt(4)};
  const std::string good = EncodeIdentity(identity);
  const auto decoded = DecodeIdentity(good);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, identity);
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(DecodeIdentity(bad).ok()) << "bit " << bit;
  }
}

TEST(IdentityFileTest, ClusterIdsReadBack) {
  const ClusterId id(MakeUint128(0x0123456789abcdef, 0xfedcba9876543210));
  EXPECT_EQ(ToHex(id), "0123456789abcdeffedcba9876543210");
  EXPECT_EQ(ParseClusterId(ToHex(id)), id);
  EXPECT_EQ(ParseClusterId("12"), std::nullopt);
  EXPECT_EQ(ParseClusterId("0x23456789abcdeffedcba98765432100"), std::nullopt);
}

}  // namespace
}  // namespace ledgerd::storage
