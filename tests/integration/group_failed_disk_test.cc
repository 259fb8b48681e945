// The disk of the primary of a group of real daemons fails, or becomes too
// slow, under load: it hands its role over and ends, clients lose nothing and
// wait for a moment, and it is counted as a primary that was lost and replaced.
//
// LEDGERD_FAILED_DISKS sets how many fail (3 by default).
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/integration/daemon_process.h"
#include "tests/integration/group_under_load.h"
#include "tests/integration/subprocess.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::integration {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kLimit(60);
constexpr int kStorageFault = 7;
constexpr milliseconds kGapWanted(500);

size_t Count(const std::string& text, const std::string& words) {
  size_t count = 0;
  for (size_t at = text.find(words); at != std::string::npos;
       at = text.find(words, at + words.size())) {
    ++count;
  }
  return count;
}

class GroupFailedDiskTest : public GroupUnderLoad {
 protected:
  explicit GroupFailedDiskTest(std::vector<std::string> more_flags = {})
      : GroupUnderLoad(3, /*last_is_witness=*/false, std::move(more_flags)) {}

  void SetUp() override {
    const std::string library = Runfile("tests/integration/libfailing_disk.so");
    for (size_t i = 0; i < group_.size(); ++i) {
      group_.RunUnder(i, {"/usr/bin/env", "LD_PRELOAD=" + library,
                          "LEDGERD_TEST_DISK_FAILS=" + Switch("fails", i),
                          "LEDGERD_TEST_DISK_IS_SLOW=" + Switch("slow", i)});
    }
    Start();
  }

  // The file by which a disk is told what to do.
  std::string Switch(const std::string& what, size_t replica) const {
    return group_.directory().Path(what + std::to_string(replica + 1));
  }

  void WaitForAll(size_t primary) {
    ASSERT_TRUE(WaitUntil(kLimit, [&] {
      const auto status = group_.Status(primary);
      return status.has_value() && status->fault_margin() == 1;
    })) << group_.Logs();
  }

  // Of the primary, until its daemon has ended.
  void MakeItsDisk(const std::string& what) {
    ASSERT_NO_FATAL_FAILURE(Progress(100 + Draw(200)));
    const auto primary = group_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << group_.Logs();
    ASSERT_NO_FATAL_FAILURE(WaitForAll(*primary));
    NoteFault();
    std::ofstream(Switch(what, *primary)) << what;
    ASSERT_EQ(group_.WaitForEnd(*primary), kStorageFault) << group_.Logs();
    const auto next = group_.WaitForPrimary({*primary});
    ASSERT_TRUE(next.has_value()) << group_.Logs();
    // With another disk, as it were.
    std::filesystem::remove(Switch(what, *primary));
    ASSERT_TRUE(group_.Launch(*primary).ok());
    const absl::Status ready = group_.daemon(*primary).WaitUntilReady();
    ASSERT_TRUE(ready.ok()) << ready << group_.Logs();
  }

  // What the group has recorded of this kind, in its last word on each.
  std::string Recorded(const std::string& kind) {
    const auto primary = group_.WaitForPrimary();
    if (!primary.has_value()) return "";
    return Ledgerctl(
               {"incidents", "--kind=" + kind, "-o", "json",
                "--admin-address=" + group_.daemon(*primary).admin_address()})
        .output;
  }
};

TEST_F(GroupFailedDiskTest, APrimaryWhoseSyncFailsIsReplacedAtOnce) {
  const int faults = NumberFromEnvironment("LEDGERD_FAILED_DISKS", 3);
  load_.Start();
  for (int i = 0; i < faults; ++i) {
    ASSERT_NO_FATAL_FAILURE(MakeItsDisk("fails"));
  }
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  // It was told each time, and found out by nobody's silence.
  const auto expected = static_cast<size_t>(faults);
  std::string lost;
  EXPECT_TRUE(WaitUntil(
      kLimit,
      [&] {
        lost = Recorded("primary_lost");
        return Count(lost, "leaves, since its disk fails") == expected &&
               Count(lost, R"("outcome":"success")") == expected;
      }))
      << lost << group_.Logs();
  EXPECT_EQ(Count(lost, "nothing is heard"), 0u) << lost;
  TellFigures({.p99 = kGapWanted});
  ASSERT_NO_FATAL_FAILURE(CompareStates(3));
}

// 400 ms for each sync.
class GroupSlowDiskTest : public GroupFailedDiskTest {
 protected:
  GroupSlowDiskTest()
      : GroupFailedDiskTest(
            {"--journal-slow-write-ms=300", "--journal-slow-writes-max=3"}) {}
};

TEST_F(GroupSlowDiskTest, APrimaryThatIsTooSlowHandsOver) {
  load_.Start();
  ASSERT_NO_FATAL_FAILURE(MakeItsDisk("slow"));
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  std::string lost;
  EXPECT_TRUE(WaitUntil(kLimit,
                        [&] {
                          lost = Recorded("primary_lost");
                          return Count(lost, "leaves, since its disk fails") ==
                                     1 &&
                                 Count(lost, R"("outcome":"success")") == 1;
                        }))
      << lost << group_.Logs();
  // Its own fault has ended with the process after it.
  std::string error;
  EXPECT_TRUE(WaitUntil(kLimit,
                        [&] {
                          error = Recorded("disk_error");
                          return Count(error, R"("kind":"disk_error")") == 1 &&
                                 Count(error, "in_progress") == 0;
                        }))
      << error << group_.Logs();
  ASSERT_NO_FATAL_FAILURE(CompareStates(3));
}

}  // namespace
}  // namespace ledgerd::integration
