// A real ledgerd, as a test starts, kills and stops it.
//
//   const TestDirectory directory("ledger");
//   ASSERT_TRUE(FormatDataDirectory(directory.Path("data")).ok());
//   auto daemon =
//       DaemonProcess::Start({.data_directory = directory.Path("data")});
//   ASSERT_TRUE(daemon.ok()) << daemon.status();
//   LedgerClient client({.addresses = {(*daemon)->client_address()}});
//   ASSERT_TRUE((*daemon)->Kill9().ok());
//
// Shape    Launch() returns at once, WaitUntilReady() when the daemon serves,
//          Start() is both. Readiness is the daemon's own word (its ready file)
//          or its end, never a guess of time.
// Errors   WaitUntilReady: the daemon ended or did not come up; the message has
//          the end of its log.
// Threads  As Subprocess: the test's main thread.
#ifndef LEDGERD_TESTS_INTEGRATION_DAEMON_PROCESS_H_
#define LEDGERD_TESTS_INTEGRATION_DAEMON_PROCESS_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "tests/integration/subprocess.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::integration {

// The programs under test.
std::string LedgerdPath();
std::string LedgerctlPath();

// `ledgerd format`: a new, empty data directory.
absl::Status FormatDataDirectory(
    const std::string& data_directory,
    const std::vector<std::string>& more_flags = {});

// Runs ledgerctl with these arguments to its end.
Finished Ledgerctl(std::vector<std::string> arguments);

class DaemonProcess {
 public:
  struct Options {
    std::string data_directory;
    // Port 0: the system chooses, and client_address() tells.
    std::string client_address = "127.0.0.1:0";
    std::vector<std::string> more_flags;
    // A command that runs the daemon in its own place: `strace -D ...`.
    std::vector<std::string> under;
  };

  static absl::StatusOr<std::unique_ptr<DaemonProcess>> Launch(
      const Options& options);
  static absl::StatusOr<std::unique_ptr<DaemonProcess>> Start(
      const Options& options);

  absl::Status WaitUntilReady();

  // Once ready.
  const std::string& client_address() const { return client_address_; }

  const std::string& admin_address() const { return admin_address_; }

  bool ready() const;

  // kill -9, and waits until the process is gone. An error when the daemon had
  // ended by itself before.
  absl::Status Kill9();

  // SIGTERM, and the exit code.
  int Terminate();

  Subprocess& process() { return *process_; }

  // What it logged, on both of its outputs.
  std::string Log() const;

 private:
  explicit DaemonProcess(std::unique_ptr<TestDirectory> directory)
      : directory_(std::move(directory)) {}

  std::string ReadyFile() const { return directory_->Path("ready"); }

  absl::Status ReadAddresses();
  absl::Status Failure(const std::string& what) const;

  std::unique_ptr<TestDirectory> directory_;
  std::unique_ptr<Subprocess> process_;
  std::string client_address_;
  std::string admin_address_;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_DAEMON_PROCESS_H_
