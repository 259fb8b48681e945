// A group of three is backed up under load, and a group of three is made of
// that, as of a moment in between: each of its replicas has the state that the
// old primary had there, it goes on when its primary is killed, and the two
// groups have nothing to do with each other.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "proto/backup_manifest.h"
#include "storage/backup_files.h"
#include "tests/integration/bulk_payments.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/live_group.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/offline_ledger.h"
#include "tests/integration/subprocess.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::integration {
namespace {

constexpr std::chrono::minutes kLimit(3);
constexpr uint64_t kTransfers = 40'000;
constexpr size_t kReplicas = 3;

class RestoredGroupTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(Path("archive"));
    const absl::Status started = old_.Start();
    ASSERT_TRUE(started.ok()) << started << old_.Logs();
    const auto primary = old_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << old_.Logs();
    primary_ = *primary;
    ASSERT_TRUE(payments_.Prepare().ok());
    ASSERT_TRUE(payments_.Pay(kTransfers / 4).ok()) << old_.Logs();
  }

  std::string Path(const std::string& name) const {
    return directory_.Path(name);
  }

  std::vector<std::string> Archived() const {
    std::vector<std::string> flags = SmallLimits();
    flags.push_back("--journal-archive-dir=" + Path("archive"));
    return flags;
  }

  BackupManifest Backup(const std::string& name, size_t replica) {
    const Finished made =
        Ledgerctl({"backup", "create", Path(name),
                   "--admin-address=" + old_.daemon(replica).admin_address()});
    EXPECT_EQ(made.exit_code, 0) << made.errors << old_.Logs();
    const auto manifest = storage::ReadBackup(Path(name));
    EXPECT_TRUE(manifest.ok()) << manifest.status();
    return manifest.ok() ? *manifest : BackupManifest();
  }

  // Of a standby and then of the primary, while payments go on.
  void BackUpTwice() {
    std::atomic<bool> stop = false;
    absl::Status paid;
    std::thread load([&] {
      while (paid.ok() && !stop) paid = payments_.Pay(1);
    });
    early_ = Backup("early", (primary_ + 1) % kReplicas);
    const uint64_t before = payments_.paid();
    const bool went_on = WaitUntil(
        kLimit, [&] { return payments_.paid() >= before + kTransfers / 2; });
    late_ = Backup("late", primary_);
    stop = true;
    load.join();
    ASSERT_TRUE(paid.ok() && went_on) << paid << old_.Logs();
    ASSERT_GT(late_.checkpoint.sequence, early_.last.sequence);
  }

  // The early backup, and what the archive has up to the late one's state.
  void RestoreFirst() {
    Finished restored;
    ASSERT_TRUE(WaitUntil(
        kLimit,
        [&] {
          // A segment is archived when it is complete, and below a checkpoint.
          if (!payments_.Pay(20'000).ok()) return false;
          restored =
              Ledgerctl({"backup", "restore", Path("early"),
                         "--archive=" + Path("archive"),
                         absl::StrCat("--to-sequence=",
                                      late_.checkpoint.sequence.value()),
                         "--data-dir=" + new_.data_directory(0), "-o", "json"});
          return restored.exit_code == 0;
        }))
        << restored.errors << old_.Logs();
    const std::string kBefore = "\"cluster_id\":\"";
    const size_t at = restored.output.find(kBefore);
    ASSERT_NE(at, std::string::npos) << restored.output;
    cluster_ = restored.output.substr(at + kBefore.size());
    cluster_ = cluster_.substr(0, cluster_.find('"'));
    EXPECT_NE(cluster_, old_.WaitForStatus(primary_).cluster_id());
  }

  void CheckRestored() {
    const auto ledger = OfflineLedger::Open(new_.data_directory(0));
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    EXPECT_EQ((*ledger)->last(), late_.checkpoint);
    EXPECT_EQ((*ledger)->state_hash(), late_.state_hash)
        << "the primary's own word";
  }

  int Ctl(std::vector<std::string> arguments) {
    std::string addresses;
    for (size_t i = 0; i < kReplicas; ++i) {
      if (!new_.runs(i)) continue;
      absl::StrAppend(&addresses, addresses.empty() ? "" : ",",
                      new_.network().ports(i).admin);
    }
    arguments.push_back("--admin-address=" + addresses);
    finished_ = Ledgerctl(std::move(arguments));
    return finished_.exit_code;
  }

  // As deploy/RUNBOOK.md says: the first is there, the others join it.
  void StartOthers() {
    ASSERT_TRUE(new_.Launch(0).ok());
    ASSERT_TRUE(new_.WaitForPrimary().has_value()) << new_.Logs();
    for (size_t i = 1; i < kReplicas; ++i) {
      const std::string id = absl::StrCat(i + 1);
      std::vector<std::string> format = SmallLimits();
      format.insert(format.end(), {"--join", "--replica-id=" + id,
                                   "--cluster-id=" + cluster_});
      ASSERT_TRUE(FormatDataDirectory(new_.data_directory(i), format).ok());
      ASSERT_TRUE(new_.Launch(i).ok());
      ASSERT_TRUE(WaitUntil(kLimit,
                            [&] {
                              return Ctl({"replica", "add", id}) == 0;
                            }))
          << finished_.errors << new_.Logs();
      ASSERT_TRUE(WaitUntil(kLimit,
                            [&] {
                              const auto status = new_.Status(i);
                              return status.has_value() &&
                                     status->role() == admin::v1::ROLE_STANDBY;
                            }))
          << "it has no vote\n"
          << new_.Logs();
    }
  }

  // One of the old group's, told that it belongs to the new one.
  void StartAStrayReplica() {
    const size_t stray = (primary_ + 2) % kReplicas;
    ASSERT_EQ(old_.Terminate(stray), 0);
    std::string members;
    for (size_t i = 0; i < kReplicas; ++i) {
      if (i == stray) continue;
      absl::StrAppend(&members, members.empty() ? "" : ",", i + 1, "@",
                      new_.network().PeerAddress(stray, i));
    }
    const auto started = DaemonProcess::Launch(
        {.data_directory = old_.data_directory(stray),
         .more_flags = {"--members=" + members, "--admin-address=127.0.0.1:0",
                        "--replication-address=127.0.0.1:0"}});
    ASSERT_TRUE(started.ok()) << started.status();
    EXPECT_TRUE(WaitUntil(kLimit, [&] {
      return absl::StrContains((*started)->Log(),
                               "or format with the same --cluster-id");
    })) << (*started)->Log();
    EXPECT_FALSE((*started)->ready()) << (*started)->Log();
  }

  // Each disk is as all the others, and its hash is what is on it.
  void CompareDisks() {
    ASSERT_TRUE(new_.WaitUntilEqual()) << new_.Logs();
    for (size_t i = 0; i < kReplicas; ++i) EXPECT_EQ(new_.Terminate(i), 0);
    for (size_t i = 0; i < kReplicas; ++i) {
      const auto ledger = OfflineLedger::Open(new_.data_directory(i));
      ASSERT_TRUE(ledger.ok()) << ledger.status();
      const absl::Status verified = (*ledger)->VerifyAll();
      EXPECT_TRUE(verified.ok()) << i << verified;
      const auto balance = more_.BalanceIn(**ledger);
      ASSERT_TRUE(balance.ok()) << balance.status();
      EXPECT_EQ(*balance, more_.paid()) << i;
    }
  }

  const TestDirectory directory_{"restored"};
  LiveGroup old_{kReplicas, /*last_is_witness=*/false, Archived()};
  LiveGroup new_{kReplicas, /*last_is_witness=*/false, SmallLimits()};
  BulkPayments payments_{old_.addresses(), /*number=*/0};
  BulkPayments more_{new_.addresses(), /*number=*/1};
  // Of the old group.
  size_t primary_ = 0;
  BackupManifest early_;
  BackupManifest late_;
  // The new one's.
  std::string cluster_;
  Finished finished_;
};

TEST_F(RestoredGroupTest, ThreeReplicasGoOnFromAMomentInBetween) {
  ASSERT_NO_FATAL_FAILURE(BackUpTwice());
  ASSERT_NO_FATAL_FAILURE(RestoreFirst());
  ASSERT_NO_FATAL_FAILURE(CheckRestored());
  ASSERT_NO_FATAL_FAILURE(StartOthers());
  EXPECT_EQ(Ctl({"verify"}), 0) << finished_.output << finished_.errors;
  ASSERT_TRUE(more_.Prepare().ok());
  ASSERT_TRUE(more_.Pay(kTransfers / 4).ok()) << new_.Logs();

  // It is a group like any other.
  ASSERT_TRUE(new_.Kill(0).ok());
  ASSERT_TRUE(new_.WaitForPrimary({0}).has_value()) << new_.Logs();
  ASSERT_TRUE(more_.Pay(kTransfers / 4).ok()) << new_.Logs();
  ASSERT_TRUE(new_.Launch(0).ok());

  ASSERT_NO_FATAL_FAILURE(StartAStrayReplica());
  ASSERT_TRUE(payments_.Pay(100).ok()) << "the old one goes on\n"
                                       << old_.Logs();
  ASSERT_NO_FATAL_FAILURE(CompareDisks());
}

}  // namespace
}  // namespace ledgerd::integration
