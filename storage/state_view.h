// A StateView is the state of the ledger, as the pure Ledger reads and changes
// it while it applies one entry.
//
//   const Account* debit = view.FindAccount(transfer.debit_account_id);
//   Account next = *debit;
//   next.debits_posted = ...;
//   view.UpdateAccount(debit, next);
//
// Shape       Accounts by id; transfers by id, with the state of the pending
//             ones; the ids of transfers that failed for good; what was told of
//             incidents, which is only added to. Everything an
//             entry needs has been brought into memory before
//             (StateStore::Plan), so no method fails or waits.
// Order       Accounts and transfers are inserted in the order of their
//             timestamps: each is above newest_account_timestamp() or
//             newest_transfer_timestamp().
// Undo        A caller that undoes a linked chain calls the inverse methods in
//             the reverse order; after that the state, and its hash, are what
//             they were.
// Threads     Belongs to the replica thread.
// Source      The semantics: ledger.md; who implements it: state_store.h.
#ifndef LEDGERD_STORAGE_STATE_VIEW_H_
#define LEDGERD_STORAGE_STATE_VIEW_H_

#include <cstddef>
#include <vector>

#include "absl/strings/string_view.h"

#include "proto/statuses.h"
#include "proto/types.h"
#include "storage/state_event.h"

namespace ledgerd::storage {

// What an id of a transfer stands for.
struct TransferIdState {
  // The transfer's timestamp; 0 when there is no transfer of this id.
  Timestamp timestamp;
  // Why the id can never be used again; kUnspecified when it is not kept as
  // failed.
  TransferStatus failed = TransferStatus::kUnspecified;

  bool free() const {
    return timestamp == Timestamp(0) && failed == TransferStatus::kUnspecified;
  }
};

class StateView {
 public:
  virtual ~StateView() = default;

  // The account, or nullptr. Valid, and showing later updates of the same
  // account, until the entry is finished or the account's insertion is undone.
  virtual const Account* FindAccount(AccountId id) = 0;

  // Requires: the id is new, the timestamp the newest. An event tells it.
  virtual void InsertAccount(const Account& account) = 0;

  // Replaces what FindAccount returned. Requires: only the balances and the
  // CLOSED bit differ. An event of the same entry tells it (AppendEvent):
  // queries find balances of an earlier moment there.
  virtual void UpdateAccount(const Account* account, const Account& next) = 0;

  // Undoes the newest InsertAccount; `newest` is what
  // newest_account_timestamp() was before it.
  virtual void UndoInsertAccount(AccountId id, Timestamp newest) = 0;

  virtual TransferIdState FindTransferId(TransferId id) = 0;

  // The transfer, or nullptr. Valid until the next InsertTransfer.
  virtual const Transfer* FindTransfer(TransferId id) = 0;

  // Requires: the id is free, the timestamp the newest. A transfer with the
  // PENDING flag gets the state kPending and, with a timeout, an expiry
  // (ExpiresAt).
  virtual void InsertTransfer(const Transfer& transfer) = 0;

  // Undoes the newest InsertTransfer; `newest` is what
  // newest_transfer_timestamp() was before it. Requires: its pending state, if
  // any, is kPending.
  virtual void UndoInsertTransfer(TransferId id, Timestamp newest) = 0;

  // Keeps `id` as failed for ever. Requires: the id is free.
  virtual void KeepFailedId(TransferId id, TransferStatus status) = 0;

  // The state of a transfer that FindTransfer returned; kNone unless PENDING.
  virtual PendingState GetPendingState(const Transfer& pending) = 0;

  // Requires: `pending` has the PENDING flag. Leaving kPending takes its expiry
  // away; returning to kPending (undo) brings it back.
  virtual void SetPendingState(const Transfer& pending, PendingState state) = 0;

  // The pending transfers whose expiry is at or before `now`, in order of
  // expiry, then of timestamp; at most `limit`.
  virtual std::vector<TransferId> FindDue(Timestamp now, size_t limit) = 0;

  // 0 while there is none.
  virtual Timestamp newest_account_timestamp() const = 0;
  virtual Timestamp newest_transfer_timestamp() const = 0;

  // Whether an account (a transfer) has just this timestamp.
  virtual bool HasAccountAt(Timestamp timestamp) = 0;
  virtual bool HasTransferAt(Timestamp timestamp) = 0;

  // Tells those who watch. Not part of the state, nor of its hash. Requires:
  // the change is made; the event's timestamp is above those before it.
  virtual void AppendEvent(const Event& event) = 0;

  // Undo: takes back the events appended since `mark`, in this entry.
  virtual EventMark MarkEvents() const = 0;
  virtual void UndoEvents(const EventMark& mark) = 0;

  // Keeps the payload of an entry of incidents for ever. Once an entry.
  virtual void AppendIncidents(Sequence sequence,
                               absl::string_view payload) = 0;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_VIEW_H_
