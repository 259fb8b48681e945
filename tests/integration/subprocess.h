// A program that a test starts, watches and ends.
//
//   auto program = Subprocess::Start({.command = {"/bin/echo", "hello"}});
//   ASSERT_TRUE(program.ok()) << program.status();
//   EXPECT_EQ((*program)->Wait(), 0);
//   EXPECT_EQ((*program)->Output(), "hello\n");
//
//   const Finished finished = RunToEnd({"/bin/false"});
//
// Shape    One child. It dies with the thread that started it (PDEATHSIG), so a
//          test that is itself killed leaves nothing behind: start programs on
//          the test's main thread alone.
// Errors   Start: the program could not be started. How it ended is no error
//          but an exit code: its own, or 128 + n when signal n ended it.
// Threads  One thread uses a Subprocess at a time.
#ifndef LEDGERD_TESTS_INTEGRATION_SUBPROCESS_H_
#define LEDGERD_TESTS_INTEGRATION_SUBPROCESS_H_

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "tests/integration/test_directory.h"

#include <sys/types.h>

namespace ledgerd::integration {

// The exit code of a program that signal 9 ended.
inline constexpr int kKilled = 128 + 9;

class Subprocess {
 public:
  struct Options {
    // A path and its arguments.
    std::vector<std::string> command;
    // Where the program runs; here by default.
    std::string directory;
  };

  static absl::StatusOr<std::unique_ptr<Subprocess>> Start(Options options);

  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;
  // Ends it by kill -9 when it still runs.
  ~Subprocess();

  pid_t pid() const { return pid_; }

  // Does nothing when the program has ended.
  void Signal(int signal);

  // The exit code once it has ended; nothing when `timeout` is over first.
  std::optional<int> WaitFor(std::chrono::microseconds timeout);
  int Wait();

  // What it has written so far.
  std::string Output() const;
  std::string Errors() const;

 private:
  Subprocess();

  absl::Status Fork(const Options& options);

  TestDirectory directory_;
  pid_t pid_ = -1;
  int pid_descriptor_ = -1;
  std::optional<int> exit_code_;
};

struct Finished {
  int exit_code = -1;
  std::string output;
  std::string errors;
};

// Runs a program to its end.
Finished RunToEnd(std::vector<std::string> command);

// Looks at `condition` every few milliseconds until it holds; false when
// `timeout` is over first.
template <typename Condition>
bool WaitUntil(std::chrono::milliseconds timeout, Condition condition);

// Gives the processor away for a few milliseconds between two looks.
void PauseBetweenLooks();

template <typename Condition>
bool WaitUntil(std::chrono::milliseconds timeout, Condition condition) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    PauseBetweenLooks();
  }
  return true;
}

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_SUBPROCESS_H_
