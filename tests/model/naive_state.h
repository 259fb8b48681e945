// NaiveState is all that a ledger is, in ordered maps, with nothing derived:
// whatever can be found by looking at everything is found so.
//
//   NaiveState before = state;   // how a chain is undone
//   EXPECT_EQ(state.Hash(), store.state_hash());
//
// Shape    Copyable. The hash, the newest timestamps, and what is due are
//          computed from nothing each time.
// Threads  Not thread-safe.
// Source   ledger.md alone, without a look at server/ledger.
#ifndef LEDGERD_TESTS_MODEL_NAIVE_STATE_H_
#define LEDGERD_TESTS_MODEL_NAIVE_STATE_H_

#include <map>
#include <string>
#include <vector>

#include "proto/statuses.h"
#include "proto/types.h"
#include "storage/state_hash.h"
#include "storage/watched_event.h"

namespace ledgerd::model {

struct NaiveState {
  std::map<AccountId, Account> accounts;
  std::map<TransferId, Transfer> transfers;
  // Of every transfer with the PENDING flag.
  std::map<TransferId, PendingState> pending_states;
  std::map<TransferId, TransferStatus> failed_ids;
  // What entries of incidents said, by their sequences.
  std::map<Sequence, std::string> incidents;
  storage::AppliedPoint applied;
  // All that WatchEvents tells; not part of the state's hash.
  std::map<Sequence, std::vector<storage::WatchedEvent>> events;

  // 0 while there is none.
  Timestamp NewestAccount() const;
  Timestamp NewestTransfer() const;

  bool HasAccountAt(Timestamp timestamp) const;
  bool HasTransferAt(Timestamp timestamp) const;

  // The transfers that are still pending and whose expiry is at or before
  // `now`, by expiry, then by creation.
  std::vector<TransferId> Due(Timestamp now) const;

  // The earliest expiry of a pending transfer; 0 when there is none.
  Timestamp NextExpiry() const;

  Uint128 Hash() const;
};

}  // namespace ledgerd::model

#endif  // LEDGERD_TESTS_MODEL_NAIVE_STATE_H_
