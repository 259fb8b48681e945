// The system calls of a program, as strace writes them down.
//
//   const SyscallTrace trace("pwrite64,fdatasync");
//   ledger.RunUnder(trace.Command());
//   ...                                        // until the program has ended
//   trace.WaitUntilWritten();
//   for (const TracedCall& call : trace.Calls()) ...
//
// Shape    strace runs beside the program (-D), which stays the test's own
//          child, and ends with it. A thread goes on only when strace has
//          written its event down, so what has ended in a program before
//          something else begins also stands before it in the trace.
// Units    A place is a line of the trace.
// Threads  One thread.
#ifndef LEDGERD_TESTS_CRASH_SYSCALL_TRACE_H_
#define LEDGERD_TESTS_CRASH_SYSCALL_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "tests/integration/test_directory.h"

namespace ledgerd::crash {

struct TracedCall {
  std::string thread;
  std::string name;  // "fdatasync"
  // All of it, also when other calls came in between:
  // "fdatasync(8</data/journal/1.segment>) = 0".
  std::string text;
  size_t begun = 0;
  // Nothing: the program was gone before it ended.
  std::optional<size_t> ended = std::nullopt;

  // What its first argument, a descriptor, is of: a path, or "socket:[12]".
  absl::string_view file() const;

  // What it returned; -1 when it failed or did not return.
  int64_t result() const;
};

// In the order in which they began.
std::vector<TracedCall> ReadTrace(const std::string& text);

// What stands between quotation marks from `begin` on, and where they end;
// nothing when the trace does not have all of it.
struct Quoted {
  std::string bytes;
  size_t end = 0;
};

std::optional<Quoted> ReadQuoted(absl::string_view text, size_t begin);

class SyscallTrace {
 public:
  // `calls` as in strace's -e trace=; more arguments of strace.
  explicit SyscallTrace(std::string calls, std::vector<std::string> more = {});

  // What the program is to run under.
  std::vector<std::string> Command() const;

  // Waits until strace has written down all that happened. Call it when the
  // program has ended.
  void WaitUntilWritten() const;

  std::string Text() const;

  std::vector<TracedCall> Calls() const { return ReadTrace(Text()); }

 private:
  std::string Path() const { return directory_.Path("trace"); }

  const std::string calls_;
  const std::vector<std::string> more_;
  const integration::TestDirectory directory_{"strace"};
};

}  // namespace ledgerd::crash

#endif  // LEDGERD_TESTS_CRASH_SYSCALL_TRACE_H_
