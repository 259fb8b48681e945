// The outcomes of an account or a transfer, with their names.
//
// The values and their order of precedence are those of ledger.proto (a test
// compares them); these are separate so that the pure machines need no
// Protobuf.
//
//   EXPECT_EQ(Name(TransferStatus::kExceedsCredits), "exceeds_credits");
#ifndef LEDGERD_PROTO_STATUSES_H_
#define LEDGERD_PROTO_STATUSES_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace ledgerd {

// clang-format off
#define LEDGERD_ACCOUNT_STATUSES(X) \
  X(kUnspecified, "unspecified", 0) \
  X(kCreated, "created", 1) \
  X(kLinkedEventChainOpen, "linked_event_chain_open", 2) \
  X(kLinkedEventFailed, "linked_event_failed", 3) \
  X(kImportedEventExpected, "imported_event_expected", 4) \
  X(kImportedEventNotExpected, "imported_event_not_expected", 5) \
  X(kTimestampMustBeZero, "timestamp_must_be_zero", 6) \
  X(kImportedEventTimestampOutOfRange, "imported_event_timestamp_out_of_range", 7) \
  X(kImportedEventTimestampMustNotAdvance, "imported_event_timestamp_must_not_advance", 8) \
  X(kReservedFlag, "reserved_flag", 9) \
  X(kIdMustNotBeZero, "id_must_not_be_zero", 10) \
  X(kIdMustNotBeIntMax, "id_must_not_be_int_max", 11) \
  X(kExistsWithDifferentFlags, "exists_with_different_flags", 12) \
  X(kExistsWithDifferentUserData128, "exists_with_different_user_data_128", 13) \
  X(kExistsWithDifferentUserData64, "exists_with_different_user_data_64", 14) \
  X(kExistsWithDifferentUserData32, "exists_with_different_user_data_32", 15) \
  X(kExistsWithDifferentLedger, "exists_with_different_ledger", 16) \
  X(kExistsWithDifferentCode, "exists_with_different_code", 17) \
  X(kExists, "exists", 18) \
  X(kFlagsAreMutuallyExclusive, "flags_are_mutually_exclusive", 19) \
  X(kDebitsPendingMustBeZero, "debits_pending_must_be_zero", 20) \
  X(kDebitsPostedMustBeZero, "debits_posted_must_be_zero", 21) \
  X(kCreditsPendingMustBeZero, "credits_pending_must_be_zero", 22) \
  X(kCreditsPostedMustBeZero, "credits_posted_must_be_zero", 23) \
  X(kLedgerMustNotBeZero, "ledger_must_not_be_zero", 24) \
  X(kCodeMustNotBeZero, "code_must_not_be_zero", 25) \
  X(kImportedEventTimestampMustNotRegress, "imported_event_timestamp_must_not_regress", 26)

