// Checks for our own bugs, always on.
//
// What the world can do (a full disk, a bad request) is an absl::Status; what
// only a mistake of ours can do is a check, which prints and aborts: a ledger
// that has lost its footing must not write another byte.
//
//   LEDGERD_CHECK(sequence == last.Next()) << "a gap after " << last;
#ifndef LEDGERD_PROTO_BASE_CHECK_H_
#define LEDGERD_PROTO_BASE_CHECK_H_

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

namespace ledgerd {

// Collects a message and aborts the process at the end of the statement.
class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition) {
    message_ << file << ":" << line << ": check failed: " << condition << " ";
  }

  CheckFailure(const CheckFailure&) = delete;
  CheckFailure& operator=(const CheckFailure&) = delete;

  [[noreturn]] ~CheckFailure() {
    const std::string text = message_.str();
    std::fprintf(stderr, "%s\n", text.c_str());
    std::fflush(stderr);
    std::abort();
  }

  std::ostream& stream() { return message_; }

 private:
  std::ostringstream message_;
};

}  // namespace ledgerd

#define LEDGERD_CHECK(condition)                           \
  if (__builtin_expect(static_cast<bool>(condition), 1)) { \
  } else                                                   \
    ::ledgerd::CheckFailure(__FILE__, __LINE__, #condition).stream()

// The status must be OK; prints it otherwise.
#define LEDGERD_CHECK_OK(expression)                                  \
  if (const auto& ledgerd_check_status = (expression);                \
      ledgerd_check_status.ok()) {                                    \
  } else                                                              \
    ::ledgerd::CheckFailure(__FILE__, __LINE__, #expression).stream() \
        << ledgerd_check_status.ToString()

#endif  // LEDGERD_PROTO_BASE_CHECK_H_
