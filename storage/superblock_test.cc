#include "storage/superblock.h"

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

#include "proto/base/crc32c.h"
#include "proto/base/little_endian.h"
#include "proto/membership.h"
#include "storage/faulty_files.h"

namespace ledgerd::storage {
namespace {

constexpr char kPath[] = "/d/superblock";

Superblock Promise(uint64_t epoch) {
  Superblock superblock;
  superblock.promised_epoch = Epoch(epoch);
  superblock.membership = FirstMembership({ReplicaId(1), ReplicaId(2)});
  return superblock;
}

class SuperblockTest : public testing::Test {
 protected:
  SuperblockTest() {
    files_.MakeDirectory("/d");
    EXPECT_TRUE(SuperblockFile::Create(files_, kPath, Promise(1)).ok());
    EXPECT_TRUE(files_.SyncDirectory("/d").ok());
    Reopen();
  }

  absl::Status Open() {
    file_.reset();
    files_.Restart();
    auto file = SuperblockFile::Open(files_, kPath);
    if (!file.ok()) return file.status();
    file_ = *std::move(file);
    return absl::OkStatus();
  }

  void Reopen() {
    const absl::Status status = Open();
    ASSERT_TRUE(status.ok()) << status;
  }

  void Flip(size_t bit) {
    std::string& bytes = *files_.Device(kPath);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }

