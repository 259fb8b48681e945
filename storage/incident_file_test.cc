#include "storage/incident_file.h"

#include <string>

#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "storage/faulty_files.h"

namespace ledgerd::storage {
namespace {

class IncidentFileTest : public testing::Test {
 protected:
  IncidentFileTest() { files_.MakeDirectory("/d"); }

  std::unique_ptr<IncidentFile> MustOpen() {
    auto file = IncidentFile::Open(files_, "/d", "incidents");
    LEDGERD_CHECK_OK(file.status());
    return *std::move(file);
  }

  std::string& Bytes() { return *files_.Device("/d/incidents"); }

  FaultyFiles files_;
};

TEST_F(IncidentFileTest, BeginsEmptyAndKeepsWhatWasStored) {
  EXPECT_EQ(MustOpen()->contents(), "");
  EXPECT_FALSE(MustOpen()->damaged());
  const std::string large(IncidentFile::kContentsMax, 'x');
  for (const std::string& contents :
       {std::string("one"), large, std::string("three"), std::string()}) {
    ASSERT_TRUE(MustOpen()->Store(contents).ok());
    files_.PowerCut();
    EXPECT_EQ(MustOpen()->contents(), contents);
  }
}

// A power cut in the middle of a store leaves this one, or the one before.
TEST_F(IncidentFileTest, ACrashLeavesOneOrTheOther) {
  ASSERT_TRUE(MustOpen()->Store("0").ok());
  bool old_seen = false;
  bool new_seen = false;
  for (int round = 1; round <= 60; ++round) {
    const std::string before = MustOpen()->contents();
    // As long as several sectors, so that a part of it can be lost.
    const std::string next(static_cast<size_t>(round) * 100, 'a' + round % 26);
    auto file = MustOpen();
    // All of what was not synced is lost, or every other sector, or nothing.
    int sector = 0;
    files_.SetKeep([&] {
      return round % 3 == 0 || (round % 3 == 1 && ++sector % 2 == 0);
    });
    files_.CrashAfter(round % 2 == 0 ? 1 : 0);
    EXPECT_FALSE(file->Store(next).ok());
    files_.PowerCut();
    files_.ClearFaults();
    const std::string found = MustOpen()->contents();
    ASSERT_TRUE(found == before || found == next) << round;
    old_seen = old_seen || found == before;
    new_seen = new_seen || found == next;
  }
  EXPECT_TRUE(old_seen && new_seen);
}

TEST_F(IncidentFileTest, NeedsNoSpaceOnceItIsThere) {
  ASSERT_TRUE(MustOpen()->Store("before").ok());
  files_.SetCapacity(0);
  ASSERT_TRUE(MustOpen()->Store("full").ok());
  EXPECT_EQ(MustOpen()->contents(), "full");
}

TEST_F(IncidentFileTest, WithoutSpaceItIsNotMade) {
  files_.SetCapacity(0);
  EXPECT_TRUE(absl::IsResourceExhausted(
      IncidentFile::Open(files_, "/d", "incidents").status()));
  files_.SetCapacity(uint64_t{1} << 30);
  EXPECT_EQ(MustOpen()->contents(), "");
}

TEST_F(IncidentFileTest, ADamagedCopyLeavesTheOther) {
  ASSERT_TRUE(MustOpen()->Store("first").ok());
  ASSERT_TRUE(MustOpen()->Store("second").ok());
  // The second store went to the first place.
  Bytes()[IncidentFile::kHeaderBytes] ^= 1;
  EXPECT_EQ(MustOpen()->contents(), "first");
  EXPECT_FALSE(MustOpen()->damaged());
  Bytes()[IncidentFile::kCopyBytes + 20] ^= 1;
  EXPECT_EQ(MustOpen()->contents(), "");
  EXPECT_TRUE(MustOpen()->damaged());
  ASSERT_TRUE(MustOpen()->Store("again").ok());
  EXPECT_EQ(MustOpen()->contents(), "again");
}

TEST_F(IncidentFileTest, AFailedStoreLeavesTheOneBefore) {
  auto file = MustOpen();
  ASSERT_TRUE(file->Store("kept").ok());
  files_.FailNext(FaultyFiles::Operation::kSync, 0,
                  absl::InternalError("the device"));
  EXPECT_FALSE(file->Store("lost").ok());
  files_.SetKeep([] { return false; });
  files_.PowerCut();
  EXPECT_EQ(MustOpen()->contents(), "kept");
}

}  // namespace
}  // namespace ledgerd::storage
