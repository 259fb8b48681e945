// A full disk is not the end: payments are refused as DISK_FULL and nothing of
// them is done, reads go on, and once there is space again so do payments.
//
// The disk is a small tmpfs in a mount namespace of this test alone, which ends
// with it. Making one needs root, or a kernel that lets users have namespaces.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <iostream>
#include <set>

#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/raw_client.h"
#include "tests/integration/test_directory.h"

#include <sys/mount.h>

namespace ledgerd::integration {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTimeout(20'000);
constexpr std::chrono::seconds kStopLimit(30);  // Half of its own patience.
constexpr size_t kBatch = 4'000;
constexpr int kBatchesMax = 1'000;
// Twice what the daemon wants to have left before it begins a checkpoint.
constexpr char kDiskSize[] = "size=640m";
constexpr off_t kPiece = off_t{64} << 20;

std::vector<std::string> Flags() {
  std::vector<std::string> flags = SmallLimits();
  flags.push_back("--stop-timeout-ms=60000");
  return flags;
}

// Mounts a small disk at `path`, for this process and its children alone.
void MountSmallDisk(const std::string& path) {
  const int user = geteuid() == 0 ? 0 : CLONE_NEWUSER;
  LEDGERD_CHECK(unshare(CLONE_NEWNS | user) == 0);
  // What is mounted here shall not show elsewhere. In a chroot "/" need be no
  // mount point, and then whoever made the chroot has to have seen to that.
  const int made_private =
      mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  LEDGERD_CHECK(made_private == 0 || errno == EINVAL);
  LEDGERD_CHECK(mount("tmpfs", path.c_str(), "tmpfs", 0, kDiskSize) == 0);
}

// Takes all the space that is left.
void FillUp(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT, 0644);
  LEDGERD_CHECK(file >= 0);
  off_t end = 0;
  for (off_t size = kPiece; size > 0;) {
    if (posix_fallocate(file, end, size) == 0) {
      end += size;
    } else {
      size /= 2;
    }
  }
  close(file);
}

class DiskFullTest : public testing::Test {
 protected:
  void SetUp() override {
    MountSmallDisk(disk_.path());
    const absl::Status started = ledger_.StartOn(disk_.Path("data"));
    ASSERT_TRUE(started.ok()) << started;
    const Ending ending =
        raw_.CreateAccounts({{.id = AccountId(1), .ledger = 1, .code = 1},
                             {.id = AccountId(2), .ledger = 1, .code = 1}},
                            kTimeout);
    ASSERT_EQ(ending.outcome, Outcome::kAnswered) << ending.error;
  }

  void TearDown() override {
    if (HasFailure()) std::cout << ledger_.daemon().Log();
    umount2(disk_.path().c_str(), MNT_DETACH);
  }

  std::vector<Transfer> NextBatch() {
    std::vector<Transfer> batch;
    for (size_t i = 0; i < kBatch; ++i) {
      batch.push_back({.id = TransferId(++ids_),
                       .debit_account_id = AccountId(1),
                       .credit_account_id = AccountId(2),
                       .amount = Amount(1),
                       .ledger = 1,
                       .code = 1});
    }
    return batch;
  }

  Ending Pay(const std::vector<Transfer>& batch) {
    Ending ending = raw_.CreateTransfers(batch, kTimeout);
    if (ending.outcome == Outcome::kAnswered) paid_.insert(batch[0].id);
    return ending;
  }

  // Pays until something else than an answer comes.
  Ending PayUntilRefused() {
    for (int i = 0; i < kBatchesMax; ++i) {
      Ending ending = Pay(NextBatch());
      if (ending.outcome != Outcome::kAnswered) return ending;
    }
    return {};
  }

  // A payment that is refused because the disk is full.
  std::vector<Transfer> FillUpAndBeRefused() {
    FillUp(ballast());
    const Ending refused = PayUntilRefused();
    EXPECT_TRUE(refused.error == "RESOURCE_EXHAUSTED DISK_FULL" ||
                refused.outcome == Outcome::kUnknown)
        << refused.error;
    std::vector<Transfer> another = NextBatch();
    EXPECT_EQ(Pay(another).error, "RESOURCE_EXHAUSTED DISK_FULL");
    return another;
  }

  std::string ballast() const { return disk_.Path("ballast"); }

  void ExpectAllPaidAreThere() {
    const std::vector<TransferId> ids(paid_.begin(), paid_.end());
    Ending found;
    // The first call after a restart may meet the connection that broke.
    EXPECT_TRUE(WaitUntil(kTimeout, [&] {
      found = raw_.LookupTransfers(ids, kTimeout);
      return found.outcome == Outcome::kAnswered;
    })) << found.error;
    EXPECT_EQ(found.found.size(), ids.size());
  }

  // The disk is mounted before the daemon runs, and gone only after it.
  const TestDirectory disk_{"disk"};
  LiveLedger ledger_{Flags()};
  RawClient raw_{ledger_.address()};
  std::set<TransferId> paid_;
  uint64_t ids_ = 0;
};

TEST_F(DiskFullTest, RefusesPaymentsReadsGoOnAndSpaceCures) {
  ASSERT_EQ(Pay(NextBatch()).outcome, Outcome::kAnswered);
  const std::vector<Transfer> another = FillUpAndBeRefused();
  ExpectAllPaidAreThere();
  std::filesystem::remove(ballast());
  EXPECT_TRUE(WaitUntil(kTimeout, [&] {
    return Pay(another).outcome == Outcome::kAnswered;
  })) << ledger_.daemon().Log();
  ExpectAllPaidAreThere();
}

TEST_F(DiskFullTest, StopsCleanlyWhileTheDiskIsFull) {
  ASSERT_EQ(Pay(NextBatch()).outcome, Outcome::kAnswered);
  FillUpAndBeRefused();
  // Nobody makes space while it ends, so it does not wait for any.
  ledger_.daemon().process().Signal(SIGTERM);
  EXPECT_EQ(ledger_.daemon().process().WaitFor(kStopLimit), 0)
      << ledger_.daemon().Log();
  std::filesystem::remove(ballast());
  const absl::Status started = ledger_.StartOn(disk_.Path("data"));
  ASSERT_TRUE(started.ok()) << started;
  ExpectAllPaidAreThere();
}

TEST_F(DiskFullTest, AKillWhileTheDiskIsFullLosesNothing) {
  ASSERT_EQ(Pay(NextBatch()).outcome, Outcome::kAnswered);
  FillUpAndBeRefused();
  ASSERT_TRUE(ledger_.daemon().Kill9().ok());
  ASSERT_TRUE(ledger_.LaunchOn(disk_.Path("data")).ok());
  // It waits for space, or serves without: it does not give up.
  EXPECT_FALSE(
      ledger_.daemon().process().WaitFor(std::chrono::seconds(1)).has_value())
      << ledger_.daemon().Log();
  std::filesystem::remove(ballast());
  const absl::Status ready = ledger_.daemon().WaitUntilReady();
  ASSERT_TRUE(ready.ok()) << ready;
  ExpectAllPaidAreThere();
  EXPECT_TRUE(WaitUntil(kTimeout, [&] {
    return Pay(NextBatch()).outcome == Outcome::kAnswered;
  }));
}

}  // namespace
}  // namespace ledgerd::integration
