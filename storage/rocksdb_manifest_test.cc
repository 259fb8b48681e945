#include "storage/rocksdb_manifest.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "rocksdb/db.h"

#include "proto/base/little_endian.h"

namespace ledgerd::storage {
namespace {

constexpr size_t kHeaderBytes = 7;

class RocksDbManifestTest : public testing::Test {
 protected:
  // A database of some changes, each a record of its manifest.
  void SetUp() override {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, path_, &opened).ok());
    const std::unique_ptr<rocksdb::DB> db(opened);
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(db->Put({}, std::to_string(i), "value").ok());
      ASSERT_TRUE(db->Flush({}).ok());
    }
    ASSERT_TRUE(ReadFileToString(env_, path_ + "/CURRENT", &current_).ok());
    ASSERT_EQ(current_.back(), '\n');
    current_.pop_back();
    ASSERT_TRUE(
        ReadFileToString(env_, path_ + "/" + current_, &manifest_).ok());
    for (size_t at = 0; at < manifest_.size();) {
      last_ = at;
      at += kHeaderBytes + GetLittle<uint16_t>(manifest_.data() + at + 4);
    }
    ASSERT_GT(last_, 100u);
  }

  void TearDown() override { ASSERT_TRUE(rocksdb::DestroyDB(path_, {}).ok()); }

  void Write(const std::string& name, const std::string& bytes) {
    ASSERT_TRUE(WriteStringToFile(env_, bytes, path_ + "/" + name, false).ok());
  }

  rocksdb::Env* const env_ = rocksdb::Env::Default();
  const std::string path_ =
      testing::TempDir() + "/" +
      testing::UnitTest::GetInstance()->current_test_info()->name();
  std::string current_;
  std::string manifest_;
  // Where its last record begins.
  size_t last_ = 0;
};

TEST_F(RocksDbManifestTest, AWholeOneIsWhole) {
  EXPECT_EQ(FindDamage(manifest_), std::nullopt);
  EXPECT_EQ(FindDamage(""), std::nullopt);
  EXPECT_TRUE(CheckManifest(*env_, path_).ok());
  EXPECT_TRUE(CheckManifest(*env_, path_ + "/none").ok());
}

TEST_F(RocksDbManifestTest, WhatACrashCutsOffIsNoDamage) {
  for (size_t size = 0; size < manifest_.size(); ++size) {
    std::string torn = manifest_.substr(0, size);
    EXPECT_EQ(FindDamage(torn), std::nullopt) << size;
    // Of the record that was being written, the rest reads as zeros.
    if (size < last_) continue;
    torn.resize(manifest_.size() + 100);
    EXPECT_EQ(FindDamage(torn), std::nullopt) << size << " and zeros";
  }
}

TEST_F(RocksDbManifestTest, AnyBitBeforeTheLastRecordIsMissed) {
  for (size_t at = 0; at < last_; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = manifest_;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      const auto found = FindDamage(damaged);
      ASSERT_TRUE(found.has_value()) << "byte " << at << ", bit " << bit;
      EXPECT_LE(*found, at);
    }
  }
}

// There RocksDB would take it for the end; a checksum it compares itself.
TEST_F(RocksDbManifestTest, AndOfTheLastOneItsLengthAndItsType) {
  for (size_t at = last_ + 4; at < last_ + kHeaderBytes; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = manifest_;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      EXPECT_EQ(FindDamage(damaged), last_) << "byte " << at << ", bit " << bit;
    }
  }
}

TEST_F(RocksDbManifestTest, TheErrorNamesTheFile) {
  std::string damaged = manifest_;
  damaged[5] = '\x7f';
  Write(current_, damaged);
  const absl::Status in_manifest = CheckManifest(*env_, path_);
  EXPECT_TRUE(absl::IsDataLoss(in_manifest)) << in_manifest;
  EXPECT_NE(in_manifest.message().find(current_ + " is damaged at offset 0"),
            absl::string_view::npos)
      << in_manifest;
  for (const char* name : {"MANIFEST-", "MANIFEST-000005", "MANIFEST-00x\n",
                           "MANIFEST-999999\n", "\n", ""}) {
    Write("CURRENT", name);
    const absl::Status in_current = CheckManifest(*env_, path_);
    EXPECT_TRUE(absl::IsDataLoss(in_current)) << name << ": " << in_current;
    EXPECT_NE(in_current.message().find("/CURRENT is damaged"),
              absl::string_view::npos)
        << in_current;
  }
}

}  // namespace
}  // namespace ledgerd::storage
