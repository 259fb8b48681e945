// A daemon that archives its journal, and whose archive is away for a while.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

#include "tests/integration/bulk_payments.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/subprocess.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::integration {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kLimit(2);

class JournalArchiveTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(Path("archive"));
    ASSERT_TRUE(
        FormatDataDirectory(Path("data"), {"--journal-segment-bytes=8MiB"})
            .ok());
    std::vector<std::string> flags = SmallLimits();
    flags.push_back("--journal-archive-dir=" + Path("archive"));
    auto daemon = DaemonProcess::Start(
        {.data_directory = Path("data"), .more_flags = std::move(flags)});
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_ = *std::move(daemon);
    payments_ = std::make_unique<BulkPayments>(
        std::vector<std::string>{daemon_->client_address()}, /*number=*/0);
    const absl::Status prepared = payments_->Prepare();
    ASSERT_TRUE(prepared.ok()) << prepared;
  }

  std::string Path(const std::string& name) const {
    return directory_.Path(name);
  }

  std::string Alarms() const {
    return Ledgerctl({"alarms", "-o", "json",
                      "--admin-address=" + daemon_->admin_address()})
        .output;
  }

  bool IsBehind() const {
    return absl::StrContains(Alarms(), "ARCHIVE_BEHIND");
  }

  // The files that are whole.
  size_t Archived() const {
    size_t count = 0;
    for (const auto& file : fs::directory_iterator(Path("archive"))) {
      count += file.path().extension() == ".segment" ? 1 : 0;
    }
    return count;
  }

  // Payments until `done`.
  template <typename Done>
  bool PayUntil(Done done) {
    return WaitUntil(kLimit,
                     [&] { return payments_->Pay(5'000).ok() && done(); });
  }

  TestDirectory directory_{"archive"};
  std::unique_ptr<DaemonProcess> daemon_;
  std::unique_ptr<BulkPayments> payments_;
};

TEST_F(JournalArchiveTest, CompleteFilesGoThereWhilePaymentsGoOn) {
  EXPECT_TRUE(PayUntil([&] { return Archived() >= 3; })) << daemon_->Log();
  EXPECT_FALSE(IsBehind()) << Alarms();
}

TEST_F(JournalArchiveTest, OneThatIsAwayIsAnAlarmUntilItIsBack) {
  fs::rename(Path("archive"), Path("away"));
  ASSERT_TRUE(PayUntil([&] { return IsBehind(); })) << daemon_->Log();
  EXPECT_TRUE(absl::StrContains(Alarms(), Path("archive"))) << Alarms();
  // Payments go on meanwhile.
  ASSERT_TRUE(payments_->Pay(5'000).ok()) << daemon_->Log();
  fs::rename(Path("away"), Path("archive"));
  ASSERT_TRUE(WaitUntil(kLimit, [&] { return !IsBehind(); })) << daemon_->Log();
  EXPECT_GE(Archived(), 1u);
  // The log has both, soon after the alarm.
  EXPECT_TRUE(WaitUntil(kLimit, [&] {
    const std::string log = daemon_->Log();
    return absl::StrContains(log, "cannot be archived") &&
           absl::StrContains(log, "takes journal files again");
  })) << daemon_->Log();
}

}  // namespace
}  // namespace ledgerd::integration
