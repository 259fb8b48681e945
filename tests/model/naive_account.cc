#include "tests/model/naive_account.h"

namespace ledgerd::model {
namespace {

using Status = AccountStatus;

Status CompareExisting(const Account& event, const Account& existing) {
  if (event.flags != existing.flags) return Status::kExistsWithDifferentFlags;
  if (event.user_data_128 != existing.user_data_128) {
    return Status::kExistsWithDifferentUserData128;
  }
  if (event.user_data_64 != existing.user_data_64) {
    return Status::kExistsWithDifferentUserData64;
  }
  if (event.user_data_32 != existing.user_data_32) {
    return Status::kExistsWithDifferentUserData32;
  }
  if (event.ledger != existing.ledger) {
    return Status::kExistsWithDifferentLedger;
  }
  if (event.code != existing.code) return Status::kExistsWithDifferentCode;
  return Status::kExists;
}

Status CheckContent(const Account& event) {
  if ((event.flags & account_flags::kDebitsMustNotExceedCredits) != 0 &&
      (event.flags & account_flags::kCreditsMustNotExceedDebits) != 0) {
    return Status::kFlagsAreMutuallyExclusive;
  }
  if (event.debits_pending != Amount(0)) {
    return Status::kDebitsPendingMustBeZero;
  }
  if (event.debits_posted != Amount(0)) return Status::kDebitsPostedMustBeZero;
  if (event.credits_pending != Amount(0)) {
    return Status::kCreditsPendingMustBeZero;
  }
  if (event.credits_posted != Amount(0)) {
    return Status::kCreditsPostedMustBeZero;
  }
  if (event.ledger == 0) return Status::kLedgerMustNotBeZero;
  if (event.code == 0) return Status::kCodeMustNotBeZero;
  return Status::kCreated;
}

Status CheckNew(const NaiveState& state, const Account& event) {
  const Status content = CheckContent(event);
  if (content != Status::kCreated) return content;
  if ((event.flags & account_flags::kImported) != 0 &&
      (event.timestamp <= state.NewestAccount() ||
       state.HasTransferAt(event.timestamp))) {
    return Status::kImportedEventTimestampMustNotRegress;
  }
  return Status::kCreated;
}

}  // namespace

AccountResult CreateAccount(NaiveState& state, const Account& event,
                            Timestamp now) {
  if ((event.flags & account_flags::kReserved) != 0) {
    return {Status::kReservedFlag, now};
  }
  if (event.id == AccountId(0)) return {Status::kIdMustNotBeZero, now};
  if (event.id == AccountId(kUint128Max)) {
    return {Status::kIdMustNotBeIntMax, now};
  }
  const auto existing = state.accounts.find(event.id);
  if (existing != state.accounts.end()) {
    const Status status = CompareExisting(event, existing->second);
    return {status,
            status == Status::kExists ? existing->second.timestamp : now};
  }
  const Status status = CheckNew(state, event);
  if (status != Status::kCreated) return {status, now};
  Account account = event;
  if ((event.flags & account_flags::kImported) == 0) account.timestamp = now;
  state.accounts[account.id] = account;
  return {Status::kCreated, account.timestamp};
}

}  // namespace ledgerd::model
