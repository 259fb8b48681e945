// A restore is killed before the n-th of the calls by which it makes files, for
// n from 1 until it is faster, each on top of what the one before has left:
// there is a whole data directory then, or none.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "storage/backup_files.h"
#include "tests/crash/injection.h"
#include "tests/integration/bulk_payments.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/offline_ledger.h"
#include "tests/integration/subprocess.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::integration {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kLimit(60);
constexpr char kContents[] = "pwrite64,fsync,fdatasync,fallocate";
constexpr char kNames[] = "mkdir,rename,unlink,unlinkat,rmdir";

class RestoreKillTest : public testing::Test {
 protected:
  // A backup of a state and of entries behind it.
  void SetUp() override {
    LiveLedger ledger(SmallLimits());
    ASSERT_TRUE(ledger.Start().ok());
    BulkPayments payments({ledger.address()}, /*number=*/0);
    ASSERT_TRUE(payments.Prepare().ok());
    // Enough for a checkpoint, which comes by itself.
    ASSERT_TRUE(payments.Pay(2'000).ok()) << ledger.daemon().Log();
    uint64_t number = 0;
    ASSERT_TRUE(WaitUntil(kLimit, [&] {
      // Far too little for another one, and so behind it.
      BulkPayments few({ledger.address()}, ++number);
      return few.Prepare().ok() && BackUp(ledger.daemon());
    })) << ledger.daemon().Log();
  }

  // True when it has both.
  bool BackUp(const DaemonProcess& daemon) {
    fs::remove_all(Path("backup"));
    const Finished made =
        Ledgerctl({"backup", "create", Path("backup"),
                   "--admin-address=" + daemon.admin_address()});
    EXPECT_EQ(made.exit_code, 0) << made.errors;
    const auto manifest = storage::ReadBackup(Path("backup"));
    EXPECT_TRUE(manifest.ok()) << manifest.status();
    if (!manifest.ok()) return false;
    last_ = manifest->last;
    return manifest->checkpoint.sequence > Sequence(0) &&
           last_ != manifest->checkpoint;
  }

  std::string Path(const std::string& name) const {
    return directory_.Path(name);
  }

  // Its exit code.
  int RestoreUnder(std::vector<std::string> command) {
    command.insert(command.end(),
                   {LedgerctlPath(), "backup", "restore", Path("backup"),
                    "--data-dir=" + Path("new")});
    return RunToEnd(command).exit_code;
  }

  // Of what is there under the name.
  void CheckIsWholeAndRemove() {
    auto ledger = OfflineLedger::Open(Path("new"));
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    EXPECT_EQ((*ledger)->last(), last_);
    const absl::Status verified = (*ledger)->VerifyAll();
    EXPECT_TRUE(verified.ok()) << verified;
    ledger->reset();
    fs::remove_all(Path("new"));
  }

  TestDirectory directory_{"restore"};
  // Of the backup.
  EntryId last_;
};

TEST_F(RestoreKillTest, AtAnyPointThereIsAWholeLedgerOrNone) {
  int killed = 0;
  int whole = 0;
  for (const char* calls : {kNames, kContents}) {
    // A segment is filled with zeros by many calls: not each of them.
    for (int n = 1, exit_code = kKilled; exit_code == kKilled; n += 1 + n / 6) {
      const crash::Injection injection(
          {.calls = calls, .what = "signal=SIGKILL", .when = n});
      SCOPED_TRACE(injection.Text());
      exit_code = RestoreUnder(injection.Command());
      killed += exit_code == kKilled ? 1 : 0;
      if (!fs::exists(Path("new"))) continue;
      ++whole;
      ASSERT_NO_FATAL_FAILURE(CheckIsWholeAndRemove());
    }
  }
  std::cout << killed << " kills, " << whole << " directories were whole\n";
  EXPECT_GE(killed, 20);
  // Those that nothing killed, at least.
  EXPECT_GE(whole, 2);
  EXPECT_LT(whole, killed);
  ASSERT_EQ(RestoreUnder({}), 0);
  EXPECT_FALSE(fs::exists(Path("new.unfinished")));
  CheckIsWholeAndRemove();
}

}  // namespace
}  // namespace ledgerd::integration
