#include "server/ledger/single_pending_rules.h"

#include <algorithm>
#include <cstdint>

#include "server/ledger/amounts.h"
#include "server/ledger/transfer_result.h"

namespace ledgerd::server {
namespace {

using Status = TransferStatus;
using storage::EventSideOf;
using storage::EventType;

bool Has(const Transfer& t, uint16_t flag) { return (t.flags & flag) != 0; }

Status CheckAccountIds(const Transfer& t) {
  constexpr AccountId kZero(0);
  constexpr AccountId kMax(kUint128Max);
  if (t.debit_account_id == kZero) return Status::kDebitAccountIdMustNotBeZero;
  if (t.debit_account_id == kMax) return Status::kDebitAccountIdMustNotBeIntMax;
  if (t.credit_account_id == kZero) {
    return Status::kCreditAccountIdMustNotBeZero;
  }
  if (t.credit_account_id == kMax) {
    return Status::kCreditAccountIdMustNotBeIntMax;
  }
  if (t.debit_account_id == t.credit_account_id) {
    return Status::kAccountsMustBeDifferent;
  }
  return Status::kCreated;
}

Status CheckFields(const Transfer& t) {
  if (const Status status = CheckAccountIds(t); status != Status::kCreated) {
    return status;
  }
  if (t.pending_id != TransferId(0)) return Status::kPendingIdMustBeZero;
  if (!Has(t, transfer_flags::kPending)) {
    if (t.timeout_seconds != 0) {
      return Status::kTimeoutReservedForPendingTransfer;
    }
    if (Has(t,
            transfer_flags::kClosingDebit | transfer_flags::kClosingCredit)) {
      return Status::kClosingTransferMustBePending;
    }
  }
  if (t.ledger == 0) return Status::kLedgerMustNotBeZero;
  if (t.code == 0) return Status::kCodeMustNotBeZero;
  return Status::kCreated;
}

// Requires: the transfer is imported.
Status CheckImported(const Transfer& t, const Account& debit,
                     const Account& credit, storage::StateView& view) {
  if (Regresses(t, view)) return Status::kImportedEventTimestampMustNotRegress;
  if (t.timestamp <= debit.timestamp) {
    return Status::kImportedEventTimestampMustPostdateDebitAccount;
  }
  if (t.timestamp <= credit.timestamp) {
    return Status::kImportedEventTimestampMustPostdateCreditAccount;
  }
  if (t.timeout_seconds != 0) return Status::kImportedEventTimeoutMustBeZero;
  return Status::kCreated;
}

// Whether the transfer and its accounts go together.
Status CheckAccounts(const Transfer& t, const Account& debit,
                     const Account& credit, storage::StateView& view) {
  if (debit.ledger != credit.ledger) {
    return Status::kAccountsMustHaveTheSameLedger;
  }
  if (t.ledger != debit.ledger) {
    return Status::kTransferMustHaveTheSameLedgerAsAccounts;
  }
  if (Has(t, transfer_flags::kImported)) {
    if (const Status status = CheckImported(t, debit, credit, view);
        status != Status::kCreated) {
      return status;
    }
  }
  if ((debit.flags & account_flags::kClosed) != 0) {
    return Status::kDebitAccountAlreadyClosed;
  }
  if ((credit.flags & account_flags::kClosed) != 0) {
    return Status::kCreditAccountAlreadyClosed;
  }
  return Status::kCreated;
}

// What moves: what is asked for, or what the balances allow a balancing one.
Amount AmountOf(const Transfer& t, const Account& debit,
                const Account& credit) {
  Amount amount = t.amount;
  if (Has(t, transfer_flags::kBalancingDebit)) {
    amount =
        std::min(amount, MinusOrZero(debit.credits_posted, AllDebits(debit)));
  }
  if (Has(t, transfer_flags::kBalancingCredit)) {
    amount =
        std::min(amount, MinusOrZero(credit.debits_posted, AllCredits(credit)));
  }
  return amount;
}

bool TimeoutOverflows(const Transfer& t, Timestamp timestamp) {
  return t.timeout_seconds * kNanosPerSecond >
         kTimestampMax.value() - timestamp.value();
}

// `t` has its final amount and timestamp.
Status CheckOverflow(const Transfer& t, const Account& debit,
                     const Account& credit) {
  const Amount amount = t.amount;
  if (Has(t, transfer_flags::kPending)) {
    if (Overflows(debit.debits_pending, amount)) {
      return Status::kOverflowsDebitsPending;
    }
    if (Overflows(credit.credits_pending, amount)) {
      return Status::kOverflowsCreditsPending;
    }
  }
  if (Overflows(debit.debits_posted, amount)) {
    return Status::kOverflowsDebitsPosted;
  }
  if (Overflows(credit.credits_posted, amount)) {
    return Status::kOverflowsCreditsPosted;
  }
  if (Overflows(AllDebits(debit), amount)) return Status::kOverflowsDebits;
  if (Overflows(AllCredits(credit), amount)) return Status::kOverflowsCredits;
  if (TimeoutOverflows(t, t.timestamp)) return Status::kOverflowsTimeout;
  return Status::kCreated;
}

// What is pending on the other side never helps. Requires: nothing overflows.
Status CheckLimits(Amount amount, const Account& debit, const Account& credit) {
  if ((debit.flags & account_flags::kDebitsMustNotExceedCredits) != 0 &&
      Plus(AllDebits(debit), amount) > debit.credits_posted) {
    return Status::kExceedsCredits;
  }
  if ((credit.flags & account_flags::kCreditsMustNotExceedDebits) != 0 &&
      Plus(AllCredits(credit), amount) > credit.debits_posted) {
    return Status::kExceedsDebits;
  }
  return Status::kCreated;
}

Account AfterDebit(const Transfer& t, const Account& debit) {
  Account next = debit;
  Amount& balance = Has(t, transfer_flags::kPending) ? next.debits_pending
                                                     : next.debits_posted;
  balance = Plus(balance, t.amount);
  if (Has(t, transfer_flags::kClosingDebit)) {
    next.flags |= account_flags::kClosed;
  }
  return next;
}

Account AfterCredit(const Transfer& t, const Account& credit) {
  Account next = credit;
  Amount& balance = Has(t, transfer_flags::kPending) ? next.credits_pending
                                                     : next.credits_posted;
  balance = Plus(balance, t.amount);
  if (Has(t, transfer_flags::kClosingCredit)) {
    next.flags |= account_flags::kClosed;
  }
  return next;
}

}  // namespace

TransferResult CreateSingleOrPending(const Transfer& transfer, Timestamp event,
                                     Changes& changes) {
  storage::StateView& view = changes.view();
  Status status = CheckFields(transfer);
  if (status != Status::kCreated) return RefusedTransfer(status, event);
  const Account* debit = view.FindAccount(transfer.debit_account_id);
  if (debit == nullptr) {
    return RefusedTransfer(Status::kDebitAccountNotFound, event);
  }
  const Account* credit = view.FindAccount(transfer.credit_account_id);
  if (credit == nullptr) {
    return RefusedTransfer(Status::kCreditAccountNotFound, event);
  }
  status = CheckAccounts(transfer, *debit, *credit, view);
  if (status != Status::kCreated) return RefusedTransfer(status, event);

  Transfer stored = transfer;
  stored.amount = AmountOf(transfer, *debit, *credit);
  if (!Has(transfer, transfer_flags::kImported)) stored.timestamp = event;
  status = CheckOverflow(stored, *debit, *credit);
  if (status != Status::kCreated) return RefusedTransfer(status, event);
  status = CheckLimits(stored.amount, *debit, *credit);
  if (status != Status::kCreated) return RefusedTransfer(status, event);

  changes.InsertTransfer(stored);
  changes.UpdateAccount(debit, AfterDebit(stored, *debit));
  changes.UpdateAccount(credit, AfterCredit(stored, *credit));
  changes.AppendEvent({.type = Has(stored, transfer_flags::kPending)
                                   ? EventType::kTwoPhasePending
                                   : EventType::kSinglePhase,
                       .timestamp = event,
                       .transfer = stored.timestamp,
                       .debit = EventSideOf(*debit),
                       .credit = EventSideOf(*credit)});
  return StoredTransfer(Status::kCreated, stored, transfer.amount);
}

bool Regresses(const Transfer& imported, storage::StateView& view) {
  return imported.timestamp <= view.newest_transfer_timestamp() ||
         view.HasAccountAt(imported.timestamp);
}

}  // namespace ledgerd::server
