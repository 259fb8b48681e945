// A Checker runs a ledger and the naive one side by side, and says where they
// part.
//
//   Checker checker(subject);
//   if (auto fault = checker.Check(step)) std::cerr << *fault;
//
// Shape    After every entry: every status, original status, amount and
//          timestamp; every row and pending state; what some queries find; the
//          state hash; the next expiry; the events; the history of balances;
//          the invariants.
// Errors   A fault is text: which event or row, and what each of the two says.
// Threads  Not thread-safe.
#ifndef LEDGERD_TESTS_MODEL_CHECKER_H_
#define LEDGERD_TESTS_MODEL_CHECKER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/entry.h"
#include "storage/state_query.h"
#include "tests/model/coverage.h"
#include "tests/model/invariants.h"
#include "tests/model/naive_ledger.h"
#include "tests/model/random.h"
#include "tests/model/step.h"
#include "tests/model/subject.h"

namespace ledgerd::model {

// Answers alone are what a client could notice.
enum class Compare { kAnswers, kEverything };

class Checker {
 public:
  // `subject` must outlive this, and be empty. The queries are drawn from
  // `seed`.
  Checker(Subject& subject, Compare compare, uint64_t seed = 1)
      : subject_(subject), compare_(compare), random_(seed) {}

  // Applies `step` to both; the first difference, if any.
  std::optional<std::string> Check(const Step& step);

  // Whether `replayed`, an empty ledger, comes to the same state by the same
  // entries, read back from their bytes ("Always true", 8).
  std::optional<std::string> CheckReplay(Subject& replayed) const;

  const NaiveState& state() const { return naive_.state(); }

  const Coverage& coverage() const { return coverage_; }

 private:
  std::optional<std::string> CheckState(const Step& step,
                                        const EntryResult& result);
  Rows LookUpAll(const Step& step);
  // One query of each kind, drawn from the state.
  std::optional<std::string> CheckQueries();
  void NoteQuery(Query query, const storage::AccountFilter& filter,
                 size_t rows);
  std::optional<std::string> CompareEvents();
  std::optional<std::string> CompareHistory();

  Subject& subject_;
  Compare compare_;
  Random random_;
  NaiveLedger naive_;
  Invariants invariants_;
  Coverage coverage_;
  std::vector<Entry> entries_;
};

}  // namespace ledgerd::model

#endif  // LEDGERD_TESTS_MODEL_CHECKER_H_
