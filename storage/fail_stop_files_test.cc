// Nothing is changed after a write that failed, and what is refused says why.
#include "storage/fail_stop_files.h"

#include <atomic>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "rocksdb/env.h"
#include "rocksdb/file_system.h"

#include "storage/hooked_files.h"

namespace ledgerd::storage {
namespace {

class FailingSync final : public FileHooks {
 public:
  rocksdb::IOStatus Begin(const FileOperation& operation) override {
    if (operation.kind != FileOperation::Kind::kSync || !fails.load()) {
      return rocksdb::IOStatus::OK();
    }
    return rocksdb::IOStatus::IOError("the disk is bad");
  }

  void End(const FileOperation&, const rocksdb::IOStatus&) override {}

  std::atomic<bool> fails{true};
};

TEST(FailStopFilesTest, WhatIsRefusedNamesTheFirstError) {
  const auto sync = std::make_shared<FailingSync>();
  const FailStopFiles files(
      NewHookedFiles(rocksdb::FileSystem::Default(), sync));
  const std::string path = testing::TempDir() + "/first";
  std::unique_ptr<rocksdb::WritableFile> file;
  ASSERT_TRUE(files.env().NewWritableFile(path, &file, {}).ok());
  ASSERT_TRUE(file->Append("x").ok());
  EXPECT_FALSE(files.stopped());
  EXPECT_FALSE(file->Sync().ok());
  EXPECT_TRUE(files.stopped());

  sync->fails.store(false);
  const rocksdb::Status again = file->Sync();
  const rocksdb::Status other =
      files.env().NewWritableFile(testing::TempDir() + "/other", &file, {});
  for (const std::string& told : {again.ToString(), other.ToString()}) {
    EXPECT_NE(told.find("nothing is changed after a write that failed"),
              std::string::npos)
        << told;
    EXPECT_NE(told.find(path), std::string::npos) << told;
    EXPECT_NE(told.find("the disk is bad"), std::string::npos) << told;
  }
}

}  // namespace
}  // namespace ledgerd::storage
