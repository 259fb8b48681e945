// NaiveLedger is a second ledger, the simplest that ledger.md allows: clear
// first, fast never. The real one has to give the same answers.
//
//   NaiveLedger naive;
//   const EntryResult expected = naive.Apply(entry);
//   EXPECT_EQ(naive.state().Hash(), store.state_hash());
//
// Shape    Chains are undone by going back to a copy of the whole state.
// Threads  Not thread-safe.
// Source   ledger.md, in its order, without a look at server/ledger: two
//          readings of one text find what the text leaves open, and what either
//          reader got wrong.
#ifndef LEDGERD_TESTS_MODEL_NAIVE_LEDGER_H_
#define LEDGERD_TESTS_MODEL_NAIVE_LEDGER_H_

#include "proto/entry.h"
#include "proto/results.h"
#include "tests/model/naive_state.h"

namespace ledgerd::model {

class NaiveLedger {
 public:
  EntryResult Apply(const Entry& entry);

  const NaiveState& state() const { return state_; }

 private:
  NaiveState state_;
};

}  // namespace ledgerd::model

#endif  // LEDGERD_TESTS_MODEL_NAIVE_LEDGER_H_
