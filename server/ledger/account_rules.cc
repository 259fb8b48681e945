#include "server/ledger/account_rules.h"

namespace ledgerd::server {
namespace {

AccountStatus CheckId(const Account& a) {
  if ((a.flags & account_flags::kReserved) != 0) {
    return AccountStatus::kReservedFlag;
  }
  if (a.id == AccountId(0)) return AccountStatus::kIdMustNotBeZero;
  if (a.id == AccountId(kUint128Max)) return AccountStatus::kIdMustNotBeIntMax;
  return AccountStatus::kCreated;
}

// A retry, or another account under a used id.
AccountStatus CompareExisting(const Account& a, const Account& existing) {
  if (a.flags != existing.flags) {
    return AccountStatus::kExistsWithDifferentFlags;
  }
  if (a.user_data_128 != existing.user_data_128) {
    return AccountStatus::kExistsWithDifferentUserData128;
  }
  if (a.user_data_64 != existing.user_data_64) {
    return AccountStatus::kExistsWithDifferentUserData64;
  }
  if (a.user_data_32 != existing.user_data_32) {
    return AccountStatus::kExistsWithDifferentUserData32;
  }
  if (a.ledger != existing.ledger) {
    return AccountStatus::kExistsWithDifferentLedger;
  }
  if (a.code != existing.code) return AccountStatus::kExistsWithDifferentCode;
  return AccountStatus::kExists;
}

AccountStatus CheckContent(const Account& a) {
  constexpr uint16_t kBothLimits = account_flags::kDebitsMustNotExceedCredits |
                                   account_flags::kCreditsMustNotExceedDebits;
  if ((a.flags & kBothLimits) == kBothLimits) {
    return AccountStatus::kFlagsAreMutuallyExclusive;
  }
  if (a.debits_pending != Amount(0)) {
    return AccountStatus::kDebitsPendingMustBeZero;
  }
  if (a.debits_posted != Amount(0)) {
    return AccountStatus::kDebitsPostedMustBeZero;
  }
  if (a.credits_pending != Amount(0)) {
    return AccountStatus::kCreditsPendingMustBeZero;
  }
  if (a.credits_posted != Amount(0)) {
    return AccountStatus::kCreditsPostedMustBeZero;
  }
  if (a.ledger == 0) return AccountStatus::kLedgerMustNotBeZero;
  if (a.code == 0) return AccountStatus::kCodeMustNotBeZero;
  return AccountStatus::kCreated;
}

}  // namespace

AccountResult AccountRules::Create(const Account& account, Timestamp event) {
  if (const AccountStatus status = CheckId(account);
      status != AccountStatus::kCreated) {
    return {status, event};
  }
  if (const Account* existing = changes_.view().FindAccount(account.id)) {
    const AccountStatus status = CompareExisting(account, *existing);
    const bool same = status == AccountStatus::kExists;
    return {status, same ? existing->timestamp : event};
  }
  if (const AccountStatus status = CheckContent(account);
      status != AccountStatus::kCreated) {
    return {status, event};
  }
  Account created = account;
  if ((account.flags & kImported) == 0) {
    created.timestamp = event;
  } else if (Regresses(account)) {
    return {AccountStatus::kImportedEventTimestampMustNotRegress, event};
  }
  changes_.InsertAccount(created);
  changes_.AppendEvent(
      {.timestamp = event, .debit = storage::EventSideOf(created)});
  return {AccountStatus::kCreated, created.timestamp};
}

bool AccountRules::Regresses(const Account& account) {
  storage::StateView& view = changes_.view();
  return account.timestamp <= view.newest_account_timestamp() ||
         view.HasTransferAt(account.timestamp);
}

}  // namespace ledgerd::server
