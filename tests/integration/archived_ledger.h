// One ledger whose complete journal files go to an archive, and who pays in it.
//
//   class BackupTest : public ArchivedLedgerTest {};
//   TEST_F(BackupTest, ...) { payments_->Pay(1'000); ... Path("archive") ... }
#ifndef LEDGERD_TESTS_INTEGRATION_ARCHIVED_LEDGER_H_
#define LEDGERD_TESTS_INTEGRATION_ARCHIVED_LEDGER_H_

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "tests/integration/bulk_payments.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::integration {

class ArchivedLedgerTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(Path("archive"));
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

  TestDirectory directory_{"archived"};
  std::unique_ptr<DaemonProcess> daemon_;
  std::unique_ptr<BulkPayments> payments_;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_ARCHIVED_LEDGER_H_
