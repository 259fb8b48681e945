// Backups of a daemon under load, restored to a sequence in the middle: the
// state is the one that the primary had there.
//
// LEDGERD_TRANSFERS sets how many are paid (60,000 by default; 1,000,000 in
// tests/long.sh).
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "proto/backup_manifest.h"
#include "storage/backup_files.h"
#include "tests/integration/archived_ledger.h"
#include "tests/integration/bulk_payments.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/group_under_load.h"
#include "tests/integration/offline_ledger.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kLimit(5);
constexpr std::chrono::seconds kSoon(30);

class BackupTest : public ArchivedLedgerTest {
 protected:
  static uint64_t Transfers() {
    return static_cast<uint64_t>(
        NumberFromEnvironment("LEDGERD_TRANSFERS", 60'000));
  }

  void Pay(uint64_t payments) {
    const absl::Status paid = payments_->Pay(payments);
    ASSERT_TRUE(paid.ok()) << paid << daemon_->Log();
  }

  void Backup(const std::string& name) {
    const Finished made =
        Ledgerctl({"backup", "create", Path(name),
                   "--admin-address=" + daemon_->admin_address()});
    ASSERT_EQ(made.exit_code, 0) << made.errors << daemon_->Log();
  }

  BackupManifest ManifestOf(const std::string& name) const {
    const auto manifest = storage::ReadBackup(Path(name));
    EXPECT_TRUE(manifest.ok()) << manifest.status();
    return manifest.ok() ? *manifest : BackupManifest();
  }

  std::vector<std::string> RestoreCommand(
      const std::string& backup, const std::string& to,
      const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command = {"backup", "restore", Path(backup),
                                        "--data-dir=" + Path(to)};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }
};

TEST_F(BackupTest, OfAMomentUnderLoadIsTheStateThatThePrimaryHad) {
  ASSERT_NO_FATAL_FAILURE(Pay(Transfers() / 4));
  // Payments go on while both backups are made.
  std::atomic<bool> stop = false;
  absl::Status paid;
  std::thread load([&] {
    while (paid.ok() && !stop) paid = payments_->Pay(1);
  });
  Backup("early");
  const uint64_t before = payments_->paid();
  const bool went_on = WaitUntil(
      kLimit, [&] { return payments_->paid() >= before + Transfers() / 2; });
  Backup("late");
  stop = true;
  load.join();
  ASSERT_TRUE(paid.ok() && went_on) << paid << daemon_->Log();

  const BackupManifest early = ManifestOf("early");
  const BackupManifest late = ManifestOf("late");
  // The primary's own word for what its state was there.
  const Sequence moment = late.checkpoint.sequence;
  ASSERT_GT(moment, early.last.sequence);
  Finished restored;
  // A segment is archived when it is complete, and below a checkpoint.
  ASSERT_TRUE(
      WaitUntil(kLimit,
                [&] {
                  if (!payments_->Pay(20'000).ok()) return false;
                  restored = Ledgerctl(RestoreCommand(
                      "early", "new",
                      {"--archive=" + Path("archive"),
                       absl::StrCat("--to-sequence=", moment.value())}));
                  return restored.exit_code == 0;
                }))
      << restored.errors << daemon_->Log();

  auto ledger = OfflineLedger::Open(Path("new"));
  ASSERT_TRUE(ledger.ok()) << ledger.status();
  EXPECT_EQ((*ledger)->opened_at(), early.checkpoint.sequence);
  EXPECT_EQ((*ledger)->last(), late.checkpoint);
  EXPECT_EQ((*ledger)->state_hash(), late.state_hash);
  const absl::Status verified = (*ledger)->VerifyAll();
  EXPECT_TRUE(verified.ok()) << verified;
  ledger->reset();

  // Both go on, and have nothing to do with each other.
  auto other = DaemonProcess::Start({.data_directory = Path("new")});
  ASSERT_TRUE(other.ok()) << other.status();
  BulkPayments more({(*other)->client_address()}, /*number=*/1);
  ASSERT_TRUE(more.Prepare().ok());
  EXPECT_TRUE(more.Pay(100).ok());
  // Its group has counted one restore, which ended well.
  constexpr char kCounted[] =
      R"("rate":"R recovery","kind":"restore","successful":1,"total":1)";
  Finished counters;
  EXPECT_TRUE(WaitUntil(kSoon,
                        [&] {
                          counters = Ledgerctl(
                              {"counters", "-o", "json",
                               "--admin-address=" + (*other)->admin_address()});
                          return absl::StrContains(counters.output, kCounted);
                        }))
      << counters.output << counters.errors;
  EXPECT_EQ((*other)->Terminate(), 0);
  ASSERT_NO_FATAL_FAILURE(Pay(100));
}

TEST_F(BackupTest, TheGroupKnowsWhenItsNewestVerifiedOneWasMade) {
  const auto counters = [&] {
    return Ledgerctl({"counters", "-o", "json",
                      "--admin-address=" + daemon_->admin_address()})
        .output;
  };
  ASSERT_NO_FATAL_FAILURE(Pay(100));
  ASSERT_NO_FATAL_FAILURE(Backup("backup"));
  EXPECT_EQ(Ledgerctl({"backup", "verify", Path("backup")}).exit_code, 0);
  EXPECT_TRUE(absl::StrContains(counters(), R"("last_verified_backup":"-")"))
      << "nobody has told it";
  const Finished recorded =
      Ledgerctl({"backup", "verify", Path("backup"), "--record", "-o", "json",
                 "--admin-address=" + daemon_->admin_address()});
  EXPECT_EQ(recorded.exit_code, 0) << recorded.errors;
  const size_t at = recorded.output.find(R"("created_at":")");
  ASSERT_NE(at, std::string::npos) << recorded.output;
  const std::string made =
      recorded.output.substr(at + 13, recorded.output.find(',', at) - at - 13);
  std::string counted;
  EXPECT_TRUE(WaitUntil(kSoon,
                        [&] {
                          counted = counters();
                          return absl::StrContains(
                              counted, R"("last_verified_backup":)" + made);
                        }))
      << counted << made;
  // It is in the journal.
  ASSERT_TRUE(daemon_->Kill9().ok());
  auto again = DaemonProcess::Start({.data_directory = Path("data")});
  ASSERT_TRUE(again.ok()) << again.status();
  daemon_ = *std::move(again);
  EXPECT_TRUE(WaitUntil(kSoon,
                        [&] {
                          counted = counters();
                          return absl::StrContains(
                              counted, R"("last_verified_backup":)" + made);
                        }))
      << counted << daemon_->Log();
}

TEST_F(BackupTest, ADamagedOneIsRefusedAndTheFileNamed) {
  ASSERT_NO_FATAL_FAILURE(Pay(Transfers() / 4));
  ASSERT_NO_FATAL_FAILURE(Backup("backup"));
  const BackupManifest manifest = ManifestOf("backup");
  ASSERT_FALSE(manifest.files.empty());
  for (const BackupFile& file : manifest.files) {
    const std::string path = absl::StrCat(Path("backup"), "/", file.path);
    const auto flip = [&] {
      std::fstream opened(path,
                          std::ios::in | std::ios::out | std::ios::binary);
      const auto middle = static_cast<int64_t>(file.bytes / 2);
      opened.seekg(middle);
      const char byte = static_cast<char>(opened.get() ^ 1);
      opened.seekp(middle);
      opened.put(byte);
    };
    flip();
    const Finished verified = Ledgerctl({"backup", "verify", Path("backup")});
    EXPECT_EQ(verified.exit_code, 6) << file.path;
    EXPECT_TRUE(absl::StrContains(verified.errors, file.path))
        << verified.errors;
    const Finished restored = Ledgerctl(RestoreCommand("backup", "new"));
    EXPECT_EQ(restored.exit_code, 6) << file.path;
    EXPECT_FALSE(fs::exists(Path("new"))) << file.path;
    flip();
  }
  EXPECT_EQ(Ledgerctl({"backup", "verify", Path("backup")}).exit_code, 0);
}

}  // namespace
}  // namespace ledgerd::integration
