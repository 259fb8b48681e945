// A daemon that archives its journal, and whose archive is away for a while.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

#include "tests/integration/archived_ledger.h"
#include "tests/integration/bulk_payments.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kLimit(2);

class JournalArchiveTest : public ArchivedLedgerTest {
 protected:
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
