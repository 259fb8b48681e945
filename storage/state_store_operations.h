// Random entries for tests of state stores: what a ledger does to a store, all
// kinds of it, without a ledger's rules.
//
//   RandomOperations operations(seed, {.random_ids = true});
//   const RandomOperations::Entry entry = operations.Next(model);
//   applier.Apply(entry.needs, entry.change);
//   model_applier.Apply(entry.needs, entry.change);
//
// Every entry draws from the model's state, and `change` does the same to any
// store that is in that state. It also looks at what it needs and hashes what
// it sees into `seen`, so that two stores can be compared by it.
#ifndef LEDGERD_STORAGE_STATE_STORE_OPERATIONS_H_
#define LEDGERD_STORAGE_STATE_STORE_OPERATIONS_H_

#include <cstdint>
#include <functional>
#include <random>
#include <utility>
#include <vector>

#include "proto/types.h"
#include "storage/memory_state.h"
#include "storage/state_query.h"
#include "storage/state_store.h"

namespace ledgerd::storage {

class RandomOperations {
 public:
  struct Options {
    // Else ids go up, as time-ordered ones do.
    bool random_ids = false;
    uint64_t account_count = 40;
  };

  struct Entry {
    Needs needs;
    // Returns a digest of all that it looked at.
    std::function<uint64_t(StateView&)> change;
    // Its final timestamp.
    Timestamp timestamp;
  };

  RandomOperations(uint64_t seed, const Options& options)
      : random_(seed), options_(options) {}

  // An entry that fits the state of `model`.
  Entry Next(const MemoryState& model);

  // Ids that exist, that failed, and that do not exist.
  std::vector<TransferId> SomeTransfers(const MemoryState& model, size_t count);
  std::vector<AccountId> SomeAccounts(size_t count);

  // With fields, times and limits that some objects match.
  QueryFilter SomeFilter(const MemoryState& model);
  AccountFilter SomeAccountFilter(const MemoryState& model);

  uint64_t Below(uint64_t limit) { return random_() % limit; }

 private:
  TransferId NewId();

  // For the events of one entry.
  uint64_t NewEventTimes() {
    return std::exchange(next_event_, next_event_ + 64);
  }

  // Often 0, and never many different ones.
  uint32_t UserData();
  Entry CreateAccounts(const MemoryState& model);
  Entry CreateTransfers(const MemoryState& model);
  Entry ResolvePending(const MemoryState& model);
  Entry Expire(const MemoryState& model);
  Transfer NewTransfer(Timestamp timestamp);
  Timestamp NextTimestamp(const MemoryState& model);

  std::mt19937_64 random_;
  Options options_;
  uint64_t last_id_ = 0;
  // Above those of all events so far.
  uint64_t next_event_ = 1;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_STORE_OPERATIONS_H_
