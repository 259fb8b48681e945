// What clients asked and were told: the evidence that a check is made from.
//
//   History history(directory.Path("history.txt"));
//   const size_t at = history.Begin({.client = 3, .transfers = {transfer}});
//   ... the call ...
//   history.End(at, {.outcome = Outcome::kAnswered, .results = ..., ...});
//   const auto violations = CheckHistory(history.exchanges(), final_state);
//
// Shape    One Exchange for each call, in the order in which they began. Begin
//          is noted before the request leaves, End after its answer is here, so
//          "A ended before B began" is real-time order.
// Files    Both are also written to a file, a line each, for reading by hand.
// Units    Times are nanoseconds of the steady clock.
// Threads  Thread-safe, but exchanges(): once all clients have ended.
#ifndef LEDGERD_TESTS_INTEGRATION_HISTORY_H_
#define LEDGERD_TESTS_INTEGRATION_HISTORY_H_

#include <cstdint>
#include <deque>
#include <fstream>
#include <string>
#include <vector>

#include "proto/base/mutex.h"
#include "proto/results.h"
#include "proto/types.h"

namespace ledgerd::integration {

enum class Outcome {
  kOpen,         // Begun, and never ended.
  kAnswered,     // `results`, or what was found.
  kNothingDone,  // An error that says so.
  kUnknown,      // An error that leaves it open: may have been executed.
};

// What an exchange came to.
struct Ending {
  Outcome outcome = Outcome::kOpen;
  // The error's code and reason: "UNAVAILABLE DRAINING".
  std::string error;
  // 0 where the client does not tell (single transfers share batches).
  Sequence sequence;
  std::vector<TransferResult> results;
  std::vector<AccountResult> account_results;
  std::vector<Transfer> found;
  std::vector<TransferId> missing;
};

// One call. Exactly one of `transfers`, `accounts` and `asked` is not empty.
struct Exchange {
  int client = 0;
  // Whether the client library may have sent it more than once.
  bool retried_inside = false;
  std::vector<Transfer> transfers;
  std::vector<Account> accounts;
  std::vector<TransferId> asked;
  int64_t begin = 0;
  int64_t end = 0;
  Ending ending;

  bool is_read() const { return !asked.empty(); }

  bool answered() const { return ending.outcome == Outcome::kAnswered; }
};

class History {
 public:
  explicit History(const std::string& path);
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // The exchange's number, for End.
  size_t Begin(Exchange exchange);
  void End(size_t number, Ending ending);

  // Answers so far, and calls that wait for one now.
  size_t answers() const;
  size_t waiting() const;

  // Whether there were `answers` before `timeout` was over.
  bool WaitForAnswers(size_t answers, std::chrono::milliseconds timeout);

  const std::deque<Exchange>& exchanges() const { return exchanges_; }

  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  mutable Mutex mutex_;
  CondVar answered_;
  std::ofstream file_ LEDGERD_GUARDED_BY(mutex_);
  std::deque<Exchange> exchanges_;
  size_t answers_ LEDGERD_GUARDED_BY(mutex_) = 0;
  size_t waiting_ LEDGERD_GUARDED_BY(mutex_) = 0;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_HISTORY_H_
