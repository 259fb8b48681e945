// The ledgerd that is measured: started on a new directory, or one that runs.
//
//   auto daemon = Daemon::Start({.program = "bazel-bin/server/ledgerd"});
//   (*daemon)->address();
//   (*daemon)->KillAndRestart();       // how long until it serves again
//
// Shape    Its files are in a temporary directory, which goes with it.
// Errors   The daemon did not start; the message has the end of its log.
// Threads  As Subprocess: the main thread.
#ifndef LEDGERD_TESTS_BENCH_DAEMON_H_
#define LEDGERD_TESTS_BENCH_DAEMON_H_

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "tests/integration/subprocess.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::bench {

class Daemon {
 public:
  struct Options {
    std::string program;
    // More of its flags.
    std::vector<std::string> flags;
    // The only processor that it runs on.
    std::optional<int> processor;
  };

  static absl::StatusOr<std::unique_ptr<Daemon>> Start(Options options);

  const std::string& address() const { return address_; }

  const std::string& admin_address() const { return admin_address_; }

  pid_t pid() const { return process_->pid(); }

  // What its directory holds.
  uint64_t StoredBytes() const;

  // kill -9 and start: how long from there until it serves.
  absl::StatusOr<std::chrono::nanoseconds> KillAndRestart();

 private:
  explicit Daemon(Options options);

  absl::Status Format();
  absl::Status Launch();
  absl::Status WaitUntilReady();

  std::string Path(const std::string& name) const {
    return directory_.Path(name);
  }

  const Options options_;
  const integration::TestDirectory directory_;
  std::unique_ptr<integration::Subprocess> process_;
  std::string address_;
  std::string admin_address_;
};

}  // namespace ledgerd::bench

#endif  // LEDGERD_TESTS_BENCH_DAEMON_H_
