// Backups on a real file system: written, damaged, cut short.
#include "storage/backup_files.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "storage/journal_testing.h"
#include "storage/unfinished_directory.h"

namespace ledgerd::storage {
namespace {

namespace fs = std::filesystem;

class BackupFilesTest : public testing::Test {
 protected:
  BackupFilesTest() {
    std::string name = testing::TempDir() + "/backupXXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    path_ = root_ + "/monday";
  }

  ~BackupFilesTest() override { fs::remove_all(root_); }

  // Entries 4 to 6 after a checkpoint at 3.
  void Fill() {
    EntryId at;
    MakeEntries(3, 1, at);
    manifest_.checkpoint = at;
    for (const Entry& entry : MakeEntries(3, 1, at)) {
      absl::StrAppend(&journal_, entry.bytes());
    }
    manifest_.last = at;
    manifest_.files = {{"journal/4", journal_.size(), Sha256(journal_)},
                       {"state/CURRENT", 5, Sha256("state")}};
  }

  absl::Status Write() {
    BackupWriter writer(path_);
    absl::Status status = writer.Add("journal/4", 0, journal_);
    if (status.ok()) status = writer.Add("state/CURRENT", 0, "st");
    if (status.ok()) status = writer.Add("state/CURRENT", 2, "ate");
    if (status.ok()) status = writer.Finish(ToJson(manifest_)).status();
    return status;
  }

  void Flip(const std::string& file, int64_t offset) const {
    std::fstream opened(path_ + "/" + file,
                        std::ios::in | std::ios::out | std::ios::binary);
    opened.seekg(offset);
    const char byte = static_cast<char>(opened.get() ^ 1);
    opened.seekp(offset);
    opened.put(byte);
  }

  std::string root_;
  std::string path_;
  std::string journal_;
  BackupManifest manifest_;
};

TEST_F(BackupFilesTest, WhatWasWrittenIsRead) {
  Fill();
  ASSERT_TRUE(Write().ok());
  const auto read = ReadBackup(path_);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, manifest_);
  EXPECT_TRUE(VerifyBackup(path_, *read).ok());
}

TEST_F(BackupFilesTest, AFlippedBitIsFoundAndItsFileNamed) {
  Fill();
  ASSERT_TRUE(Write().ok());
  for (const std::string file : {"journal/4", "state/CURRENT"}) {
    Flip(file, 3);
    const absl::Status status = VerifyBackup(path_, *ReadBackup(path_));
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), file)) << status;
    Flip(file, 3);
  }
  for (const std::string file : {"manifest.json", "manifest.json.sha256"}) {
    Flip(file, 10);
    EXPECT_TRUE(absl::IsDataLoss(ReadBackup(path_).status())) << file;
    Flip(file, 10);
  }
  EXPECT_TRUE(VerifyBackup(path_, *ReadBackup(path_)).ok());
}

TEST_F(BackupFilesTest, AMissingFileIsNamed) {
  Fill();
  ASSERT_TRUE(Write().ok());
  fs::remove(path_ + "/state/CURRENT");
  const absl::Status status = VerifyBackup(path_, manifest_);
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_TRUE(absl::StrContains(status.message(), "state/CURRENT")) << status;
}

TEST_F(BackupFilesTest, EntriesThatDoNotLeadToTheEndAreDamage) {
  Fill();
  manifest_.checkpoint.hash[0] ^= 1;
  EXPECT_TRUE(absl::IsDataLoss(Write()));
  manifest_.checkpoint.hash[0] ^= 1;
  manifest_.last.hash[0] ^= 1;
  EXPECT_TRUE(absl::IsDataLoss(Write()));
}

TEST_F(BackupFilesTest, AFileThatIsBegunAgainIsWrittenAnew) {
  Fill();
  BackupWriter writer(path_);
  // The server's first try.
  ASSERT_TRUE(writer.Add("journal/1", 0, "let go of meanwhile").ok());
  ASSERT_TRUE(writer.Add("journal/4", 0, "longer").ok());
  ASSERT_TRUE(writer.Add("journal/4", 0, journal_).ok());
  ASSERT_TRUE(writer.Add("state/CURRENT", 0, "state").ok());
  ASSERT_TRUE(writer.Finish(ToJson(manifest_)).ok());
  EXPECT_FALSE(fs::exists(path_ + "/journal/1"));
}

TEST_F(BackupFilesTest, OnlyTheNextBytesOfABackupsFileAreTaken) {
  BackupWriter writer(path_);
  EXPECT_TRUE(absl::IsInvalidArgument(writer.Add("../x", 0, "x")));
  EXPECT_TRUE(absl::IsInvalidArgument(writer.Add("state/a", 1, "x")));
  ASSERT_TRUE(writer.Add("state/a", 0, "x").ok());
  EXPECT_TRUE(absl::IsInvalidArgument(writer.Add("state/a", 2, "x")));
  EXPECT_TRUE(absl::IsInvalidArgument(writer.Add("state/b", 1, "x")));
}

// ---- directories that have their name when they are whole

TEST_F(BackupFilesTest, WhatIsNotFinishedIsNotThere) {
  {
    auto made = UnfinishedDirectory::Begin(path_);
    ASSERT_TRUE(made.ok()) << made.status();
    fs::create_directory((*made)->path());
    EXPECT_FALSE(fs::exists(path_));
  }
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(BackupFilesTest, WhatAKilledProcessHasLeftGoesWithTheNextTry) {
  fs::create_directories(path_ + ".unfinished/content/state");
  auto made = UnfinishedDirectory::Begin(path_ + "/");
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_FALSE(fs::exists((*made)->path()));
  fs::create_directory((*made)->path());
  ASSERT_TRUE((*made)->Finish().ok());
  EXPECT_TRUE(fs::exists(path_));
  made->reset();
  EXPECT_FALSE(fs::exists(path_ + ".unfinished"));
}

TEST_F(BackupFilesTest, OfTwoAtATimeOneIsRefused) {
  auto made = UnfinishedDirectory::Begin(path_);
  ASSERT_TRUE(made.ok());
  EXPECT_TRUE(absl::IsAborted(UnfinishedDirectory::Begin(path_).status()));
}

TEST_F(BackupFilesTest, NothingIsOverwritten) {
  fs::create_directories(path_ + "/mine");
  EXPECT_TRUE(
      absl::IsAlreadyExists(UnfinishedDirectory::Begin(path_).status()));
  fs::remove(path_ + "/mine");
  auto made = UnfinishedDirectory::Begin(path_);
  ASSERT_TRUE(made.ok()) << made.status();
  fs::create_directory((*made)->path());
  // It came meanwhile.
  fs::create_directory(path_ + "/mine");
  EXPECT_FALSE((*made)->Finish().ok());
  EXPECT_TRUE(fs::exists(path_ + "/mine"));
}

}  // namespace
}  // namespace ledgerd::storage
