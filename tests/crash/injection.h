// A fault in a system call of a program, by strace: the n-th of some calls
// fails, or kills the program before it happens.
//
//   Injection injection(
//       {.calls = "fdatasync", .what = "error=EIO", .when = 7});
//   ledger.RunUnder(injection.Command());
//   ...
//   EXPECT_TRUE(injection.happened());
//
// Shape    Each thread of the program counts its own calls, each kind by
//          itself; the first to get to the n-th has the fault. So of two kinds
//          that a thread calls in turn, the second is never hit: inject them
//          apart.
// Errors   A fault that was asked for and did not happen is the test's to find.
#ifndef LEDGERD_TESTS_CRASH_INJECTION_H_
#define LEDGERD_TESTS_CRASH_INJECTION_H_

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/crash/syscall_trace.h"

namespace ledgerd::crash {

class Injection {
 public:
  struct Options {
    std::string calls;  // "pwrite64,fdatasync"
    std::string what;   // "signal=SIGKILL", "error=EIO"
    int when = 1;       // 1 is the first.
    int last = 0;       // Also all up to this one; 0: that one alone.
    // Only calls on one of these files count; none: all calls.
    std::vector<std::string> files = {};
    std::string also_traced = {};  // Calls without a fault.
  };

  explicit Injection(Options options);

  // What the program is to run under.
  std::vector<std::string> Command() const { return trace_.Command(); }

  // Waits until strace has written down all that happened. Call it when the
  // program has ended.
  void WaitUntilWritten() const { trace_.WaitUntilWritten(); }

  // Whether an error was returned in a call's place.
  bool happened() const { return !Injected().empty(); }

  // Whether the program was killed.
  bool killed() const;

  // The first call that failed, with its arguments and the paths of its files.
  std::string Injected() const;

  // The call that the fault was meant for: the first that was its thread's n-th
  // of its kind. Tells also where a program was killed.
  std::optional<TracedCall> Hit() const;

  // The program's threads that had a call that failed.
  std::set<std::string> InjectedThreads() const;

  // How many calls of that name `thread` has made with success since its last
  // one that failed.
  size_t DoneSince(const std::string& thread, const std::string& name) const;

  // For messages.
  std::string Text() const;

 private:
  const Options options_;
  const SyscallTrace trace_;
};

}  // namespace ledgerd::crash

#endif  // LEDGERD_TESTS_CRASH_INJECTION_H_
