// Coverage counts what a random run has reached: a run that reaches too little
// is no proof.
//
//   coverage.Add(before, step, result, after);
//   EXPECT_THAT(coverage.Missing(), IsEmpty());
//
// Shape  Every status of both kinds of event; the seven statuses that an id can
//        be kept for; marks, for rare situations that no status shows; and of
//        each query, in both directions, those that ask for nothing, for each
//        field alone, for each two fields, and for each side of an account.
#ifndef LEDGERD_TESTS_MODEL_COVERAGE_H_
#define LEDGERD_TESTS_MODEL_COVERAGE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "proto/results.h"
#include "storage/state_query.h"
#include "tests/model/naive_state.h"
#include "tests/model/step.h"

namespace ledgerd::model {

enum class Query { kAccounts, kTransfers, kAccountTransfers, kBalances };

class Coverage {
 public:
  void Add(const NaiveState& before, const Step& step,
           const EntryResult& result, const NaiveState& after);
  // A query that has found something; that of accounts or of transfers is the
  // filter's rest.
  void AddQuery(Query query, const storage::AccountFilter& filter);
  void Add(const Coverage& other);

  // What was never seen. Every status but "unspecified" can be reached.
  std::vector<std::string> Missing() const;

  // How often the status, "transfer: created" say, or the mark was seen.
  uint64_t count(const std::string& name) const;

 private:
  void AddTransfer(const NaiveState& before, const Transfer& event,
                   const TransferResult& result, const NaiveState& after);
  void AddChanges(const NaiveState& before, const Step& step,
                  const NaiveState& after);

  std::map<std::string, uint64_t> counts_;
};

}  // namespace ledgerd::model

#endif  // LEDGERD_TESTS_MODEL_COVERAGE_H_
