// The state hash: one number that replicas compare at any common sequence.
//
//   hash.Add(HashAccount(account));          // inserted
//   hash.Subtract(HashAccount(before)); ...  // changed: take the old one away
//
// Shape   The sum, modulo 2^128, of a hash of every object of the state:
//         accounts, transfers, pending states, kept ids, incidents, and the
//         applied point.
//         It depends on the state alone, not on the order in which it came
//         about or on how rows are packed, so a scan of the store can check it.
// Source  XXH3 (128 bits), with a seed of its own for each kind of object, over
//         the object's fields as little-endian bytes in the order given below.
//         No secret and no adversary: it finds bugs and rot, the journal's
//         SHA-256 chain is what an auditor follows.
#ifndef LEDGERD_STORAGE_STATE_HASH_H_
#define LEDGERD_STORAGE_STATE_HASH_H_

#include "absl/strings/string_view.h"

#include "proto/entry.h"
#include "proto/statuses.h"
#include "proto/types.h"

namespace ledgerd::storage {

// The last entry that a state has executed.
struct AppliedPoint {
  EntryId entry;
  // The entry's final timestamp: the next one's are above it.
  Timestamp timestamp;

  friend bool operator==(const AppliedPoint&, const AppliedPoint&) = default;
};

// Over the 128 bytes of the row.
Uint128 HashAccount(const Account& account);
Uint128 HashTransfer(const Transfer& transfer);

// Over {transfer's timestamp: 8 bytes, state: 1 byte}, for every transfer with
// the PENDING flag, in whatever state it is.
Uint128 HashPendingState(Timestamp transfer, PendingState state);

// Over {id: 16 bytes, status: 1 byte}.
Uint128 HashFailedId(TransferId id, TransferStatus status);

// Over {sequence: 8 bytes, payload}, for every entry of incidents.
Uint128 HashIncidents(Sequence sequence, absl::string_view payload);

// Over {epoch: 8, sequence: 8, entry's hash: 32, timestamp: 8}. The state
// before the first entry has no applied point: nothing is added for sequence 0.
Uint128 HashAppliedPoint(const AppliedPoint& point);

class StateHash {
 public:
  StateHash() = default;

  explicit StateHash(Uint128 value) : value_(value) {}

  void Add(Uint128 object) { value_ += object; }

  void Subtract(Uint128 object) { value_ -= object; }

  Uint128 value() const { return value_; }

 private:
  Uint128 value_ = 0;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_HASH_H_
