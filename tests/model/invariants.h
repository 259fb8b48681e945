// What is always true of a ledger, in one place: ledger.md, "Always true".
//
//   Invariants invariants;
//   invariants.Check(step, result, state);   // after every entry
//
// Shape    Looks at rows and answers alone, so it holds for any implementation;
//          remembers the state before and the fate of every id. Number 8
//          (replay gives the same state hash) is in run.h.
// Errors   The first rule that does not hold, in words; nothing else.
// Threads  Not thread-safe.
#ifndef LEDGERD_TESTS_MODEL_INVARIANTS_H_
#define LEDGERD_TESTS_MODEL_INVARIANTS_H_

#include <map>
#include <optional>
#include <string>

#include "proto/results.h"
#include "proto/types.h"
#include "tests/model/step.h"

namespace ledgerd::model {

// The rows of a state, as look-ups answer them.
struct Rows {
  std::map<AccountId, Account> accounts;
  std::map<TransferId, Transfer> transfers;
  // Of every transfer; kNone unless PENDING.
  std::map<TransferId, PendingState> pending_states;

  friend bool operator==(const Rows&, const Rows&) = default;
};

class Invariants {
 public:
  std::optional<std::string> Check(const Step& step, const EntryResult& result,
                                   const Rows& rows);

 private:
  std::optional<std::string> CheckFates(const Step& step,
                                        const EntryResult& result);
  std::optional<std::string> CheckChanges(const Step& step,
                                          const EntryResult& result,
                                          const Rows& rows) const;

  Rows before_;
  std::map<AccountId, bool> created_accounts_;
  // How an id of a transfer ended for good: kCreated, or the failure it is kept
  // for.
  std::map<TransferId, TransferStatus> fates_;
};

}  // namespace ledgerd::model

#endif  // LEDGERD_TESTS_MODEL_INVARIANTS_H_
