// The books of a simulated state, for the checks of invariants.h.
//
//   EXPECT_TRUE(CheckBooks(BooksOf(store.state())).ok());
#ifndef LEDGERD_SERVER_LEDGER_BOOKS_TESTING_H_
#define LEDGERD_SERVER_LEDGER_BOOKS_TESTING_H_

#include "server/ledger/invariants.h"
#include "storage/memory_state.h"

namespace ledgerd::server {

inline Books BooksOf(const storage::MemoryState& state) {
  Books books;
  for (const auto& [id, account] : state.accounts()) {
    books.accounts.push_back(account);
  }
  for (const auto& [timestamp, transfer] : state.transfers()) {
    books.transfers.push_back(transfer);
    books.pending_states.push_back(state.GetPendingState(transfer));
  }
  for (const auto& [id, status] : state.failed_ids()) {
    books.failed_ids.push_back({id, status});
  }
  return books;
}

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LEDGER_BOOKS_TESTING_H_