  FaultyFiles files_;
  std::unique_ptr<SuperblockFile> file_;
};

TEST_F(SuperblockTest, ReadsBackWithAsManyMembersAsThereCanBe) {
  Superblock superblock = Promise(7);
  superblock.fork = 2;
  superblock.checkpoint = {.epoch = Epoch(6), .sequence = Sequence(99)};
  superblock.checkpoint.hash.fill(3);
  for (uint64_t i = 3; i <= kMembersMax; ++i) {
    superblock.membership.members.push_back(
        {.id = ReplicaId(i),
         .incarnation = Incarnation(static_cast<uint32_t>(i * i)),
         .role = i % 2 == 0 ? MemberRole::kWitness : MemberRole::kLearner});
  }
  superblock.membership.since = superblock.checkpoint;
  superblock.membership_before = superblock.membership;
  superblock.membership_before.since = {};
  superblock.membership_before.paused = true;
  superblock.membership_before.paused_until = Timestamp(5);
  ASSERT_TRUE(file_->Write(superblock).ok());
  Reopen();
  EXPECT_EQ(file_->superblock(), superblock);
}

TEST_F(SuperblockTest, RemembersThatItsReplicaWasGivenUp) {
  Superblock superblock = Promise(7);
  superblock.membership_before = superblock.membership;
  superblock.membership = GivenUp();
  ASSERT_TRUE(file_->Write(superblock).ok());
  Reopen();
  EXPECT_TRUE(IsGivenUp(file_->superblock().membership));
  EXPECT_EQ(file_->superblock().membership_before, Promise(7).membership);
}

TEST_F(SuperblockTest, EveryWriteIsTwoWritesEachSynced) {
  const uint64_t before = files_.operations();
  ASSERT_TRUE(file_->Write(Promise(2)).ok());
  EXPECT_EQ(files_.operations() - before, 4u);
}

TEST_F(SuperblockTest, AtEveryMomentThereIsOne) {
  for (const bool keep : {false, true}) {
    for (uint64_t crash = 0; crash <= 4; ++crash) {
      SCOPED_TRACE(testing::Message() << "crash after operation " << crash);
      const uint64_t before = file_->superblock().promised_epoch.value();
      files_.SetKeep([keep] { return keep; });
      files_.CrashAfter(crash);
      const bool written = file_->Write(Promise(before + 1)).ok();
      file_.reset();
      files_.PowerCut();
      Reopen();
      const uint64_t after = file_->superblock().promised_epoch.value();
      EXPECT_GE(after, written ? before + 1 : before);
      EXPECT_LE(after, before + 1);
    }
  }
}

TEST_F(SuperblockTest, WhatWasReadOnceStays) {
  // The process dies between a copy's write and its sync; what the next one
  // reads from the cache must not be gone after a power cut.
  files_.CrashAfter(1);
  ASSERT_FALSE(file_->Write(Promise(2)).ok());
  Reopen();
  ASSERT_EQ(file_->superblock().promised_epoch, Epoch(2));
  files_.SetKeep([] { return false; });
  files_.PowerCut();
  Reopen();
  EXPECT_EQ(file_->superblock().promised_epoch, Epoch(2));
}

TEST_F(SuperblockTest, OneFlippedBitIsRepaired) {
  ASSERT_TRUE(file_->Write(Promise(2)).ok());
  for (const size_t copy : {0, 1}) {
    for (size_t bit = 0; bit < 8 * 800; ++bit) {
      Flip(8 * copy * kSuperblockCopyBytes + bit);
      const absl::Status status = Open();
      ASSERT_TRUE(status.ok()) << "bit " << bit << ": " << status;
      ASSERT_EQ(file_->superblock(), Promise(2)) << "bit " << bit;
    }
  }
}

TEST_F(SuperblockTest, TwoFlippedBitsAreRefused) {
  Flip(8 * 30);
  Flip(8 * (kSuperblockCopyBytes + 30));
  EXPECT_EQ(Open().code(), absl::StatusCode::kDataLoss);
}

// A copy as version 1 wrote it: ids of voters, and nothing after them.
std::string CopyOfVersionOne(uint64_t generation, uint64_t epoch) {
  std::string bytes(kBlockBytes, '\0');
  char* const to = bytes.data();
  bytes.replace(0, 4, "LDSB");
  PutLittle(to + 8, uint32_t{1});
  PutLittle(to + 12, uint32_t{2});
  PutLittle(to + 16, generation);
  PutLittle(to + 24, epoch);
  PutLittle(to + 88, uint64_t{1});
  PutLittle(to + 96, uint64_t{2});
  PutLittle(to + 4, Crc32c(absl::string_view(bytes).substr(8)));
  return bytes;
}

TEST_F(SuperblockTest, VersionOneIsReadAndWrittenAsThisBuildDoes) {
  std::string& bytes = *files_.Device(kPath);
  for (const size_t copy : {0, 1}) {
    bytes.replace(copy * kSuperblockCopyBytes, kBlockBytes,
                  CopyOfVersionOne(/*generation=*/7, /*epoch=*/3));
  }
  Reopen();
  EXPECT_EQ(file_->superblock(), Promise(3));
  EXPECT_EQ(file_->found_version(), 1u);
  for (const size_t copy : {0, 1}) {
    const auto written = DecodeSuperblock(
        files_.Device(kPath)->substr(copy * kSuperblockCopyBytes, kBlockBytes));
    ASSERT_TRUE(written.ok()) << written.status();
    EXPECT_EQ(written->version, kSuperblockVersion);
    EXPECT_EQ(written->superblock, Promise(3));
  }
  Reopen();
  EXPECT_EQ(file_->found_version(), kSuperblockVersion);
}

// At every step of the upgrade a crash leaves what it was.
TEST_F(SuperblockTest, TheUpgradeMayBeCutShort) {
  for (const bool keep : {false, true}) {
    for (uint64_t crash = 0; crash <= 4; ++crash) {
      SCOPED_TRACE(testing::Message() << "crash after operation " << crash);
      file_.reset();
      for (const size_t copy : {0, 1}) {
        files_.Device(kPath)->replace(
            copy * kSuperblockCopyBytes, kBlockBytes,
            CopyOfVersionOne(/*generation=*/7, /*epoch=*/3));
      }
      files_.Restart();
      files_.SetKeep([keep] { return keep; });
      files_.CrashAfter(crash);
      SuperblockFile::Open(files_, kPath).status().IgnoreError();
      files_.PowerCut();
      Reopen();
      EXPECT_EQ(file_->superblock(), Promise(3));
    }
  }
}

TEST_F(SuperblockTest, ANewerVersionIsRefusedAndStaysAsItIs) {
  // One copy is enough: the newer build was cut short.
  std::string& bytes = *files_.Device(kPath);
  PutLittle(bytes.data() + 8, uint32_t{3});
  PutLittle(bytes.data() + 4,
            Crc32c(absl::string_view(bytes).substr(8, kBlockBytes - 8)));
  const std::string before = bytes;
  const absl::Status status = Open();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_EQ(*files_.Device(kPath), before);
}

TEST_F(SuperblockTest, AnErrorThatIsNotAboutTheDiskIsPassedOn) {
  files_.Restart();
  files_.FailNext(FaultyFiles::Operation::kRead, 0,
                  absl::InternalError("no memory"));
  EXPECT_EQ(SuperblockFile::Open(files_, kPath).status().code(),
            absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace ledgerd::storage
