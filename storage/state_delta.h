// A StateDelta is what was applied since the last checkpoint, and beside it
// what was read from the disk or copied from an older delta: one generation of
// the state in memory.
//
//   delta.accounts.Insert(account).dirty = true;   // changed: to be written
//   delta.read_transfers.emplace(id, transfer);    // read: only remembered
//
// Shape    Data for its owner, RocksDbStateStore, which keeps one active delta,
//          one frozen (being written) and one old (written; a read cache). A
//          transfer in a delta has its accounts in the same or a newer one.
// Threads  The active one belongs to the replica thread; frozen and old ones
//          are immutable and may be read by anyone.
#ifndef LEDGERD_STORAGE_STATE_DELTA_H_
#define LEDGERD_STORAGE_STATE_DELTA_H_

#include <cstdint>
#include <map>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"

#include "proto/types.h"
#include "storage/account_id_index.h"
#include "storage/account_table.h"
#include "storage/chunked_vector.h"
#include "storage/event_index.h"
#include "storage/event_log.h"
#include "storage/history_row.h"
#include "storage/incident_rows.h"
#include "storage/index_field.h"
#include "storage/indexed_rows.h"
#include "storage/pending_log.h"
#include "storage/state_view.h"
#include "storage/transfer_table.h"

namespace ledgerd::storage {

// The place of a pending transfer in the order of expiry.
struct Expiry {
  Timestamp expires_at;
  Timestamp transfer;

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 sees a 0 in <=>.
  friend auto operator<=>(const Expiry&, const Expiry&) = default;
};

// The timestamp of an account, and its id. A record on the disk.
struct AccountTime {
  Timestamp timestamp;
  uint64_t id_low = 0;
  uint64_t id_high = 0;

  AccountId id() const { return AccountId(MakeUint128(id_high, id_low)); }
};

static_assert(sizeof(AccountTime) == 24);

inline AccountTime AccountTimeOf(const Account& account) {
  return {account.timestamp, Low(account.id.value()), High(account.id.value())};
}

struct StateDelta {
  struct Pending {
    PendingState state = PendingState::kNone;
    bool dirty = false;
  };

  struct Failed {
    TransferStatus status = TransferStatus::kUnspecified;
    bool dirty = false;
  };

  AccountTable accounts;
  // Those created here, as they were then.
  IndexedRows<Account> created_accounts;
  // For readers; the replica thread has `accounts`.
  AccountIdIndex created_ids;

  // Created here.
  TransferTable transfers;
  // Older ones, read from the disk or copied from an older delta.
  absl::node_hash_map<TransferId, Transfer> read_transfers;
  // By the transfer's timestamp.
  absl::flat_hash_map<Timestamp, Pending> pending_states;
  // What became of pending transfers here, in the order in which it did.
  PendingLog pending_log;
  absl::flat_hash_map<TransferId, Failed> failed_ids;

  // Expiries that the state below does not have, and those that it has and that
  // are no more.
  absl::btree_map<Expiry, TransferId> added_expiries;
  absl::btree_set<Expiry> removed_expiries;

  // Of the entries applied here.
  EventLog events;
  // Of `events`, for queries; the replica thread's, also in a delta that does
  // not change any more.
  mutable EventIndex event_index;
  // After transfers created here, in their order.
  ChunkedVector<HistoryRow> history;

  // Of the entries applied here.
  IncidentRows incidents;

  const Transfer* FindTransfer(TransferId id) const {
    if (const Transfer* created = transfers.Find(id)) return created;
    if (read_transfers.empty()) return nullptr;
    const auto read = read_transfers.find(id);
    return read == read_transfers.end() ? nullptr : &read->second;
  }

  // Of memory, as near as needed to bound it.
  uint64_t bytes() const;

  // What a checkpoint of it writes, at most.
  uint64_t disk_bytes_max() const {
    return bytes() * 2 + (uint64_t{1} << 20) +
           (transfers.rows().size() + created_accounts.size()) * kIndexBytesMax;
  }
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_DELTA_H_
