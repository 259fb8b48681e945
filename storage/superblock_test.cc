#include "storage/superblock.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"

#include "storage/faulty_files.h"

namespace ledgerd::storage {
namespace {

constexpr char kPath[] = "/d/superblock";

Superblock Promise(uint64_t epoch) {
  Superblock superblock;
  superblock.promised_epoch = Epoch(epoch);
  superblock.voters = {ReplicaId(1), ReplicaId(2)};
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

TEST_F(SuperblockTest, ReadsBackWithAsManyVotersAsThereCanBe) {
  Superblock superblock = Promise(7);
  superblock.fork = 2;
  superblock.checkpoint = {.epoch = Epoch(6), .sequence = Sequence(99)};
  superblock.checkpoint.hash.fill(3);
  superblock.voters.clear();
  for (uint64_t i = 1; i <= kVotersMax; ++i) {
    superblock.voters.emplace_back(i);
  }
  ASSERT_TRUE(file_->Write(superblock).ok());
  Reopen();
  EXPECT_EQ(file_->superblock(), superblock);
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
    for (size_t bit = 0; bit < 8 * 300; ++bit) {
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

TEST_F(SuperblockTest, AnErrorThatIsNotAboutTheDiskIsPassedOn) {
  files_.Restart();
  files_.FailNext(FaultyFiles::Operation::kRead, 0,
                  absl::InternalError("no memory"));
  EXPECT_EQ(SuperblockFile::Open(files_, kPath).status().code(),
            absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace ledgerd::storage
