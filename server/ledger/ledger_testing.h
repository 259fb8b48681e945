// LedgerTester takes batches through the ledger as a replica does, and checks
// after each what is always true.
//
//   LedgerTester tester({.cold = true});
//   const EntryResult result = tester.CreateTransfers(transfers,
//   Timestamp(90));
//
// Shape   Each entry: its needs are planned, fetched and installed, it is
//         applied and finished. Then the books, and their succession from
//         before, must hold; so must the state hash. CheckReplay() applies the
//         same entries to nothing.
// Errors  What does not hold is a failure of the running test.
#ifndef LEDGERD_SERVER_LEDGER_LEDGER_TESTING_H_
#define LEDGERD_SERVER_LEDGER_LEDGER_TESTING_H_

#include <vector>

#include "absl/types/span.h"

#include "proto/entry.h"
#include "proto/results.h"
#include "proto/types.h"
#include "server/ledger/invariants.h"
#include "storage/memory_state_store.h"

namespace ledgerd::server {

class LedgerTester {
 public:
  explicit LedgerTester(storage::MemoryStateStore::Options options = {})
      : store_(options) {}

  EntryResult CreateAccounts(absl::Span<const Account> accounts,
                             Timestamp timestamp);
  EntryResult CreateTransfers(absl::Span<const Transfer> transfers,
                              Timestamp timestamp);
  void Expire(Timestamp timestamp);

  // Always true, 8: replaying the journal on nothing gives the same state hash.
  void CheckReplay() const;

  const storage::MemoryState& state() const { return store_.state(); }

 private:
  EntryResult Run(Command command, Timestamp timestamp);

  storage::MemoryStateStore store_;
  std::vector<Entry> journal_;
  Books books_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LEDGER_LEDGER_TESTING_H_