#define LEDGERD_TRANSFER_STATUSES(X) \
  X(kUnspecified, "unspecified", 0) \
  X(kCreated, "created", 1) \
  X(kLinkedEventChainOpen, "linked_event_chain_open", 2) \
  X(kLinkedEventFailed, "linked_event_failed", 3) \
  X(kImportedEventExpected, "imported_event_expected", 4) \
  X(kImportedEventNotExpected, "imported_event_not_expected", 5) \
  X(kTimestampMustBeZero, "timestamp_must_be_zero", 6) \
  X(kImportedEventTimestampOutOfRange, "imported_event_timestamp_out_of_range", 7) \
  X(kImportedEventTimestampMustNotAdvance, "imported_event_timestamp_must_not_advance", 8) \
  X(kReservedFlag, "reserved_flag", 9) \
  X(kIdMustNotBeZero, "id_must_not_be_zero", 10) \
  X(kIdMustNotBeIntMax, "id_must_not_be_int_max", 11) \
  X(kExistsWithDifferentFlags, "exists_with_different_flags", 12) \
  X(kExistsWithDifferentPendingId, "exists_with_different_pending_id", 13) \
  X(kExistsWithDifferentTimeout, "exists_with_different_timeout", 14) \
  X(kExistsWithDifferentDebitAccountId, "exists_with_different_debit_account_id", 15) \
  X(kExistsWithDifferentCreditAccountId, "exists_with_different_credit_account_id", 16) \
  X(kExistsWithDifferentAmount, "exists_with_different_amount", 17) \
  X(kExistsWithDifferentUserData128, "exists_with_different_user_data_128", 18) \
  X(kExistsWithDifferentUserData64, "exists_with_different_user_data_64", 19) \
  X(kExistsWithDifferentUserData32, "exists_with_different_user_data_32", 20) \
  X(kExistsWithDifferentLedger, "exists_with_different_ledger", 21) \
  X(kExistsWithDifferentCode, "exists_with_different_code", 22) \
  X(kExists, "exists", 23) \
  X(kIdAlreadyFailed, "id_already_failed", 24) \
  X(kFlagsAreMutuallyExclusive, "flags_are_mutually_exclusive", 25) \
  X(kDebitAccountIdMustNotBeZero, "debit_account_id_must_not_be_zero", 26) \
  X(kDebitAccountIdMustNotBeIntMax, "debit_account_id_must_not_be_int_max", 27) \
  X(kCreditAccountIdMustNotBeZero, "credit_account_id_must_not_be_zero", 28) \
  X(kCreditAccountIdMustNotBeIntMax, "credit_account_id_must_not_be_int_max", 29) \
  X(kAccountsMustBeDifferent, "accounts_must_be_different", 30) \
  X(kPendingIdMustBeZero, "pending_id_must_be_zero", 31) \
  X(kPendingIdMustNotBeZero, "pending_id_must_not_be_zero", 32) \
  X(kPendingIdMustNotBeIntMax, "pending_id_must_not_be_int_max", 33) \
  X(kPendingIdMustBeDifferent, "pending_id_must_be_different", 34) \
  X(kTimeoutReservedForPendingTransfer, "timeout_reserved_for_pending_transfer", 35) \
  X(kClosingTransferMustBePending, "closing_transfer_must_be_pending", 36) \
  X(kLedgerMustNotBeZero, "ledger_must_not_be_zero", 37) \
  X(kCodeMustNotBeZero, "code_must_not_be_zero", 38) \
  X(kDebitAccountNotFound, "debit_account_not_found", 39) \
  X(kCreditAccountNotFound, "credit_account_not_found", 40) \
  X(kAccountsMustHaveTheSameLedger, "accounts_must_have_the_same_ledger", 41) \
  X(kTransferMustHaveTheSameLedgerAsAccounts, "transfer_must_have_the_same_ledger_as_accounts", 42) \
  X(kPendingTransferNotFound, "pending_transfer_not_found", 43) \
  X(kPendingTransferNotPending, "pending_transfer_not_pending", 44) \
  X(kPendingTransferHasDifferentDebitAccountId, "pending_transfer_has_different_debit_account_id", 45) \
  X(kPendingTransferHasDifferentCreditAccountId, "pending_transfer_has_different_credit_account_id", 46) \
  X(kPendingTransferHasDifferentLedger, "pending_transfer_has_different_ledger", 47) \
  X(kPendingTransferHasDifferentCode, "pending_transfer_has_different_code", 48) \
  X(kExceedsPendingTransferAmount, "exceeds_pending_transfer_amount", 49) \
  X(kPendingTransferHasDifferentAmount, "pending_transfer_has_different_amount", 50) \
  X(kPendingTransferAlreadyPosted, "pending_transfer_already_posted", 51) \
  X(kPendingTransferAlreadyVoided, "pending_transfer_already_voided", 52) \
  X(kPendingTransferExpired, "pending_transfer_expired", 53) \
  X(kImportedEventTimestampMustNotRegress, "imported_event_timestamp_must_not_regress", 54) \
  X(kImportedEventTimestampMustPostdateDebitAccount, "imported_event_timestamp_must_postdate_debit_account", 55) \
  X(kImportedEventTimestampMustPostdateCreditAccount, "imported_event_timestamp_must_postdate_credit_account", 56) \
  X(kImportedEventTimeoutMustBeZero, "imported_event_timeout_must_be_zero", 57) \
  X(kDebitAccountAlreadyClosed, "debit_account_already_closed", 58) \
  X(kCreditAccountAlreadyClosed, "credit_account_already_closed", 59) \
  X(kOverflowsDebitsPending, "overflows_debits_pending", 60) \
  X(kOverflowsCreditsPending, "overflows_credits_pending", 61) \
  X(kOverflowsDebitsPosted, "overflows_debits_posted", 62) \
  X(kOverflowsCreditsPosted, "overflows_credits_posted", 63) \
  X(kOverflowsDebits, "overflows_debits", 64) \
  X(kOverflowsCredits, "overflows_credits", 65) \
  X(kOverflowsTimeout, "overflows_timeout", 66) \
  X(kExceedsCredits, "exceeds_credits", 67) \
  X(kExceedsDebits, "exceeds_debits", 68)

// clang-format on

#define LEDGERD_ENUMERATOR(name, text, value) name = value,
enum class AccountStatus : uint8_t {
  LEDGERD_ACCOUNT_STATUSES(LEDGERD_ENUMERATOR)
};
enum class TransferStatus : uint8_t {
  LEDGERD_TRANSFER_STATUSES(LEDGERD_ENUMERATOR)
};
#undef LEDGERD_ENUMERATOR

// In lower case and without the prefix, as in tables, CSV files and logs.
constexpr absl::string_view Name(AccountStatus status) {
#define LEDGERD_CASE(name, text, value) \
  case AccountStatus::name:             \
    return text;
  switch (status) { LEDGERD_ACCOUNT_STATUSES(LEDGERD_CASE) }
#undef LEDGERD_CASE
  return "unknown";
}

constexpr absl::string_view Name(TransferStatus status) {
#define LEDGERD_CASE(name, text, value) \
  case TransferStatus::name:            \
    return text;
  switch (status) { LEDGERD_TRANSFER_STATUSES(LEDGERD_CASE) }
#undef LEDGERD_CASE
  return "unknown";
}

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_STATUSES_H_
