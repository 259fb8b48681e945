// A ledger of a test's own: a data directory, a port that stays the same over
// restarts, and the daemon that serves them.
//
//   LiveLedger ledger;
//   ASSERT_TRUE(ledger.Start().ok());   // the first time it formats, too
//   LedgerClient client({.addresses = {ledger.address()}});
//   ASSERT_TRUE(ledger.daemon().Kill9().ok());
//   ASSERT_TRUE(ledger.Start().ok());   // on the same directory and port
//
// Threads  As DaemonProcess.
#ifndef LEDGERD_TESTS_INTEGRATION_LIVE_LEDGER_H_
#define LEDGERD_TESTS_INTEGRATION_LIVE_LEDGER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "tests/integration/daemon_process.h"
#include "tests/integration/reserved_port.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::integration {

// Small limits: checkpoints, new segments and merges all the time.
std::vector<std::string> SmallLimits();

class LiveLedger {
 public:
  explicit LiveLedger(std::vector<std::string> more_flags = {})
      : more_flags_(std::move(more_flags)) {}

  // Requires: no daemon of this ledger runs.
  absl::Status Start();
  // Without waiting until it is ready.
  absl::Status Launch();
  // The same on a directory of the caller's choice.
  absl::Status StartOn(const std::string& data_directory);
  absl::Status LaunchOn(const std::string& data_directory);

  // Where the daemon runs under another command (DaemonProcess::Options).
  void RunUnder(std::vector<std::string> command) {
    under_ = std::move(command);
  }

  DaemonProcess& daemon() { return *daemon_; }

  std::string address() const { return port_.address(); }

  std::string data_directory() const { return directory_.Path("data"); }

  const TestDirectory& directory() const { return directory_; }

 private:
  const std::vector<std::string> more_flags_;
  std::vector<std::string> under_;
  const TestDirectory directory_{"ledger"};
  const ReservedPort port_;
  std::unique_ptr<DaemonProcess> daemon_;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_LIVE_LEDGER_H_
