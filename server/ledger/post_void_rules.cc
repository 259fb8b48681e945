#include "server/ledger/post_void_rules.h"

#include "proto/base/check.h"
#include "server/ledger/amounts.h"
#include "server/ledger/release.h"
#include "server/ledger/single_pending_rules.h"
#include "server/ledger/transfer_result.h"

namespace ledgerd::server {
namespace {

using Status = TransferStatus;
using storage::EventSideOf;
using storage::EventType;

bool IsVoid(const Transfer& t) {
  return (t.flags & transfer_flags::kVoidPending) != 0;
}

Status CheckFields(const Transfer& t) {
  if (t.pending_id == TransferId(0)) return Status::kPendingIdMustNotBeZero;
  if (t.pending_id == TransferId(kUint128Max)) {
    return Status::kPendingIdMustNotBeIntMax;
  }
  if (t.pending_id == t.id) return Status::kPendingIdMustBeDifferent;
  if (t.timeout_seconds != 0) {
    return Status::kTimeoutReservedForPendingTransfer;
  }
  return Status::kCreated;
}

// What the client repeats of the pending transfer must be right.
Status CheckRepeated(const Transfer& t, const Transfer& pending) {
  if (t.debit_account_id != AccountId(0) &&
      t.debit_account_id != pending.debit_account_id) {
    return Status::kPendingTransferHasDifferentDebitAccountId;
  }
  if (t.credit_account_id != AccountId(0) &&
      t.credit_account_id != pending.credit_account_id) {
    return Status::kPendingTransferHasDifferentCreditAccountId;
  }
  if (t.ledger != 0 && t.ledger != pending.ledger) {
    return Status::kPendingTransferHasDifferentLedger;
  }
  if (t.code != 0 && t.code != pending.code) {
    return Status::kPendingTransferHasDifferentCode;
  }
  return Status::kCreated;
}

// A void takes all of it, said as 0 or in full; a post as much as it says.
Amount AmountOf(const Transfer& t, const Transfer& pending) {
  const Amount all_of_it = IsVoid(t) ? Amount(0) : kAmountMax;
  return t.amount == all_of_it ? pending.amount : t.amount;
}

Status CheckAmount(const Transfer& t, const Transfer& pending) {
  const Amount amount = AmountOf(t, pending);
  if (amount > pending.amount) return Status::kExceedsPendingTransferAmount;
  if (IsVoid(t) && amount < pending.amount) {
    return Status::kPendingTransferHasDifferentAmount;
  }
  return Status::kCreated;
}

// Resolved once. It has expired from its expiry on, whether or not the expire
// entry has come yet.
Status CheckStillPending(const Transfer& pending, PendingState state,
                         Timestamp event) {
  switch (state) {
    case PendingState::kPosted:
      return Status::kPendingTransferAlreadyPosted;
    case PendingState::kVoided:
      return Status::kPendingTransferAlreadyVoided;
    case PendingState::kExpired:
      return Status::kPendingTransferExpired;
    case PendingState::kPending:
      break;
    case PendingState::kNone:
      LEDGERD_CHECK(false) << "pending transfer " << pending.id
                           << " without a state";
  }
  const Timestamp expires_at = ExpiresAt(pending);
  const bool expired = expires_at != Timestamp(0) && expires_at <= event;
  return expired ? Status::kPendingTransferExpired : Status::kCreated;
}

Status CheckAgainstPending(const Transfer& t, const Transfer& pending,
                           Timestamp event, storage::StateView& view) {
  if ((pending.flags & transfer_flags::kPending) == 0) {
    return Status::kPendingTransferNotPending;
  }
  if (const Status status = CheckRepeated(t, pending);
      status != Status::kCreated) {
    return status;
  }
  if (const Status status = CheckAmount(t, pending);
      status != Status::kCreated) {
    return status;
  }
  if (const Status status =
          CheckStillPending(pending, view.GetPendingState(pending), event);
      status != Status::kCreated) {
    return status;
  }
  if ((t.flags & transfer_flags::kImported) != 0 && Regresses(t, view)) {
    return Status::kImportedEventTimestampMustNotRegress;
  }
  return Status::kCreated;
}

// A closed account changes only by void and expiry.
Status CheckOpen(const Account& debit, const Account& credit) {
  if ((debit.flags & account_flags::kClosed) != 0) {
    return Status::kDebitAccountAlreadyClosed;
  }
  if ((credit.flags & account_flags::kClosed) != 0) {
    return Status::kCreditAccountAlreadyClosed;
  }
  return Status::kCreated;
}

// The transfer as it is stored: 0 inherits.
Transfer Inherit(const Transfer& t, const Transfer& pending, Timestamp event) {
  Transfer stored = t;
  stored.debit_account_id = pending.debit_account_id;
  stored.credit_account_id = pending.credit_account_id;
  stored.amount = AmountOf(t, pending);
  if (t.user_data_128 == 0) stored.user_data_128 = pending.user_data_128;
  if (t.user_data_64 == 0) stored.user_data_64 = pending.user_data_64;
  if (t.user_data_32 == 0) stored.user_data_32 = pending.user_data_32;
  stored.ledger = pending.ledger;
  stored.code = pending.code;
  if ((t.flags & transfer_flags::kImported) == 0) stored.timestamp = event;
  return stored;
}

// Requires: the amount was pending, so that the sums fit.
void Post(Amount amount, Released& released) {
  released.debit.debits_posted = Plus(released.debit.debits_posted, amount);
  released.credit.credits_posted = Plus(released.credit.credits_posted, amount);
}

}  // namespace

TransferResult CreatePostOrVoid(const Transfer& transfer, Timestamp event,
                                Changes& changes) {
  storage::StateView& view = changes.view();
  Status status = CheckFields(transfer);
  if (status != Status::kCreated) return RefusedTransfer(status, event);
  const Transfer* pending = view.FindTransfer(transfer.pending_id);
  if (pending == nullptr) {
    return RefusedTransfer(Status::kPendingTransferNotFound, event);
  }
  status = CheckAgainstPending(transfer, *pending, event, view);
  if (status != Status::kCreated) return RefusedTransfer(status, event);

  const Account* debit = view.FindAccount(pending->debit_account_id);
  const Account* credit = view.FindAccount(pending->credit_account_id);
  LEDGERD_CHECK(debit != nullptr && credit != nullptr);
  const bool is_void = IsVoid(transfer);
  if (!is_void) {
    status = CheckOpen(*debit, *credit);
    if (status != Status::kCreated) return RefusedTransfer(status, event);
  }

  const Transfer stored = Inherit(transfer, *pending, event);
  // InsertTransfer may move it.
  const Timestamp pending_timestamp = pending->timestamp;
  Released released = is_void ? ReleaseAndOpen(*pending, *debit, *credit)
                              : Release(*pending, *debit, *credit);
  if (!is_void) Post(stored.amount, released);
  changes.Resolve(*pending,
                  is_void ? PendingState::kVoided : PendingState::kPosted);
  changes.InsertTransfer(stored);
  changes.UpdateAccount(debit, released.debit);
  changes.UpdateAccount(credit, released.credit);
  changes.AppendEvent({.type = is_void ? EventType::kTwoPhaseVoided
                                       : EventType::kTwoPhasePosted,
                       .timestamp = event,
                       .transfer = stored.timestamp,
                       .pending = pending_timestamp,
                       .debit = EventSideOf(released.debit),
                       .credit = EventSideOf(released.credit)});
  return StoredTransfer(Status::kCreated, stored, transfer.amount);
}

}  // namespace ledgerd::server
