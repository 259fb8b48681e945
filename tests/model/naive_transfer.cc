#include "tests/model/naive_transfer.h"

#include <algorithm>

#include "proto/base/uint128.h"

namespace ledgerd::model {
namespace {

namespace flags = transfer_flags;
using Status = TransferStatus;

bool Has(const Transfer& transfer, uint16_t flag) {
  return (transfer.flags & flag) != 0;
}

bool IsClosed(const Account& account) {
  return (account.flags & account_flags::kClosed) != 0;
}

Amount Plus(Amount a, Amount b) { return Amount(a.value() + b.value()); }

Amount Minus(Amount a, Amount b) { return Amount(a.value() - b.value()); }

// Whether a + b + c is above `limit`, however large the sum.
bool SumExceeds(Amount a, Amount b, Amount c, Amount limit) {
  const auto ab = CheckedAdd(a.value(), b.value());
  if (!ab) return true;
  const auto abc = CheckedAdd(*ab, c.value());
  return !abc || *abc > limit.value();
}

bool SumOverflows(Amount a, Amount b, Amount c = Amount(0)) {
  return SumExceeds(a, b, c, kAmountMax);
}

// max(0, total - (taken + reserved)).
Amount Left(Amount total, Amount taken, Amount reserved) {
  if (SumExceeds(taken, reserved, Amount(0), total)) return Amount(0);
  return Minus(total, Plus(taken, reserved));
}

TransferResult Refused(Status status, Timestamp now) {
  TransferResult result;
  result.status = status;
  result.timestamp = now;
  return result;
}

TransferResult Answer(Status status, const Transfer& asked,
                      const Transfer& stored) {
  TransferResult result;
  result.status = status;
  result.timestamp = stored.timestamp;
  result.amount = stored.amount;
  result.amount_differs = stored.amount != asked.amount;
  return result;
}

// ---- exists compare

Status CompareSingleOrPending(const Transfer& event, const Transfer& stored) {
  if (event.debit_account_id != stored.debit_account_id) {
    return Status::kExistsWithDifferentDebitAccountId;
  }
  if (event.credit_account_id != stored.credit_account_id) {
    return Status::kExistsWithDifferentCreditAccountId;
  }
  const bool balancing =
      Has(event, flags::kBalancingDebit | flags::kBalancingCredit);
  if (balancing ? event.amount < stored.amount
                : event.amount != stored.amount) {
    return Status::kExistsWithDifferentAmount;
  }
  if (event.user_data_128 != stored.user_data_128) {
    return Status::kExistsWithDifferentUserData128;
  }
  if (event.user_data_64 != stored.user_data_64) {
    return Status::kExistsWithDifferentUserData64;
  }
  if (event.user_data_32 != stored.user_data_32) {
    return Status::kExistsWithDifferentUserData32;
  }
  if (event.ledger != stored.ledger) return Status::kExistsWithDifferentLedger;
  if (event.code != stored.code) return Status::kExistsWithDifferentCode;
  return Status::kExists;
}

// The given value, or, where it is 0, the one that it stands for.
template <typename T>
T OrElse(T given, T inherited) {
  return given == T(0) ? inherited : given;
}

bool SameResolvedAmount(const Transfer& event, const Transfer& stored,
                        const Transfer& pending) {
  if (event.amount == stored.amount) return true;
  if (Has(event, flags::kVoidPending)) return event.amount == Amount(0);
  return event.amount == kAmountMax && stored.amount == pending.amount;
}

Status ComparePostOrVoid(const Transfer& event, const Transfer& stored,
                         const Transfer& pending) {
  if (OrElse(event.debit_account_id, stored.debit_account_id) !=
      stored.debit_account_id) {
    return Status::kExistsWithDifferentDebitAccountId;
  }
  if (OrElse(event.credit_account_id, stored.credit_account_id) !=
      stored.credit_account_id) {
    return Status::kExistsWithDifferentCreditAccountId;
  }
  if (!SameResolvedAmount(event, stored, pending)) {
    return Status::kExistsWithDifferentAmount;
  }
  if (OrElse(event.user_data_128, pending.user_data_128) !=
      stored.user_data_128) {
    return Status::kExistsWithDifferentUserData128;
  }
  if (OrElse(event.user_data_64, pending.user_data_64) != stored.user_data_64) {
    return Status::kExistsWithDifferentUserData64;
  }
  if (OrElse(event.user_data_32, pending.user_data_32) != stored.user_data_32) {
    return Status::kExistsWithDifferentUserData32;
  }
  if (OrElse(event.ledger, stored.ledger) != stored.ledger) {
    return Status::kExistsWithDifferentLedger;
  }
  if (OrElse(event.code, stored.code) != stored.code) {
    return Status::kExistsWithDifferentCode;
  }
  return Status::kExists;
}

Status CompareExisting(const NaiveState& state, const Transfer& event,
                       const Transfer& stored) {
  if (event.flags != stored.flags) return Status::kExistsWithDifferentFlags;
  if (event.pending_id != stored.pending_id) {
    return Status::kExistsWithDifferentPendingId;
  }
  if (event.timeout_seconds != stored.timeout_seconds) {
    return Status::kExistsWithDifferentTimeout;
  }
  if (Has(event, flags::kPostPending | flags::kVoidPending)) {
    return ComparePostOrVoid(event, stored,
                             state.transfers.at(stored.pending_id));
  }
  return CompareSingleOrPending(event, stored);
}

// ---- checks of both

bool AreExclusive(const Transfer& event) {
  const int modes = (Has(event, flags::kPending) ? 1 : 0) +
                    (Has(event, flags::kPostPending) ? 1 : 0) +
                    (Has(event, flags::kVoidPending) ? 1 : 0);
  if (modes > 1) return true;
  return Has(event, flags::kPostPending | flags::kVoidPending) &&
         Has(event, flags::kBalancingDebit | flags::kBalancingCredit |
                        flags::kClosingDebit | flags::kClosingCredit);
}

bool Regresses(const NaiveState& state, const Transfer& event) {
  return Has(event, flags::kImported) &&
         (event.timestamp <= state.NewestTransfer() ||
          state.HasAccountAt(event.timestamp));
}

Timestamp TimestampOf(const Transfer& event, Timestamp now) {
  return Has(event, flags::kImported) ? event.timestamp : now;
}

// ---- single-phase and pending

Status CheckShape(const Transfer& event) {
  const AccountId max(kUint128Max);
  if (AreExclusive(event)) return Status::kFlagsAreMutuallyExclusive;
  if (event.debit_account_id == AccountId(0)) {
    return Status::kDebitAccountIdMustNotBeZero;
  }
  if (event.debit_account_id == max) {
    return Status::kDebitAccountIdMustNotBeIntMax;
  }
  if (event.credit_account_id == AccountId(0)) {
    return Status::kCreditAccountIdMustNotBeZero;
  }
  if (event.credit_account_id == max) {
    return Status::kCreditAccountIdMustNotBeIntMax;
  }
  if (event.debit_account_id == event.credit_account_id) {
    return Status::kAccountsMustBeDifferent;
  }
  if (event.pending_id != TransferId(0)) return Status::kPendingIdMustBeZero;
  if (!Has(event, flags::kPending)) {
    if (event.timeout_seconds != 0) {
      return Status::kTimeoutReservedForPendingTransfer;
    }
    if (Has(event, flags::kClosingDebit | flags::kClosingCredit)) {
      return Status::kClosingTransferMustBePending;
    }
  }
  if (event.ledger == 0) return Status::kLedgerMustNotBeZero;
  if (event.code == 0) return Status::kCodeMustNotBeZero;
  return Status::kCreated;
}

Status CheckAccounts(const NaiveState& state, const Transfer& event,
                     const Account& debit, const Account& credit) {
  if (debit.ledger != credit.ledger) {
    return Status::kAccountsMustHaveTheSameLedger;
  }
  if (event.ledger != debit.ledger) {
    return Status::kTransferMustHaveTheSameLedgerAsAccounts;
  }
  if (Regresses(state, event)) {
    return Status::kImportedEventTimestampMustNotRegress;
  }
  if (Has(event, flags::kImported)) {
    if (event.timestamp <= debit.timestamp) {
      return Status::kImportedEventTimestampMustPostdateDebitAccount;
    }
    if (event.timestamp <= credit.timestamp) {
      return Status::kImportedEventTimestampMustPostdateCreditAccount;
    }
    if (event.timeout_seconds != 0) {
      return Status::kImportedEventTimeoutMustBeZero;
    }
  }
  if (IsClosed(debit)) return Status::kDebitAccountAlreadyClosed;
  if (IsClosed(credit)) return Status::kCreditAccountAlreadyClosed;
  return Status::kCreated;
}

Amount ActualAmount(const Transfer& event, const Account& debit,
                    const Account& credit) {
  Amount amount = event.amount;
  if (Has(event, flags::kBalancingDebit)) {
    amount = std::min(amount, Left(debit.credits_posted, debit.debits_posted,
                                   debit.debits_pending));
  }
  if (Has(event, flags::kBalancingCredit)) {
    amount = std::min(amount, Left(credit.debits_posted, credit.credits_posted,
                                   credit.credits_pending));
  }
  return amount;
}

bool TimeoutOverflows(const Transfer& event, Timestamp timestamp) {
  const Uint128 expires_at =
      Uint128{timestamp.value()} +
      Uint128{event.timeout_seconds} * Uint128{kNanosPerSecond};
  return expires_at > Uint128{kTimestampMax.value()};
}

Status CheckAmount(const Transfer& event, Amount amount, const Account& debit,
                   const Account& credit, Timestamp timestamp) {
  if (Has(event, flags::kPending)) {
    if (SumOverflows(debit.debits_pending, amount)) {
      return Status::kOverflowsDebitsPending;
    }
    if (SumOverflows(credit.credits_pending, amount)) {
      return Status::kOverflowsCreditsPending;
    }
  }
  if (SumOverflows(debit.debits_posted, amount)) {
    return Status::kOverflowsDebitsPosted;
  }
  if (SumOverflows(credit.credits_posted, amount)) {
    return Status::kOverflowsCreditsPosted;
  }
  if (SumOverflows(debit.debits_pending, debit.debits_posted, amount)) {
    return Status::kOverflowsDebits;
  }
  if (SumOverflows(credit.credits_pending, credit.credits_posted, amount)) {
    return Status::kOverflowsCredits;
  }
  if (TimeoutOverflows(event, timestamp)) return Status::kOverflowsTimeout;
  if ((debit.flags & account_flags::kDebitsMustNotExceedCredits) != 0 &&
      SumExceeds(debit.debits_pending, debit.debits_posted, amount,
                 debit.credits_posted)) {
    return Status::kExceedsCredits;
  }
  if ((credit.flags & account_flags::kCreditsMustNotExceedDebits) != 0 &&
      SumExceeds(credit.credits_pending, credit.credits_posted, amount,
                 credit.debits_posted)) {
    return Status::kExceedsDebits;
  }
  return Status::kCreated;
}

void Move(const Transfer& transfer, Account& debit, Account& credit) {
  if (Has(transfer, flags::kPending)) {
    debit.debits_pending = Plus(debit.debits_pending, transfer.amount);
    credit.credits_pending = Plus(credit.credits_pending, transfer.amount);
  } else {
    debit.debits_posted = Plus(debit.debits_posted, transfer.amount);
    credit.credits_posted = Plus(credit.credits_posted, transfer.amount);
  }
  if (Has(transfer, flags::kClosingDebit)) {
    debit.flags |= account_flags::kClosed;
  }
  if (Has(transfer, flags::kClosingCredit)) {
    credit.flags |= account_flags::kClosed;
  }
}

TransferResult CreateSingleOrPending(NaiveState& state, const Transfer& event,
                                     Timestamp now) {
  const Status shape = CheckShape(event);
  if (shape != Status::kCreated) return Refused(shape, now);
  const auto debit_at = state.accounts.find(event.debit_account_id);
  if (debit_at == state.accounts.end()) {
    return Refused(Status::kDebitAccountNotFound, now);
  }
  const auto credit_at = state.accounts.find(event.credit_account_id);
  if (credit_at == state.accounts.end()) {
    return Refused(Status::kCreditAccountNotFound, now);
  }
  Account& debit = debit_at->second;
  Account& credit = credit_at->second;
  Status status = CheckAccounts(state, event, debit, credit);
  if (status != Status::kCreated) return Refused(status, now);
  Transfer transfer = event;
  transfer.amount = ActualAmount(event, debit, credit);
  transfer.timestamp = TimestampOf(event, now);
  status =
      CheckAmount(event, transfer.amount, debit, credit, transfer.timestamp);
  if (status != Status::kCreated) return Refused(status, now);
  Move(transfer, debit, credit);
  state.transfers[transfer.id] = transfer;
  if (Has(transfer, flags::kPending)) {
    state.pending_states[transfer.id] = PendingState::kPending;
  }
  return Answer(Status::kCreated, event, transfer);
}

// ---- post and void

Status CheckPendingId(const Transfer& event) {
  if (AreExclusive(event)) return Status::kFlagsAreMutuallyExclusive;
  if (event.pending_id == TransferId(0)) return Status::kPendingIdMustNotBeZero;
  if (event.pending_id == TransferId(kUint128Max)) {
    return Status::kPendingIdMustNotBeIntMax;
  }
  if (event.pending_id == event.id) return Status::kPendingIdMustBeDifferent;
  if (event.timeout_seconds != 0) {
    return Status::kTimeoutReservedForPendingTransfer;
  }
  return Status::kCreated;
}

Status CheckAgreement(const Transfer& event, const Transfer& pending) {
  if (OrElse(event.debit_account_id, pending.debit_account_id) !=
      pending.debit_account_id) {
    return Status::kPendingTransferHasDifferentDebitAccountId;
  }
  if (OrElse(event.credit_account_id, pending.credit_account_id) !=
      pending.credit_account_id) {
    return Status::kPendingTransferHasDifferentCreditAccountId;
  }
  if (OrElse(event.ledger, pending.ledger) != pending.ledger) {
    return Status::kPendingTransferHasDifferentLedger;
  }
  if (OrElse(event.code, pending.code) != pending.code) {
    return Status::kPendingTransferHasDifferentCode;
  }
  return Status::kCreated;
}

Amount ResolvedAmount(const Transfer& event, const Transfer& pending) {
  if (Has(event, flags::kVoidPending)) {
    return OrElse(event.amount, pending.amount);
  }
  return event.amount == kAmountMax ? pending.amount : event.amount;
}

Status CheckStillPending(const NaiveState& state, const Transfer& pending,
                         Timestamp now) {
  switch (state.pending_states.at(pending.id)) {
    case PendingState::kPosted:
      return Status::kPendingTransferAlreadyPosted;
    case PendingState::kVoided:
      return Status::kPendingTransferAlreadyVoided;
    case PendingState::kExpired:
      return Status::kPendingTransferExpired;
    default:
      break;
  }
  if (pending.timeout_seconds != 0 && ExpiresAt(pending) <= now) {
    return Status::kPendingTransferExpired;
  }
  return Status::kCreated;
}

Status CheckResolution(const NaiveState& state, const Transfer& event,
                       const Transfer& pending, Timestamp now) {
  if (!Has(pending, flags::kPending)) {
    return Status::kPendingTransferNotPending;
  }
  const Status agreement = CheckAgreement(event, pending);
  if (agreement != Status::kCreated) return agreement;
  const Amount amount = ResolvedAmount(event, pending);
  if (amount > pending.amount) {
    return Status::kExceedsPendingTransferAmount;
  }
  if (Has(event, flags::kVoidPending) && amount < pending.amount) {
    return Status::kPendingTransferHasDifferentAmount;
  }
  const Status still = CheckStillPending(state, pending, now);
  if (still != Status::kCreated) return still;
  if (Regresses(state, event)) {
    return Status::kImportedEventTimestampMustNotRegress;
  }
  if (Has(event, flags::kPostPending)) {
    if (IsClosed(state.accounts.at(pending.debit_account_id))) {
      return Status::kDebitAccountAlreadyClosed;
    }
    if (IsClosed(state.accounts.at(pending.credit_account_id))) {
      return Status::kCreditAccountAlreadyClosed;
    }
  }
  return Status::kCreated;
}

Transfer Resolution(const Transfer& event, const Transfer& pending,
                    Timestamp now) {
  Transfer transfer;
  transfer.id = event.id;
  transfer.debit_account_id = pending.debit_account_id;
  transfer.credit_account_id = pending.credit_account_id;
  transfer.amount = ResolvedAmount(event, pending);
  transfer.pending_id = event.pending_id;
  transfer.user_data_128 = OrElse(event.user_data_128, pending.user_data_128);
  transfer.user_data_64 = OrElse(event.user_data_64, pending.user_data_64);
  transfer.user_data_32 = OrElse(event.user_data_32, pending.user_data_32);
  transfer.ledger = pending.ledger;
  transfer.code = pending.code;
  transfer.flags = event.flags;
  transfer.timestamp = TimestampOf(event, now);
  return transfer;
}

TransferResult CreatePostOrVoid(NaiveState& state, const Transfer& event,
                                Timestamp now) {
  Status status = CheckPendingId(event);
  if (status != Status::kCreated) return Refused(status, now);
  const auto found = state.transfers.find(event.pending_id);
  if (found == state.transfers.end()) {
    return Refused(Status::kPendingTransferNotFound, now);
  }
  const Transfer& pending = found->second;
  status = CheckResolution(state, event, pending, now);
  if (status != Status::kCreated) return Refused(status, now);
  const Transfer transfer = Resolution(event, pending, now);
  if (Has(event, flags::kVoidPending)) {
    Release(state, pending, PendingState::kVoided);
  } else {
    Release(state, pending, PendingState::kPosted);
    Move(transfer, state.accounts.at(pending.debit_account_id),
         state.accounts.at(pending.credit_account_id));
  }
  state.transfers[transfer.id] = transfer;
  return Answer(Status::kCreated, event, transfer);
}

}  // namespace

void Release(NaiveState& state, const Transfer& pending, PendingState end) {
  Account& debit = state.accounts.at(pending.debit_account_id);
  Account& credit = state.accounts.at(pending.credit_account_id);
  debit.debits_pending = Minus(debit.debits_pending, pending.amount);
  credit.credits_pending = Minus(credit.credits_pending, pending.amount);
  state.pending_states.at(pending.id) = end;
  if (end == PendingState::kPosted) return;
  const auto open = static_cast<uint16_t>(~account_flags::kClosed);
  if (Has(pending, flags::kClosingDebit)) debit.flags &= open;
  if (Has(pending, flags::kClosingCredit)) credit.flags &= open;
}

TransferResult CreateTransfer(NaiveState& state, const Transfer& event,
                              Timestamp now) {
  if (Has(event, flags::kReserved)) return Refused(Status::kReservedFlag, now);
  if (event.id == TransferId(0)) return Refused(Status::kIdMustNotBeZero, now);
  if (event.id == TransferId(kUint128Max)) {
    return Refused(Status::kIdMustNotBeIntMax, now);
  }
  const auto stored = state.transfers.find(event.id);
  if (stored != state.transfers.end()) {
    const Status status = CompareExisting(state, event, stored->second);
    if (status != Status::kExists) return Refused(status, now);
    return Answer(status, event, stored->second);
  }
  const auto failed = state.failed_ids.find(event.id);
  if (failed != state.failed_ids.end()) {
    TransferResult result = Refused(Status::kIdAlreadyFailed, now);
    result.original_status = failed->second;
    return result;
  }
  if (Has(event, flags::kPostPending | flags::kVoidPending)) {
    return CreatePostOrVoid(state, event, now);
  }
  return CreateSingleOrPending(state, event, now);
}

}  // namespace ledgerd::model
