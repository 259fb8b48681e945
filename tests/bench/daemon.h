// One ledgerd that is measured, on a new directory: a replica by itself, or one
// of a group (group.h).
//
//   auto daemon = Daemon::Launch({.program = "bazel-bin/server/ledgerd"});
//   (*daemon)->WaitUntilReady();
//   (*daemon)->address();
//   (*daemon)->KillAndRestart();       // how long until it serves again
//
// Shape    Its files are in a temporary directory, which goes with it.
// Errors   The daemon did not start, or does not answer; the message has the
//          end of its log.
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

#include "admin/v1/admin.grpc.pb.h"
#include "tests/integration/subprocess.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::bench {

class Daemon {
 public:
  struct Options {
    std::string program;
    // More of its flags.
    std::vector<std::string> flags;
    // Of `ledgerd format`.
    std::vector<std::string> format_flags;
    // The only processor that it runs on.
    std::optional<int> processor;
    // Where operators reach it, also before it is ready.
    std::string admin_address = "127.0.0.1:0";
  };

  // Makes the directory and begins to start.
  static absl::StatusOr<std::unique_ptr<Daemon>> Launch(Options options);

  // It does its part: serves, or follows one that does.
  absl::Status WaitUntilReady();

  // `ledgerctl switchover` to it, which is this replica of a group without a
  // primary. Requires: admin_address has a port.
  absl::Status Promote(uint64_t replica_id) const;

  // What it says of itself. Requires: it was ready.
  absl::StatusOr<admin::v1::GetStatusResponse> Status() const;

  // It does nothing any more, and can only be killed.
  void Freeze();

  // kill -9.
  void Kill();

  std::string data_directory() const { return Path("data"); }

  const std::string& address() const { return address_; }

  pid_t pid() const { return process_->pid(); }

  // What its directory holds.
  uint64_t StoredBytes() const;

  // kill -9 and start: how long from there until it serves.
  absl::StatusOr<std::chrono::nanoseconds> KillAndRestart();

 private:
  explicit Daemon(Options options);

  absl::Status Format();
  absl::Status Begin();
  // The end of it.
  std::string Log() const;

  std::string Path(const std::string& name) const {
    return directory_.Path(name);
  }

  const Options options_;
  const integration::TestDirectory directory_;
  std::unique_ptr<integration::Subprocess> process_;
  std::string address_;
  std::unique_ptr<admin::v1::AdminService::Stub> admin_;
};

}  // namespace ledgerd::bench

#endif  // LEDGERD_TESTS_BENCH_DAEMON_H_
